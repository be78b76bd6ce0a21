//! A small shop to decide commands in: two customers, four products, some stock.
#![expect(clippy::unwrap_used, reason = "test helpers may fail loudly")]

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::access::{Access, Login};
use domain::address::{Address, Pool, Prefix};
use domain::authorisation::Authorisation;
use domain::catalogue::{Catalogue, Gateway, MobileOperator, PriceList, Product, Terms};
use domain::country::Country;
use domain::customer::Customer;
use domain::ids::{
    AccountId, AddressId, AuthorisationId, CustomerId, LeaseId, OrderId, PrefixId, PromoId,
};
use domain::kind::ProxyKind;
use domain::lease::{Lease, LeaseState};
use domain::ledger::Wallet;
use domain::limits::Limits;
use domain::money::{Currency, Money, Percent, UnitPrice};
use domain::order::{AccessWish, PlaceOrder, Protocol};
use domain::period::Period;
use domain::period::PeriodWish;
use domain::ports::PortRules;
use domain::product::ProductKey;
use domain::promo::Promo;
use domain::stock::rank;
use domain::time::{Span, Time};
use domain::world::{Loaded, NextIds};

/// Has ten dollars.
pub(crate) const ANN: CustomerId = CustomerId(1);
/// Has a hundred dollars.
pub(crate) const BOB: CustomerId = CustomerId(2);

/// So many days after the beginning of time.
pub(crate) fn day(day: u32) -> Time {
    Time::EPOCH + Span::from_days(day)
}

pub(crate) fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

/// The product of each kind that the shop sells.
pub(crate) fn product(kind: ProxyKind) -> ProductKey {
    let operator = (kind == ProxyKind::Mobile).then(|| "verizon".to_owned());
    ProductKey { kind, country: Country::from_alpha3("USA").unwrap(), operator, package: None }
}

/// Every kind for 30 or 90 days at ten cents a day; ten per cent off from three addresses on.
pub(crate) fn catalogue() -> Catalogue {
    let terms = Terms {
        periods: [30, 90].map(|days| Period::from_days(days).unwrap()).into(),
        quantity_min: 1,
        quantity_max: 100,
        renew_lead: Span::DAY,
        renew_retry: Span::HOUR,
        cooling: Span::DAY,
        volume_discounts: vec![(3, Percent::parse("10").unwrap())],
        period_discounts: vec![],
        limits: Limits::default(),
        ports: PortRules::default(),
    };
    let mut catalogue = Catalogue { version: 1, ..Catalogue::default() };
    for kind in ProxyKind::ALL {
        let key = product(kind);
        let list = PriceList { per_period: BTreeMap::new(), per_day: UnitPrice::parse("0.10") };
        let prices = [(Currency::USD, list)].into();
        let reserve = if kind == ProxyKind::Mobile { Span::ZERO } else { Span::DAY };
        catalogue.terms.insert(kind, terms.clone());
        let product = Product {
            key: key.clone(),
            prices,
            reserve,
            limits: Limits::default(),
            ports: PortRules::default(),
            on_sale: true,
        };
        catalogue.products.insert(key, product);
    }
    let verizon = MobileOperator {
        tag: "verizon".into(),
        name: "Verizon".into(),
        country: Country::from_alpha3("USA").unwrap(),
        rotation_seconds: vec![300],
    };
    catalogue.operators.insert("verizon".into(), verizon);
    catalogue.gateways.insert("main".into(), gateway((20_000, 29_999)));
    catalogue
}

/// The gateway `main`.
pub(crate) fn gateway(shared_ports: (u16, u16)) -> Gateway {
    let (name, host) = ("main".to_owned(), "127.0.0.1".to_owned());
    Gateway { name, host, http_port: 8081, socks_port: 8082, https_port: None, shared_ports }
}

/// A live lease of 30 days from the beginning of time.
pub(crate) fn lease(id: i64, order: i64, customer: CustomerId, kind: ProxyKind) -> Lease {
    Lease {
        id: LeaseId(id),
        order: OrderId(order),
        customer,
        product: product(kind),
        address: AddressId(id),
        state: LeaseState::Active,
        starts_at: day(0),
        ends_at: day(30),
        reserved_until: None,
        auto_extend: None,
        renew_card: None,
        retry_at: None,
        replaced_at: None,
        comment: None,
        look_at: day(30),
    }
}

/// Ann has leases 1 to 3 (IPv4, order 1) and 4 to 6 (IPv6, order 2), Bob has lease 7 (IPv4, order
/// 3), each order with an authorisation of the same number; five addresses of each kind are free, and a prefix of four more for IPv6. `SPRING` takes ten
/// per cent off, thrice in all and twice each.
pub(crate) fn loaded() -> Loaded {
    let customer = |id, name: &str| Customer {
        id,
        name: name.to_owned(),
        email: None,
        currency: Currency::USD,
        suspended: false,
        created_at: Time::EPOCH,
    };
    let wallet = |customer: CustomerId, minor| {
        let account = AccountId(100_000 + customer.0);
        Wallet { account, customer, balance: usd(minor), version: 1 }
    };
    let mut leases: Vec<Lease> = (1..=3).map(|id| lease(id, 1, ANN, ProxyKind::Ipv4)).collect();
    leases.extend((4..=6).map(|id| lease(id, 2, ANN, ProxyKind::Ipv6)));
    leases.push(lease(7, 3, BOB, ProxyKind::Ipv4));
    Loaded {
        catalogue: Arc::new(catalogue()),
        customers: vec![customer(ANN, "Ann"), customer(BOB, "Bob")],
        wallets: vec![wallet(ANN, 1_000), wallet(BOB, 10_000)],
        promos: vec![spring()],
        pools: ProxyKind::ALL
            .into_iter()
            .zip(0u8..)
            .map(|(k, n)| (product(k), pool(k, n)))
            .collect(),
        leases,
        next: NextIds { entry: 10, order: 10, lease: 10, address: 100, authorisation: 10 },
        authorisations: (1..=3).map(authorisation).collect(),
        logins: (1..=3)
            .map(authorisation)
            .map(|it| (format!("login-{}", it.id.0), it.customer, Some(it.id)))
            .collect(),
        ..Loaded::default()
    }
}

/// The authorisation that lists show of the order with the same number.
fn authorisation(id: i64) -> Authorisation {
    let pair = Login { login: format!("login-{id}"), password: "secret".into() };
    Authorisation {
        id: AuthorisationId(id),
        customer: if id == 3 { BOB } else { ANN },
        order: OrderId(id),
        active: true,
        access: Access::Login(pair),
        usual: false,
        chosen: false,
        shown: true,
    }
}

fn pool(kind: ProxyKind, number: u8) -> Pool {
    let address = |last: u8| {
        let ip = [192, number, last, 1].into();
        Address {
            id: AddressId(i64::from(number) * 10 + i64::from(last) + 50),
            pool: product(kind),
            ip,
            gateway: "main".into(),
            port: 0,
            rank: rank(ip, 0),
            lease: None,
            free_at: Time::EPOCH,
        }
    };
    let prefix = Prefix {
        id: PrefixId(1),
        pool: product(kind),
        base: "2001:db8::".parse().unwrap(),
        length: 126,
        gateway: "main".into(),
        drawn: 0,
    };
    let prefixes = if kind == ProxyKind::Ipv6 { vec![prefix] } else { vec![] };
    Pool { free: (0..5).map(address).collect(), prefixes }
}

pub(crate) fn spring() -> Promo {
    Promo {
        id: PromoId(1),
        code: "SPRING".into(),
        discount: Percent::parse("10").unwrap(),
        starts_at: Time::EPOCH,
        ends_at: None,
        max_uses: Some(3),
        per_customer: Some(2),
        kinds: vec![],
        for_orders: true,
        for_extensions: true,
        customer: None,
        descriptions: vec![],
        uses: 0,
    }
}

/// An order for 30 days that has all it needs.
pub(crate) fn order(customer: CustomerId, kind: ProxyKind, quantity: u32) -> PlaceOrder {
    PlaceOrder {
        customer,
        kind: Some(kind),
        country: Country::from_alpha3("USA"),
        package: None,
        operator: Some("verizon".into()),
        rotation_seconds: Some(300),
        access: AccessWish::Login,
        period: PeriodWish::Days(30),
        protocol: Some(Protocol::Http),
        goal: Some("parsing".into()),
        quantity: Some(quantity),
        promo: None,
        seed: [1; 16],
    }
}
