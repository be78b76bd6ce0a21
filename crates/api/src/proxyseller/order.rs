//! `POST order/calc` and `POST order/make`

use std::net::IpAddr;

use domain::catalogue::Catalogue;
use domain::command::{Outcome, Wish};
use domain::country::Country;
use domain::journal::Event;
use domain::order::{AccessWish, PlaceOrder, Protocol};
use domain::pricing::Quote;
use domain::refusal::Refusal;
use engine::fault::Fault;
use wire::lenient::Field;
use wire::proxyseller::envelope::Problem;
use wire::proxyseller::order::{Calculated, OrderRequest, Ordered};
use wire::proxyseller::section::Section;

use super::money::{amount, price, share, shortage};
use super::stop::{Done, Stop, decided};
use super::{Asked, Version, choices, offer, order_number, payment, read, resident};
use crate::spend::{Means, fingerprint, spend_by};

/// What an order would cost.
pub(super) fn calculate(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = OrderRequest::read(&asked.body)?;
    let means = paid_by(asked, &request, false)?;
    let quoted = asked.app.engine.quote_order(&wish(asked, &request)?)?;
    let refused = |refusal| Stop::refused_with(asked, &refusal, quoted.balance);
    let quote = quoted.result.map_err(refused)?;
    let calculated = calculated(&quote, means);
    if !calculated.warning.is_empty() {
        return Err(unpaid(asked, &calculated, &calculated.warning));
    }
    Ok(Done::new(&calculated))
}

fn paid_by(asked: &Asked<'_>, request: &OrderRequest, required: bool) -> Result<Means, Stop> {
    let OrderRequest { payment_id: id, payment_code: code, subscription_id: card, .. } = request;
    payment::Said { id, code, card }.means(asked, required)
}

/// Why a price cannot be paid; nothing if it can. A card pays all of it, whatever is in the wallet.
pub(super) fn warning(quote: &Quote, means: Means) -> String {
    let missing = quote.shortfall().filter(|_| means == Means::Wallet);
    missing.map_or_else(String::new, |missing| shortage(quote.balance, missing))
}

fn calculated(quote: &Quote, means: Means) -> Calculated {
    Calculated {
        warning: warning(quote, means),
        balance: amount(quote.balance),
        total: amount(quote.total),
        quantity: quote.lines.iter().map(|line| line.quantity).sum(),
        currency: quote.total.currency().code().to_owned(),
        discount: share(quote.discount),
        price: price(quote.unit_after_discounts()),
    }
}

/// A quote that the balance does not cover, as this installation tells it.
pub(super) fn unpaid(asked: &Asked<'_>, quote: &impl serde::Serialize, warning: &str) -> Stop {
    let explained = asked.version == Version::V1 && asked.app.settings.proxyseller.explain_shortage;
    let problem = explained.then(|| Problem::new(warning.to_owned(), 0));
    Stop::unpaid(quote, problem.into_iter().collect())
}

/// Places an order.
pub(super) async fn place(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = OrderRequest::read(&asked.body)?;
    let v2 = asked.version == Version::V2;
    let means = paid_by(asked, &request, v2)?;
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|_| Fault::Broken)?;
    let order = PlaceOrder { seed, ..wish(asked, &request)? };
    let wish = Wish::Order(Box::new(order));
    let app = asked.app;
    let idempotency = asked.idempotency()?;
    let spent = spend_by(&app.engine, &app.spends, wish, means, idempotency, asked.delivery);
    let (outcome, replayed) = decided(spent.await?).map_err(|declined| declined.stop(asked))?;
    let Outcome::Done { event, .. } = outcome else { return Err(Stop::Unknown) };
    let Event::Order { order, bill, .. } = *event else { return Err(Stop::Unknown) };
    let ids = app.engine.public_ids();
    let ordered = Ordered {
        order_id: read::order_id(ids, asked.version, order),
        total: amount(bill.quote.total),
        list_base_order_numbers: vec![order_number::base(ids, asked.version, order)],
        balance: amount(bill.balance_after),
    };
    Ok(Done::once_or_again(&ordered, replayed))
}

impl Asked<'_> {
    /// What makes this request known again. The section in its path is a part of it.
    pub(super) fn idempotency(&self) -> Result<domain::idempotency::Idempotency, Stop> {
        let section = self.section.as_deref().and_then(Section::from_name);
        let route = format!("{} {}", self.template, section.map_or("", Section::name));
        let print = fingerprint(&route, &self.body);
        let known = self.key.idempotency(print, &self.caller.key);
        known.ok_or_else(|| Stop::said("Set [Idempotency-Key]", "bad-idempotency-key"))
    }
}

/// The shop's words for what is asked, but for the randomness.
fn wish(asked: &Asked<'_>, request: &OrderRequest) -> Result<PlaceOrder, Stop> {
    let catalogue = asked.app.engine.catalogue();
    let (section, place) = section(asked, request)?;
    let kind = offer::kind(section).ok_or_else(resident::not_offered)?;
    let mixed = offer::is_mixed(section).then(|| Mixed::of(&catalogue, section, &place, request));
    let said = Said::of(asked.version, section, request);
    let optional = section == Section::Mobile
        || mixed.as_ref().is_some_and(|mixed| !mixed.package.is_empty())
        || asked.app.settings.proxyseller.target_optional;
    let unstated = optional.then(|| choices::UNSTATED_GOAL.to_owned());
    Ok(PlaceOrder {
        customer: asked.customer(),
        kind: Some(kind),
        country: place.country,
        package: mixed.as_ref().map(|mixed| mixed.package.clone()),
        operator: said.operator(&catalogue),
        rotation_seconds: said.rotation_seconds(),
        access: access(request),
        period: read::period(&request.period_code, &request.period_id),
        protocol: said.protocol(asked.version),
        goal: said.goal().or(unstated),
        quantity: mixed.map_or_else(|| read::number(&request.quantity), |mixed| mixed.quantity),
        promo: read::coupon(&request.coupon),
        seed: [0; 16],
    })
}

/// Where, as the section has it.
struct Place {
    country: Option<Country>,
    /// What the client has said, for a package.
    name: Option<String>,
}

/// The section that is meant, and where. In v1 the id of the country names both.
fn section(asked: &Asked<'_>, request: &OrderRequest) -> Result<(Section, Place), Stop> {
    let refused = |refusal| Stop::refused(asked, &refusal);
    let named = match &request.section_code {
        Field::Absent => asked.section()?,
        code => {
            let section = code.given().and_then(|code| Section::from_name(code));
            Some(section.ok_or_else(|| refused(Refusal::UnknownKind))?)
        }
    };
    let name = read::either(&request.country_code, &request.country_id).given().cloned();
    let number = name.as_deref().and_then(wire::lenient::digits);
    let numbered = number.and_then(choices::numbered_country);
    let v1 = asked.version == Version::V1;
    if v1 && !read::either(&request.tarif_id, &request.tarif_code).is_absent() {
        return Err(resident::not_offered());
    }
    let told = numbered.map(|(section, _)| section);
    let told = told.or_else(|| number.and_then(choices::section_of_package));
    let section = match (told, named) {
        (Some(told), _) if v1 => told,
        (_, Some(named)) => named,
        (_, None) if v1 => return Err(refused(Refusal::UnknownCountry)),
        (_, None) => return Err(refused(Refusal::UnknownKind)),
    };
    let country = match numbered {
        Some((of, country)) => (of == section).then_some(country),
        None => name.as_deref().and_then(Country::from_alpha3),
    };
    Ok((section, Place { country, name }))
}

/// A package and how many of its addresses: by members of their own, as a country, or as a country
/// with the number behind it.
struct Mixed {
    /// Its tag; empty if there is none of that name.
    package: String,
    quantity: Option<u32>,
}

impl Mixed {
    fn of(catalogue: &Catalogue, section: Section, place: &Place, request: &OrderRequest) -> Mixed {
        let quantity = read::number(&request.quantity);
        let mix = read::either(&request.mix_id, &request.mix_code);
        let known = |name: &str| offer::package(catalogue, section, name);
        let name = match mix {
            Field::Absent => place.name.as_deref(),
            mix => mix.given().map(String::as_str),
        };
        let counted = name.and_then(|name| name.rsplit_once(':'));
        let (package, counted) = match (name.and_then(known), counted) {
            (None, Some((name, count))) => (known(name), wire::lenient::digits(count)),
            (package, _) => (package, None),
        };
        let counted = counted.and_then(|count| u32::try_from(count).ok());
        Mixed { package: package.unwrap_or_default(), quantity: counted.or(quantity) }
    }
}

/// The members that mean something else in a client of v1 that mixes them up.
struct Said<'r> {
    operator: &'r Field<String>,
    rotation: &'r Field<String>,
    protocol: &'r Field<String>,
    target: &'r Field<String>,
    request: &'r OrderRequest,
}

impl<'r> Said<'r> {
    fn of(version: Version, section: Section, request: &'r OrderRequest) -> Said<'r> {
        let operator = read::either(&request.operator_id, &request.operator_code);
        let rotation = read::either(&request.rotation_id, &request.rotation_code);
        // One client of v1 sends the operator as the target and the rotation as the protocol.
        if version == Version::V1 && section == Section::Mobile && operator.is_absent() {
            let (operator, rotation) = (&request.custom_target_name, &request.protocol);
            let (protocol, target) = (&Field::Absent, &Field::Absent);
            return Said { operator, rotation, protocol, target, request };
        }
        let (protocol, target) = (&request.protocol, &request.custom_target_name);
        Said { operator, rotation, protocol, target, request }
    }

    /// Only modems of one's own are offered.
    fn operator(&self, catalogue: &Catalogue) -> Option<String> {
        let service = self.request.mobile_service_type.given();
        let dedicated = service.is_none_or(|it| it.eq_ignore_ascii_case("dedicated"));
        let name = self.operator.given().filter(|_| dedicated)?;
        offer::operator(catalogue, name)
    }

    fn rotation_seconds(&self) -> Option<u32> {
        let minutes = wire::lenient::digits(self.rotation.given()?)?;
        u32::try_from(minutes).ok()?.checked_mul(60)
    }

    /// What an IPv6 proxy is to speak. v2 takes nothing said for HTTP.
    fn protocol(&self, version: Version) -> Option<Protocol> {
        match self.protocol {
            Field::Absent => (version == Version::V2).then_some(Protocol::Http),
            Field::Bad => None,
            Field::Given(name) => match name.to_ascii_lowercase().as_str() {
                "http" | "https" => Some(Protocol::Http),
                "socks" | "socks5" => Some(Protocol::Socks),
                _ => None,
            },
        }
    }

    /// What for, in the customer's words or by the older pair of ids.
    fn goal(&self) -> Option<String> {
        if let Some(target) = self.target.given().filter(|target| !target.trim().is_empty()) {
            return Some(target.clone());
        }
        let section = self.request.target_section_id.given()?;
        let target = self.request.target_id.given().map_or("", String::as_str);
        Some(format!("{section}/{target}"))
    }
}

/// Who may use the proxies: an address that is named, else whoever has the customer's usual login;
/// and, if that is wished for, a login of the order's own, which lists do not show.
fn access(request: &OrderRequest) -> AccessWish {
    let own = request.generate_auth == Field::Given(true);
    let ip = match &request.authorization {
        Field::Absent => {
            return if own { AccessWish::UsualAndOwn } else { AccessWish::Usual };
        }
        Field::Bad => None,
        Field::Given(text) => text.parse::<IpAddr>().ok(),
    };
    if own { AccessWish::SourceIpAndOwn(ip) } else { AccessWish::SourceIp(ip) }
}
