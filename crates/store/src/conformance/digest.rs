//! All that can be seen of a store, so that two of them, or one before and after, can be compared.

use domain::access::Access;
use domain::authorisation::Authorised;
use domain::auto_top_up::AutoTopUp;
use domain::card::Card;
use domain::customer::Customer;
use domain::ids::AccountId;
use domain::journal::Entry;
use domain::lease::Lease;
use domain::ledger::{FIRST_WALLET, Wallet};
use domain::needs::Needs;
use domain::order::Order;
use domain::payment::Payment;
use domain::promo::Promo;
use domain::replace::Replacement;
use domain::served::Served;
use domain::time::Time;

use crate::Store;
use crate::records::{EntryFilter, PaymentFilter, ProxyFilter, StockLine};

/// Everything that a store shows at a moment. Numbers of wallets' accounts are those of their
/// customers, because stores choose them freely; `look_at`, which may be too early, is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the lists that a store shows")]
pub struct Digest {
    pub catalogue: i64,
    pub sales_locked: bool,
    pub customers: Vec<(Customer, Wallet)>,
    pub leases: Vec<Shown>,
    pub promos: Vec<Promo>,
    pub promo_uses: Vec<u32>,
    pub authorisations: Vec<(Authorised, Option<String>)>,
    pub replacements: Vec<Replacement>,
    pub stock: Vec<StockLine>,
    pub journal: Vec<Entry>,
    pub payments: Vec<Payment>,
    pub cards: Vec<Card>,
    pub top_ups: Vec<AutoTopUp>,
    pub served: Vec<Served>,
}

/// A lease with what its customer sees. `secret` shows what the order's access does not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of a proxy")]
pub struct Shown {
    pub lease: Lease,
    pub order: Order,
    pub secret: Option<(String, String)>,
    pub exit: (std::net::IpAddr, String, u16),
}

/// What `store` shows at `now`.
pub fn digest(store: &dyn Store, now: Time) -> Digest {
    let mut customers = store.customers(None, 100_000).unwrap();
    let mut journal = store.entries(&EntryFilter::default(), None, 1_000_000).unwrap();
    for posting in journal.iter_mut().flat_map(|entry| &mut entry.postings) {
        let owner = customers.iter().find(|(_, wallet)| wallet.account == posting.account);
        if let Some((customer, _)) = owner {
            posting.account = number(customer);
        }
    }
    for (customer, wallet) in &mut customers {
        wallet.account = number(customer);
    }
    let (mut leases, mut promo_uses) = (Vec::new(), Vec::new());
    let (mut authorisations, mut replacements) = (Vec::new(), Vec::new());
    for (customer, _) in &customers {
        for it in store.authorisations(customer.id, None, None, 100_000).unwrap() {
            let password = match &it.authorisation.access {
                Access::Login(pair) => Some(pair.password.clone()),
                Access::SourceIp(_) => None,
            };
            authorisations.push((it, password));
        }
        promo_uses.extend(store.promos_of(customer.id).unwrap().iter().map(|(_, uses)| *uses));
        for in_reserve in [false, true] {
            let filter = ProxyFilter { kind: None, in_reserve };
            for mut proxy in store.proxies(customer.id, &filter, None, 100_000, now).unwrap() {
                proxy.lease.look_at = Time::EPOCH;
                replacements.extend(store.replacements(customer.id, proxy.lease.id).unwrap());
                let secret = match &proxy.order.access {
                    Some(Access::Login(it)) => Some((it.login.clone(), it.password.clone())),
                    Some(Access::SourceIp(_)) | None => None,
                };
                let exit = (proxy.ip, proxy.gateway, proxy.port);
                let order = Order::clone(&proxy.order);
                leases.push(Shown { lease: proxy.lease, order, secret, exit });
            }
        }
    }
    let mut stock = store.stock(now).unwrap();
    stock.sort_by(|one, two| (&one.pool, &one.gateway).cmp(&(&two.pool, &two.gateway)));
    let means = customers.iter().map(|(customer, _)| customer.id).collect();
    let world = store.load(&Needs { means, ..Needs::default() }, now).unwrap();
    let ids: Vec<_> = customers.iter().map(|(customer, _)| customer.id).collect();
    let cards = ids.iter().flat_map(|id| world.cards(*id)).cloned().collect();
    let top_ups = ids.iter().filter_map(|id| world.auto_top_up(*id)).cloned().collect();
    Digest {
        payments: store.payments(&PaymentFilter::default(), None, 100_000).unwrap(),
        cards,
        top_ups,
        served: store.served(None, 100_000).unwrap(),
        catalogue: store.catalogue().unwrap().version,
        sales_locked: store.sales_locked().unwrap(),
        customers,
        leases,
        promos: store.promos().unwrap(),
        promo_uses,
        authorisations,
        replacements,
        stock,
        journal,
    }
}

fn number(customer: &Customer) -> AccountId {
    AccountId(FIRST_WALLET.0 + customer.id.0)
}
