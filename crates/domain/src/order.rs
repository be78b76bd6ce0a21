//! Ordering: the customer pays, addresses become his.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::access::{Access, Entropy, Login, may_be_source};
use crate::authorisation::Granting;
use crate::catalogue::{Catalogue, Package};
use crate::country::Country;
use crate::ids::{CustomerId, EntryId, LeaseId, OrderId};
use crate::journal::{Bill, Event, Granted};
use crate::kind::ProxyKind;
use crate::lease::{Lease, LeaseState};
use crate::ledger::House;
use crate::needs::Needs;
use crate::period::{Period, PeriodWish};
use crate::pricing::{Basket, Quote, quote};
use crate::product::ProductKey;
use crate::promo::{Purchase, normal_code};
use crate::refusal::Refusal;
use crate::stock::spread;
use crate::time::Time;
use crate::world::World;

/// What was bought together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The id.
    pub id: OrderId,
    /// Who bought.
    pub customer: CustomerId,
    /// What; of a package, the part that its first lease is.
    pub product: ProductKey,
    /// For how long.
    pub period: Period,
    /// How many addresses.
    pub quantity: u32,
    /// What for, in the customer's words.
    pub goal: String,
    /// What lists show of who may use them; see [`crate::authorisation`]. `None` once its customer
    /// has deleted that.
    pub access: Option<Access>,
    /// What an IPv6 proxy speaks.
    pub protocol: Option<Protocol>,
    /// After how many seconds a mobile exit rotates; 0 is by link only.
    pub rotation_seconds: Option<u32>,
    /// When.
    pub created_at: Time,
}

/// What an IPv6 proxy speaks; the other kinds speak both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP.
    Http,
    /// SOCKS5.
    Socks,
}

impl Protocol {
    /// `HTTP` or `SOCKS`.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Http => "HTTP",
            Protocol::Socks => "SOCKS",
        }
    }

    /// The protocol with this name, in any letter case.
    pub fn from_name(name: &str) -> Option<Protocol> {
        [Protocol::Http, Protocol::Socks]
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }
}

/// A wish to order, in no dialect's words. A field is `None` where nothing was said or it could not
/// be read; [`PlaceOrder::check`] refuses in one fixed order, so that several faults give one
/// predictable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceOrder {
    /// Who pays.
    pub customer: CustomerId,
    /// What kind of proxy.
    pub kind: Option<ProxyKind>,
    /// Where; ignored if a package is named.
    pub country: Option<Country>,
    /// The tag of a package, if one is wished for in place of a country: an empty one where its
    /// name could not be read.
    pub package: Option<String>,
    /// The mobile operator's tag; ignored for other kinds.
    pub operator: Option<String>,
    /// After how many seconds the exit rotates; ignored for other kinds than mobile.
    pub rotation_seconds: Option<u32>,
    /// How the proxies will know their customer.
    pub access: AccessWish,
    /// For how long.
    pub period: PeriodWish,
    /// What an IPv6 proxy is to speak; ignored for other kinds.
    pub protocol: Option<Protocol>,
    /// What for; may be left out for a package.
    pub goal: Option<String>,
    /// How many.
    pub quantity: Option<u32>,
    /// A promo code; a blank one is none.
    pub promo: Option<String>,
    /// Randomness for the credentials.
    pub seed: [u8; 16],
}

/// How the proxies will know their customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessWish {
    /// Not asked: a price is calculated without it.
    NotAsked,
    /// Unknown or missing.
    Unknown,
    /// By a login that is issued.
    Login,
    /// By the pair of login and password that this customer usually uses. It is issued when it is
    /// first needed.
    Usual,
    /// By the customer's usual pair, and by one that is issued for this order and not shown in
    /// lists.
    UsualAndOwn,
    /// By this source address; `None` is missing or unreadable.
    SourceIp(Option<IpAddr>),
    /// By this source address, and by a login that is issued and not shown in lists.
    SourceIpAndOwn(Option<IpAddr>),
}

/// An order that can be placed if there is stock and money.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Checked {
    /// What it may be served with: one product, or the parts of a package in their order.
    products: Vec<ProductKey>,
    period: Period,
    quantity: u32,
    goal: String,
    protocol: Option<Protocol>,
    rotation_seconds: Option<u32>,
}

impl PlaceOrder {
    /// The longest goal, in characters.
    pub const GOAL_LENGTH_MAX: usize = 200;

    /// The most addresses that any terms may allow in an order. Bounds what a batch has to load.
    pub const QUANTITY_MAX: u32 = 10_000;

    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        let mut needs = Needs { customers: [self.customer].into(), ..Needs::default() };
        if let Some(code) = self.promo.as_deref().and_then(normal_code) {
            needs.promos.insert((code, self.customer));
        }
        let quantity = self.quantity.filter(|quantity| *quantity <= Self::QUANTITY_MAX);
        let Some(quantity) = quantity else { return needs };
        if let Some(tag) = &self.package {
            needs.packages.insert((tag.clone(), quantity), 1);
        } else if let Some(pool) = self.product() {
            needs.stock.insert(pool, quantity);
        }
        if matches!(self.access, AccessWish::Usual | AccessWish::UsualAndOwn) {
            needs.usual_logins.insert(self.customer);
        }
        needs
    }

    /// What it would cost. Sees the same problems as the order would, but for credentials that were
    /// not asked for.
    pub fn quote(&self, world: &World, now: Time) -> Result<Quote, Refusal> {
        let checked = self.check(&world.catalogue)?;
        self.priced(world, &checked, now).map(|(quote, _)| quote)
    }

    /// Charges the wallet and lets the addresses, or does neither.
    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Result<EntryId, Refusal> {
        self.decided(world, now, Ok)
    }

    /// The same, but a promo code that cannot be used refuses it: nobody pays the full price who
    /// meant not to.
    pub(crate) fn apply_with_promo(
        &self,
        world: &mut World,
        now: Time,
    ) -> Result<EntryId, Refusal> {
        self.decided(world, now, Quote::with_promo)
    }

    fn decided(
        &self,
        world: &mut World,
        now: Time,
        accepted: impl FnOnce(Quote) -> Result<Quote, Refusal>,
    ) -> Result<EntryId, Refusal> {
        world.spender(self.customer)?;
        let checked = self.check(&world.catalogue)?;
        let mut entropy = World::entropy(self.seed);
        let wanted = self.access(&mut entropy)?;
        let (quote, parts) = self.priced(world, &checked, now)?;
        let quote = accepted(quote)?;
        if let Some(missing) = quote.shortfall() {
            return Err(Refusal::InsufficientFunds { missing });
        }

        let Checked { period, quantity, goal, protocol, rotation_seconds, .. } = checked;
        let id = world.next_order();
        let first = world.next_leases(quantity);
        let mut taken = Vec::new();
        for (part, quantity) in &parts {
            let next = LeaseId(first.0 + i64::try_from(taken.len()).expect("it fits"));
            let addresses = world.take_stock(&part.pool(), *quantity, next);
            taken.extend(addresses.into_iter().map(|address| (part, address)));
        }
        let product = taken[0].0.clone();
        let ends_at = now + period.span();
        let leases: Vec<Lease> = (first.0..)
            .zip(taken)
            .map(|(lease, (part, address))| Lease {
                id: LeaseId(lease),
                order: id,
                customer: self.customer,
                product: part.clone(),
                address,
                state: LeaseState::Active,
                starts_at: now,
                ends_at,
                reserved_until: None,
                auto_extend: None,
                renew_card: None,
                retry_at: None,
                replaced_at: None,
                comment: None,
                look_at: ends_at,
            })
            .collect();
        let granted = leases
            .iter()
            .map(|lease| Granted { lease: lease.id, address: lease.address, ends_at })
            .collect();
        world.use_promo(self.customer, quote.promo);
        let total = quote.total;
        let entry = world.transfer(self.customer, total, House::Revenue, now, |balance_after| {
            let bill = Bill { quote, balance_after, payment: None };
            Event::Order { order: id, bill, period, leases: granted }
        });
        let access = world.authorise_order(self.customer, id, wanted, &mut entropy);
        let order = Order {
            id,
            customer: self.customer,
            product,
            period,
            quantity,
            goal,
            access: Some(access),
            protocol,
            rotation_seconds,
            created_at: now,
        };
        world.add_order(order, leases);
        Ok(entry)
    }

    /// The product that is wished for, as far as it can be told without the catalogue.
    fn product(&self) -> Option<ProductKey> {
        let kind = self.kind?;
        let operator = match kind {
            ProxyKind::Mobile => Some(self.operator.clone()?),
            _ => None,
        };
        Some(ProductKey { kind, country: self.country?, operator, package: None })
    }

    /// Refuses what is wrong with the wish itself, in the order of the fields.
    fn check(&self, catalogue: &Catalogue) -> Result<Checked, Refusal> {
        let kind = self.kind.ok_or(Refusal::UnknownKind)?;
        let package = match &self.package {
            Some(tag) => Some(Self::checked_package(catalogue, kind, tag)?),
            None => None,
        };
        let (products, rotation_seconds) = match package {
            Some(package) => (package.parts().collect(), None),
            None => self.checked_product(catalogue, kind)?,
        };
        match self.access {
            AccessWish::Unknown => return Err(Refusal::UnknownAccess),
            AccessWish::SourceIp(ip) | AccessWish::SourceIpAndOwn(ip)
                if !ip.is_some_and(may_be_source) =>
            {
                return Err(Refusal::BadSourceIp);
            }
            _ => {}
        }
        let terms = catalogue.terms(kind).ok_or(Refusal::CountryNotOffered)?;
        let period = self.period.among(&terms.periods).ok_or(Refusal::PeriodNotOnSale)?;
        let protocol = match kind {
            ProxyKind::Ipv6 if self.access == AccessWish::NotAsked => None,
            ProxyKind::Ipv6 => Some(self.protocol.ok_or(Refusal::UnknownProtocol)?),
            _ => None,
        };
        let goal = self.goal.as_deref().unwrap_or("").trim();
        let fewest = if package.is_some() { 0 } else { 1 };
        if !(fewest..=Self::GOAL_LENGTH_MAX).contains(&goal.chars().count()) {
            return Err(Refusal::BadGoal);
        }
        let fits = |quantity: &u32| match package {
            Some(package) => package.quantities.contains(quantity),
            None => (terms.quantity_min..=terms.quantity_max).contains(quantity),
        };
        let quantity = self.quantity.filter(fits).ok_or(Refusal::BadQuantity)?;
        let goal = goal.to_owned();
        Ok(Checked { products, period, quantity, goal, protocol, rotation_seconds })
    }

    fn checked_package<'c>(
        catalogue: &'c Catalogue,
        kind: ProxyKind,
        tag: &str,
    ) -> Result<&'c Package, Refusal> {
        let package = catalogue.packages.get(tag);
        let package = package.filter(|package| package.on_sale && package.kind == kind);
        package.ok_or(Refusal::UnknownPackage)
    }

    /// The product that is wished for, and after how many seconds it is to rotate.
    fn checked_product(
        &self,
        catalogue: &Catalogue,
        kind: ProxyKind,
    ) -> Result<(Vec<ProductKey>, Option<u32>), Refusal> {
        let country = self.country.ok_or(Refusal::UnknownCountry)?;
        if !catalogue.countries(kind).contains(&country) {
            return Err(Refusal::CountryNotOffered);
        }
        let mobile = kind == ProxyKind::Mobile;
        let (operator, rotation_seconds) = if mobile {
            let tag = self.operator.as_ref().ok_or(Refusal::UnknownOperator)?;
            let operator = catalogue.operators.get(tag).filter(|it| it.country == country);
            let operator = operator.ok_or(Refusal::UnknownOperator)?;
            let known = |seconds: &u32| operator.rotation_seconds.contains(seconds);
            let seconds = self.rotation_seconds.filter(known).ok_or(Refusal::UnknownRotation)?;
            (Some(tag.clone()), Some(seconds))
        } else {
            (None, None)
        };
        let product = ProductKey { kind, country, operator, package: None };
        if !catalogue.products.get(&product).is_some_and(|product| product.on_sale) {
            return Err(if mobile { Refusal::UnknownOperator } else { Refusal::CountryNotOffered });
        }
        Ok((vec![product], rotation_seconds))
    }

    /// How the order will know its customer: what lists show, and what they do not.
    fn access(&self, entropy: &mut Entropy) -> Result<(Granting, bool), Refusal> {
        let source = |ip: Option<IpAddr>| {
            ip.map(|ip| Granting::SourceIp(ip.to_canonical())).ok_or(Refusal::BadSourceIp)
        };
        match self.access {
            AccessWish::Login => Ok((Granting::Own(Login::draw(entropy)), false)),
            AccessWish::Usual => Ok((Granting::Usual, false)),
            AccessWish::UsualAndOwn => Ok((Granting::Usual, true)),
            AccessWish::SourceIp(ip) => Ok((source(ip)?, false)),
            AccessWish::SourceIpAndOwn(ip) => Ok((source(ip)?, true)),
            AccessWish::NotAsked | AccessWish::Unknown => Err(Refusal::UnknownAccess),
        }
    }

    /// What it costs, and how many addresses of which product it is served with. Refuses what
    /// cannot be paid for in the customer's currency, or cannot be delivered.
    fn priced(
        &self,
        world: &World,
        checked: &Checked,
        now: Time,
    ) -> Result<(Quote, BTreeMap<ProductKey, u32>), Refusal> {
        let (products, quantity) = (&checked.products, checked.quantity);
        let available: Vec<u32> =
            products.iter().map(|part| world.available(&part.pool(), quantity)).collect();
        let parts = spread(&available, quantity).map(|shares| {
            let parts = products.iter().cloned().zip(shares);
            parts.filter(|(_, share)| *share > 0).collect::<BTreeMap<ProductKey, u32>>()
        });
        // All parts of a package cost the same: what cannot be delivered still has a price.
        let items = parts.clone().unwrap_or_else(|| [(products[0].clone(), quantity)].into());
        let kind = products[0].kind;
        let promo = world.promo(self.promo.as_deref(), self.customer, kind, Purchase::Order, now);
        let basket = Basket { items: &items, kind, period: checked.period, promo };
        let quote = quote(&world.catalogue, basket, world.balance(self.customer)?)?;
        if world.sales_locked {
            return Err(Refusal::SalesLocked);
        }
        Ok((quote, parts.ok_or(Refusal::OutOfStock)?))
    }
}
