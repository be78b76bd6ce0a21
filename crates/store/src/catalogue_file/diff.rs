//! What a new catalogue changes, for people.

use std::collections::BTreeMap;
use std::fmt;

use domain::catalogue::{Catalogue, PriceList, Terms};
use domain::kind::ProxyKind;
use domain::limits::Limits;
use domain::modem::{Driver, Managed, Modem, ModemExit, Which};
use domain::money::Percent;
use domain::ports::{PortRange, PortRules};
use domain::time::Span;

/// One line of what changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Whether something comes, goes or changes.
    pub mark: Mark,
    /// What, for example `product IPv4/USA: USD per day 0.05 → 0.06`.
    pub text: String,
}

/// Whether something comes, goes or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is different.
    Changed,
}

impl Mark {
    /// `+`, `-` or `~`.
    pub fn sign(self) -> char {
        match self {
            Mark::Added => '+',
            Mark::Removed => '-',
            Mark::Changed => '~',
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.mark.sign(), self.text)
    }
}

/// What there is to say of a thing, in the order in which it is said.
type Facts = Vec<(String, String)>;

/// What `new` changes against `old`; nothing if they sell the same.
pub fn diff(old: &Catalogue, new: &Catalogue) -> Vec<Difference> {
    let (old, new) = (things(old), things(new));
    let mut found = Vec::new();
    for (name, facts) in &new {
        match old.get(name) {
            None => found.push(Difference { mark: Mark::Added, text: all(&name.1, facts) }),
            Some(before) => changes(&name.1, before, facts, &mut found),
        }
    }
    for (name, _) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
        found.push(Difference { mark: Mark::Removed, text: name.1.clone() });
    }
    found
}

fn all(name: &str, facts: &Facts) -> String {
    let facts: Vec<String> = facts.iter().map(|(what, value)| format!("{what} {value}")).collect();
    format!("{name}: {}", facts.join(", "))
}

fn changes(name: &str, before: &Facts, after: &Facts, found: &mut Vec<Difference>) {
    let value_of = |facts: &Facts, what: &str| {
        facts.iter().find(|(other, _)| other == what).map(|(_, value)| value.clone())
    };
    for (what, value) in after {
        let text = match value_of(before, what) {
            Some(earlier) if earlier == *value => continue,
            Some(earlier) => format!("{name}: {what} {earlier} → {value}"),
            None => format!("{name}: {what} {value} (new)"),
        };
        found.push(Difference { mark: Mark::Changed, text });
    }
    for (what, value) in before.iter().filter(|(what, _)| value_of(after, what).is_none()) {
        let text = format!("{name}: {what} {value} (gone)");
        found.push(Difference { mark: Mark::Changed, text });
    }
}

/// Everything in a catalogue by section and name.
fn things(catalogue: &Catalogue) -> BTreeMap<(u8, String), Facts> {
    let mut things = BTreeMap::new();
    for (name, gateway) in &catalogue.gateways {
        let (first, last) = gateway.shared_ports;
        let mut facts = vec![
            fact("host", &gateway.host),
            fact("HTTP port", gateway.http_port),
            fact("SOCKS port", gateway.socks_port),
            fact("shared ports", format_args!("{first}–{last}")),
        ];
        facts.extend(gateway.https_port.map(|port| fact("HTTPS port", port)));
        things.insert((0, format!("gateway {name}")), facts);
    }
    for (kind, terms) in &catalogue.terms {
        things.insert((1, format!("kind {kind}")), of_terms(terms));
    }
    for (tag, operator) in &catalogue.operators {
        let facts = vec![
            fact("name", &operator.name),
            fact("country", operator.country),
            fact("rotation seconds", list(operator.rotation_seconds.iter())),
        ];
        things.insert((2, format!("mobile operator {tag}")), facts);
    }
    for (name, modem) in &catalogue.modems {
        things.insert((5, format!("modem {name}")), of_modem(modem));
    }
    for (key, product) in &catalogue.products {
        let mut facts: Facts = Vec::new();
        for (currency, prices) in &product.prices {
            of_prices(currency.code(), prices, &mut facts);
        }
        facts.push(fact("reserve", span(product.reserve)));
        own_limits(catalogue, product.key.kind, product.limits, &mut facts);
        own_ports(catalogue, product.key.kind, &product.ports, &mut facts);
        facts.push(fact("on sale", if product.on_sale { "yes" } else { "no" }));
        things.insert((3, format!("product {key}")), facts);
    }
    for (tag, package) in &catalogue.packages {
        let mut facts = vec![
            fact("name", &package.name),
            fact("number", package.number),
            fact("kind", package.kind),
            fact("countries", list(package.countries.iter())),
            fact("quantities", list(package.quantities.iter())),
        ];
        for (currency, prices) in &package.prices {
            of_prices(currency.code(), prices, &mut facts);
        }
        facts.push(fact("reserve", span(package.reserve)));
        own_limits(catalogue, package.kind, package.limits, &mut facts);
        own_ports(catalogue, package.kind, &package.ports, &mut facts);
        facts.push(fact("on sale", if package.on_sale { "yes" } else { "no" }));
        things.insert((4, format!("package {tag}")), facts);
    }
    things
}

fn of_terms(terms: &Terms) -> Facts {
    let mut facts = vec![
        fact("periods", list(terms.periods.iter().map(|period| period.days()))),
        fact("quantity", format_args!("{}–{}", terms.quantity_min, terms.quantity_max)),
        fact("renewal", format_args!("{} ahead", span(terms.renew_lead))),
        fact("retry", format_args!("after {}", span(terms.renew_retry))),
        fact("cooling", span(terms.cooling)),
        fact("volume discounts", steps(&terms.volume_discounts)),
        fact("period discounts", steps(&terms.period_discounts)),
        fact("limits", limits(terms.limits)),
    ];
    if !terms.ports.is_empty() {
        facts.push(fact("ports", ports(&terms.ports)));
    }
    facts
}

/// The ports of something that has not those of its kind.
fn own_ports(catalogue: &Catalogue, kind: ProxyKind, own: &PortRules, facts: &mut Facts) {
    let of_kind = catalogue.terms(kind).map(|terms| &terms.ports);
    if of_kind.map_or(!own.is_empty(), |of_kind| of_kind != own) {
        facts.push(fact("ports", ports(own)));
    }
}

fn ports(rules: &PortRules) -> String {
    let told = |ranges: &[PortRange]| match ranges {
        [] => "nothing".to_owned(),
        ranges => list(ranges.iter()),
    };
    format!("allows {}, denies {}", told(&rules.allow), told(&rules.deny))
}

/// The limits of something that has not those of its kind.
fn own_limits(catalogue: &Catalogue, kind: ProxyKind, own: Limits, facts: &mut Facts) {
    if catalogue.terms(kind).is_none_or(|terms| terms.limits != own) {
        facts.push(fact("limits", limits(own)));
    }
}

fn limits(limits: Limits) -> String {
    let number = |count: u64| if count == 0 { "any".to_owned() } else { count.to_string() };
    format!(
        "{} connections/{} new a second/{} bytes a second/UDP {}",
        number(limits.connections.into()),
        number(limits.new_connections_per_second.into()),
        number(limits.bytes_per_second),
        if limits.udp { "on" } else { "off" },
    )
}

fn of_modem(modem: &Modem) -> Facts {
    let exit = match &modem.exit {
        ModemExit::Told => "as it tells".to_owned(),
        ModemExit::Interface(name) => format!("interface {name}"),
        ModemExit::Source(ip) => format!("source {ip}"),
    };
    let driver = match &modem.driver {
        Driver::Http(hook) => {
            let names: Vec<String> =
                hook.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            let secret = hook.secret.as_ref().map(|name| format!(", secret {name}"));
            format!(
                "http {} {} [{}]{}, expects {}",
                hook.method.name(),
                hook.url,
                names.join("; "),
                secret.unwrap_or_default(),
                hook.expect
            )
        }
        Driver::ModemManager(Managed { which, reset }) => {
            let which = match which {
                Which::Imei(imei) => format!("IMEI {imei}"),
                Which::Interface(name) => format!("at {name}"),
            };
            format!("ModemManager, {which}, {}", if *reset { "reset" } else { "reconnect" })
        }
        Driver::Simulator(simulated) => format!(
            "simulator through {}, {} ms each, fails every {}",
            list(simulated.exits.iter()),
            simulated.takes.millis(),
            simulated.fails_every
        ),
    };
    vec![
        fact("gateway", &modem.gateway),
        fact("exit", exit),
        fact("interval", format_args!("{} s", modem.interval.millis() / 1000)),
        fact("deadline", format_args!("{} s", modem.deadline.millis() / 1000)),
        fact("driver", driver),
    ]
}

fn of_prices(currency: &str, prices: &PriceList, facts: &mut Facts) {
    if let Some(price) = prices.per_day {
        facts.push(fact(&format!("{currency} per day"), price));
    }
    for (days, price) in &prices.per_period {
        facts.push(fact(&format!("{currency} for {days} days"), price));
    }
}

fn fact(what: &str, value: impl fmt::Display) -> (String, String) {
    (what.to_owned(), value.to_string())
}

fn list(items: impl Iterator<Item = impl fmt::Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join("/")
}

fn steps(steps: &[(u32, Percent)]) -> String {
    if steps.is_empty() {
        return "none".to_owned();
    }
    let said: Vec<String> =
        steps.iter().map(|(from, share)| format!("{share} % from {from}")).collect();
    said.join(" and ")
}

fn span(span: Span) -> String {
    let minutes = span.millis() / 60_000;
    match minutes {
        0 => "none".to_owned(),
        minutes if minutes % 60 == 0 => format!("{} h", minutes / 60),
        minutes => format!("{minutes} min"),
    }
}
