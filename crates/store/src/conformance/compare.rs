//! The same script, played to two stores, leaves the same books, however its commands are batched
//! and in however many steps its time passes.
//!
//! A script is plain data, so that a property test can draw and shrink it. [`compare`] takes two
//! kinds of store, or one twice; [`one_jump_is_many`] takes one.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use domain::authorise::{Authorise, AuthoriseBy};
use domain::auto_extend::SetAutoExtend;
use domain::command::{Command, Decision, Outcome, Wish};
use domain::comment::SetComment;
use domain::deposit::Deposit;
use domain::extend::Extend;
use domain::idempotency::{Idempotency, KeySource};
use domain::ids::{CustomerId, LeaseId, OrderId};
use domain::journal::Event;
use domain::kind::ProxyKind;
use domain::money::{Currency, Money};
use domain::order::AccessWish;
use domain::period::PeriodWish;
use domain::pricing::Quote;
use domain::refusal::Refusal;
use domain::replace::{Replace, ReplaceReason};
use domain::select::{Among, Selection};
use domain::sweep::Sweep;
use domain::time::{Span, Time};

use super::Make;
use super::digest::{Digest, digest};
use super::shop::{CATALOGUE, Shop, address, exit, order, package, product, promo, usd};
use crate::records::{NewCustomer, ProxyFilter};

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A customer wishes for something.
    Ask {
        /// Which of the three.
        customer: usize,
        /// For what.
        ask: Ask,
        /// How it may be repeated.
        key: Key,
    },
    /// The command of an earlier step comes again, key and all.
    Repeat(usize),
    /// Time passes, and what is due is done.
    Pass {
        /// How much.
        minutes: u32,
    },
    /// Prices change.
    Reprice {
        /// Or go back.
        dearer: bool,
    },
    /// A customer is suspended, or let go on.
    Suspend(usize, bool),
    /// One more address comes into stock.
    Restock(ProxyKind),
}

/// What is wished for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the commands")]
pub enum Ask {
    Order { kind: ProxyKind, quantity: u32, days: u32, promo: usize },
    Package { quantity: u32, days: u32, promo: usize },
    Extend { kind: ProxyKind, pick: Pick, days: u32, promo: usize },
    AutoExtend { kind: ProxyKind, pick: Pick, days: u32, on: bool },
    Deposit { minor: i64 },
    Authorise { kind: ProxyKind, pick: Pick, by: u8 },
    Replace { kind: ProxyKind, pick: Pick },
    Comment { kind: ProxyKind, pick: Pick, comment: String },
}

/// Which leases are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Of the customer's own leases of the kind, live ones first, by their place; a place may
    /// come twice, and wraps around.
    pub own: Vec<usize>,
    /// Then this one, counted from the first lease of the shop, whoever's it is.
    pub stray: Option<i64>,
    /// Whether all leases of their orders are meant.
    pub whole: bool,
    /// Whether they are named by their orders.
    pub by_order: bool,
}

/// How a wish may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Not at all.
    None,
    /// Under a key that the customer gave.
    Given(u8),
    /// By itself, for so many minutes.
    Window(u32),
}

/// How a script is played.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many commands there are in a batch. With one, every quote is compared with its charge.
    pub batch: usize,
    /// In what steps time passes; in one if there is none.
    pub stride: Option<Span>,
}

/// Every command alone, time in one jump.
pub const PLAIN: Pace = Pace { batch: 1, stride: None };

/// Commands in batches, time day by day.
pub const BATCHED: Pace = Pace { batch: 5, stride: Some(Span::DAY) };

/// The codes that orders name: none, one for all, one for Ann, one for a month, one of nobody's.
const CODES: [&str; 5] = ["", "TEN", "vip", "LATE", "NONE"];

/// Plays `script` to a store of each kind, at a pace of its own, and wants the same decisions, the
/// same books, and sound ones after every step.
pub fn compare(one: &mut Make<'_>, two: &mut Make<'_>, script: &[Step]) {
    let (first, second) = (Played::new(one, script, PLAIN), Played::new(two, script, BATCHED));
    assert_eq!(first.decisions, second.decisions, "both decide alike");
    assert_eq!(first.digest(), second.digest(), "both show the same books");
}

/// After `script`, one jump of 360 days leaves the same books as 360 jumps of a day.
pub fn one_jump_is_many(make: &mut Make<'_>, script: &[Step]) {
    let mut one = Played::new(make, script, PLAIN);
    let mut many = Played::new(make, script, PLAIN);
    let year = Span::from_days(360);
    pass(&mut one.shop, year, year);
    pass(&mut many.shop, year, Span::DAY);
    assert_eq!(one.digest(), many.digest(), "time may pass in any steps");
    one.shop.audit();
}

/// Lets `span` pass in steps of `stride`, and does what is due at the very instants at which it is.
pub fn pass(shop: &mut Shop, span: Span, stride: Span) {
    let end = shop.now + span;
    while shop.now < end {
        let from = shop.now;
        shop.now = (from + stride).min(end);
        sweep(shop, from);
    }
}

/// Does what is due up to the shop's time, instant by instant, none of them before `from`.
fn sweep(shop: &Shop, from: Time) {
    let mut last = None;
    loop {
        let mut page = shop.store.due(shop.now, 100_000).unwrap();
        let Some(first) = page.first().copied() else { return };
        page.retain(|due| due.at == first.at);
        assert!(last < Some((first.at, first.lease)), "what was swept is not due again at once");
        last = Some((first.at, first.lease));
        let mut work: BTreeMap<CustomerId, Vec<LeaseId>> = BTreeMap::new();
        for due in page {
            work.entry(due.customer).or_default().push(due.lease);
        }
        let at = Some(first.at.max(from));
        let commands: Vec<Command> = work
            .into_iter()
            .map(|(customer, leases)| {
                let wish = Wish::Sweep(Sweep { customer, leases });
                Command { wish, idempotency: None, at }
            })
            .collect();
        shop.batch(&commands);
    }
}

/// A script that was played.
pub struct Played {
    /// The shop.
    pub shop: Shop,
    /// What was decided, in order.
    pub decisions: Vec<Decision>,
    customers: [CustomerId; 3],
    first_lease: i64,
    sent: Vec<Command>,
}

impl Played {
    /// Plays `script` in a new shop: Ann has $30, Bob $15 and Eva 20 euros.
    pub fn new(make: &mut Make<'_>, script: &[Step], pace: Pace) -> Played {
        let shop = Shop::open(make);
        let (ann, bob) = (shop.customer("Ann", 3_131), shop.customer("Bob", 1_500));
        let currency = Currency::from_code("EUR").unwrap();
        let new = NewCustomer { name: "Eva".into(), email: None, currency };
        let eva = shop.store.create_customer(&new, shop.now).unwrap();
        let amount = Money::from_minor(2_000, currency);
        let deposit = Deposit { customer: eva, amount, note: "cash".into() };
        shop.done(Command::plain(Wish::Deposit(deposit)));
        for (kind, count) in [
            (ProxyKind::Ipv4, 8),
            (ProxyKind::Ipv6, 3),
            (ProxyKind::Mobile, 3),
            (ProxyKind::Isp, 4),
        ] {
            shop.stock(kind, count);
        }
        shop.stock_german(1_000, 4);
        shop.prefix("2001:db8::100", 126, "main");
        shop.promo("TEN", "10", Some(5), Some(2));
        let mut vip = promo("VIP", "33.33", None, None);
        (vip.customer, vip.kinds, vip.for_extensions) = (Some(ann), vec![ProxyKind::Ipv4], false);
        let mut late = promo("LATE", "100", None, Some(3));
        late.starts_at = shop.now + Span::from_days(10);
        late.ends_at = Some(shop.now + Span::from_days(40));
        for new in [vip, late] {
            shop.store.create_promo(&new, shop.now).unwrap().unwrap();
        }
        let first_lease = shop.ordered(ann, ProxyKind::Ipv4, 1)[0].lease.0;
        let customers = [ann, bob, eva];
        let (decisions, sent) = (Vec::new(), Vec::new());
        let mut played = Played { shop, decisions, customers, first_lease, sent };
        played.play(script, pace);
        played
    }

    /// All that the store shows now.
    pub fn digest(&self) -> Digest {
        digest(&*self.shop.store, self.shop.now)
    }

    fn play(&mut self, script: &[Step], pace: Pace) {
        let mut gathered = Vec::new();
        let mut restocked = 100;
        for step in script {
            if let Step::Ask { customer, ask, key } = step {
                gathered.push(self.command(self.customers[customer % 3], ask, *key));
                self.sent.extend(gathered.last().cloned());
                continue;
            }
            if let Step::Repeat(place) = step {
                if !self.sent.is_empty() {
                    gathered.push(self.sent[place % self.sent.len()].clone());
                }
                continue;
            }
            self.decide(std::mem::take(&mut gathered), pace.batch);
            match step {
                Step::Pass { minutes } => {
                    let span = Span::from_minutes(*minutes);
                    pass(&mut self.shop, span, pace.stride.unwrap_or(span));
                    if pace.stride.is_some() {
                        // What is over has no effect, whether it is forgotten or not.
                        self.shop.store.forget(self.shop.now, 3).unwrap();
                    }
                }
                Step::Reprice { dearer } => {
                    let price = if *dearer { "0.0777" } else { "0.05" };
                    let text = CATALOGUE.replace("0.05", price);
                    self.shop.store.apply_catalogue(&text, self.shop.now).unwrap();
                }
                Step::Suspend(customer, suspended) => {
                    let customer = self.customers[customer % 3];
                    self.shop.store.suspend_customer(customer, *suspended).unwrap();
                }
                Step::Restock(kind) => {
                    restocked += 1;
                    let new = address(&product(*kind), exit(*kind, restocked), 0, "main");
                    self.shop.store.add_addresses(&[new], self.shop.now).unwrap();
                }
                Step::Ask { .. } | Step::Repeat(_) => {}
            }
            self.shop.audit();
        }
        self.decide(gathered, pace.batch);
        self.shop.audit();
    }

    fn decide(&mut self, commands: Vec<Command>, batch: usize) {
        for commands in commands.chunks(batch) {
            let quoted = if batch == 1 { self.quoted(&commands[0]) } else { None };
            let decisions = self.shop.batch(commands);
            if let Some(quoted) = quoted {
                charged(&quoted, &decisions[0]);
            }
            self.decisions.extend(decisions);
        }
    }

    /// What `command` would cost, if it is one that costs.
    fn quoted(&self, command: &Command) -> Option<Result<Quote, Refusal>> {
        let now = self.shop.now;
        let world = self.shop.store.load(&command.needs(), now).unwrap();
        match &command.wish {
            Wish::Order(order) | Wish::OrderWithPromo(order) => Some(order.quote(&world, now)),
            Wish::Extend(extend) | Wish::ExtendWithPromo(extend) => Some(extend.quote(&world, now)),
            _ => None,
        }
    }

    fn command(&self, customer: CustomerId, ask: &Ask, key: Key) -> Command {
        let wish = match ask {
            Ask::Order { kind, quantity, days, promo } => {
                let mut wish = order(customer, *kind, *quantity);
                wish.period = PeriodWish::Days(*days);
                wish.promo = Some(CODES[promo % CODES.len()].to_owned());
                wish.seed = [u8::try_from(self.sent.len() % 251).unwrap(); 16];
                wish.access = match self.sent.len() % 3 {
                    0 => AccessWish::Login,
                    1 => AccessWish::Usual,
                    _ => AccessWish::UsualAndOwn,
                };
                Wish::Order(Box::new(wish))
            }
            Ask::Package { quantity, days, promo } => {
                let mut wish = package(customer, *quantity);
                wish.period = PeriodWish::Days(*days);
                wish.promo = Some(CODES[promo % CODES.len()].to_owned());
                wish.seed = [u8::try_from(self.sent.len() % 251).unwrap(); 16];
                Wish::Order(Box::new(wish))
            }
            Ask::Extend { kind, pick, days, promo } => {
                let (kind, leases) = self.picked(customer, *kind, pick);
                let promo = Some(CODES[promo % CODES.len()].to_owned());
                let (kind, period) = (Some(kind), PeriodWish::Days(*days));
                Wish::Extend(Extend { customer, kind, leases, among: Among::All, period, promo })
            }
            Ask::AutoExtend { kind, pick, days, on } => {
                let (kind, leases) = self.picked(customer, *kind, pick);
                let (period, on) = (PeriodWish::Days(*days), Some(*on));
                Wish::SetAutoExtend(SetAutoExtend {
                    customer,
                    kind: Some(kind),
                    leases,
                    among: Among::All,
                    period,
                    on,
                    card: None,
                })
            }
            Ask::Deposit { minor } => {
                Wish::Deposit(Deposit { customer, amount: usd(*minor), note: "cash".into() })
            }
            Ask::Authorise { kind, pick, by } => {
                let pick = Pick { by_order: true, ..pick.clone() };
                let (_, selection) = self.picked(customer, *kind, &pick);
                let Selection::Orders(orders) = selection else { unreachable!("by order") };
                let by_ip = AuthoriseBy::SourceIp(Some([203, 0, 113, *by].into()));
                let kinds = [AuthoriseBy::Usual, AuthoriseBy::Own, by_ip];
                let (by, seed) = (kinds[usize::from(by % 3)], [*by; 16]);
                let order = orders.and_then(|orders| orders.first().copied());
                Wish::Authorise(Authorise { customer, order, by, seed })
            }
            Ask::Replace { kind, pick } => {
                let (kind, leases) = self.named(customer, *kind, pick);
                let pools = [(product(kind), 100)].into();
                let (reason, comment) = (Some(ReplaceReason::NotWork), None);
                Wish::Replace(Replace { customer, leases, pools, reason, comment })
            }
            Ask::Comment { kind, pick, comment } => {
                let (_, leases) = self.named(customer, *kind, pick);
                let comment = Some(comment.clone());
                Wish::SetComment(SetComment { customer, leases, comment })
            }
        };
        let mut hasher = DefaultHasher::new();
        format!("{customer:?} {ask:?}").hash(&mut hasher);
        let fingerprint = u128::from(hasher.finish()).to_be_bytes();
        let idempotency = match key {
            Key::None => None,
            Key::Given(key) => Some(([key; 16], KeySource::Header)),
            Key::Window(minutes) => {
                Some((fingerprint, KeySource::Request(Span::from_minutes(minutes))))
            }
        };
        let idempotency = idempotency.map(|(key, source)| Idempotency { key, fingerprint, source });
        Command { wish, idempotency, at: None }
    }

    /// The same, each by itself.
    fn named(
        &self,
        customer: CustomerId,
        kind: ProxyKind,
        pick: &Pick,
    ) -> (ProxyKind, Option<Vec<LeaseId>>) {
        match self.picked(customer, kind, &Pick { by_order: false, ..pick.clone() }) {
            (kind, Selection::Leases(leases)) => (kind, leases),
            (_, Selection::Orders(_)) => unreachable!("they are named one by one"),
        }
    }

    /// The leases that are meant, as they were when the last batch was decided, and their kind: the
    /// one that is asked for, or that of his first lease if he has none of it.
    fn picked(&self, customer: CustomerId, kind: ProxyKind, pick: &Pick) -> (ProxyKind, Selection) {
        let mut all = Vec::new();
        for in_reserve in [false, true] {
            let filter = ProxyFilter { kind: None, in_reserve };
            let found = self.shop.store.proxies(customer, &filter, None, 1_000, self.shop.now);
            all.extend(found.unwrap().into_iter().map(|proxy| proxy.lease));
        }
        let has = all.iter().any(|lease| lease.product.kind == kind);
        let kind = all.first().filter(|_| !has).map_or(kind, |lease| lease.product.kind);
        let of_kind = all.iter().filter(|lease| lease.product.kind == kind);
        let own: Vec<_> = of_kind.map(|lease| (lease.id, lease.order)).collect();
        let mut chosen: Vec<(LeaseId, OrderId)> = Vec::new();
        for place in pick.own.iter().filter(|_| !own.is_empty()) {
            let (lease, order) = own[place % own.len()];
            if pick.whole {
                chosen.extend(own.iter().filter(|(_, other)| *other == order));
            } else {
                chosen.push((lease, order));
            }
        }
        if let Some(stray) = pick.stray {
            chosen.push((LeaseId(self.first_lease + stray), OrderId(self.first_lease + stray)));
        }
        let selection = if pick.by_order {
            Selection::Orders(Some(chosen.into_iter().map(|(_, order)| order).collect()))
        } else {
            Selection::Leases(Some(chosen.into_iter().map(|(lease, _)| lease).collect()))
        };
        (kind, selection)
    }
}

/// Wants the charge to be the quote: what was quoted and covered is done for that, and what was not
/// is refused with the same words.
#[track_caller]
fn charged(quoted: &Result<Quote, Refusal>, decision: &Decision) {
    if decision.replayed {
        return;
    }
    match (&decision.result, quoted) {
        (Ok(Outcome::Done { event, .. }), Ok(quote)) => {
            let bill = event.bill().expect("an order or extension has a bill");
            assert_eq!(bill.quote, *quote, "the quote is the charge");
            let paid = quote.balance.minor() - quote.total.minor();
            assert_eq!(bill.balance_after.minor(), paid);
            assert_eq!(decision.balance, Some(bill.balance_after));
            assert!(matches!(**event, Event::Order { .. } | Event::Extension { .. }));
        }
        (Err(Refusal::InsufficientFunds { missing }), Ok(quote)) => {
            assert_eq!(quote.shortfall(), Some(*missing));
        }
        (Err(Refusal::Suspended | Refusal::KeyReused), _) => {}
        (Err(refused), Err(quoted)) => assert_eq!(refused, quoted, "both refuse alike"),
        other => panic!("the quote and the decision differ: {other:?}"),
    }
}
