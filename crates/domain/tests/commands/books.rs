//! What holds of the changes of any batch.

use std::collections::BTreeMap;

use domain::access::Access;
use domain::command::{Command, Outcome, Wish};
use domain::ids::{AddressId, AuthorisationId, CustomerId, LeaseId};
use domain::lease::LeaseState;
use domain::ledger::FIRST_WALLET;
use domain::promo::PromoOutcome;
use domain::sweep::{Sweep, Swept};
use domain::world::World;
use proptest::prelude::*;

use crate::shop::{ANN, BOB, day, loaded, spring};
use crate::wishes::wish;

proptest! {
    /// Transfers sum to zero, a wallet's postings are a chain without gaps that never falls below
    /// nothing, and what is kept is its last link.
    #[test]
    fn money_is_moved_and_never_made(
        wishes in prop::collection::vec(wish(), 1..25), at in 0_u32..60,
    ) {
        let mut world = World::new(loaded());
        for wish in wishes {
            world.decide(&Command::plain(wish), day(at));
        }
        let changes = world.into_changes();
        let mut chains: BTreeMap<_, _> = loaded()
            .wallets
            .into_iter()
            .map(|wallet| (wallet.account, (wallet.version, wallet.balance.minor())))
            .collect();
        for entry in &changes.entries {
            prop_assert_eq!(entry.postings.iter().map(|posting| posting.amount).sum::<i64>(), 0);
            for posting in entry.postings.iter().filter(|it| FIRST_WALLET <= it.account) {
                let chain = chains.get_mut(&posting.account).unwrap();
                *chain = (chain.0 + 1, chain.1 + posting.amount);
                prop_assert_eq!((posting.version, posting.balance_after), (chain.0, Some(chain.1)));
                prop_assert!(chain.1 >= 0);
            }
        }
        for wallet in changes.wallets.values() {
            let kept = (wallet.version, wallet.balance.minor());
            prop_assert_eq!(Some(&kept), chains.get(&wallet.account));
        }
    }

    /// A code is counted when it is taken off and only then, within its limits.
    #[test]
    fn promo_codes_are_counted_exactly(wishes in prop::collection::vec(wish(), 1..60)) {
        let mut world = World::new(loaded());
        let mut used: BTreeMap<CustomerId, u32> = BTreeMap::new();
        for wish in wishes {
            let command = Command::plain(wish);
            let Ok(Outcome::Done { event, .. }) = world.decide(&command, day(1)).result else {
                continue;
            };
            if let Some(bill) = event.bill()
                && matches!(bill.quote.promo, PromoOutcome::Applied { .. })
            {
                *used.entry(command.customer()).or_default() += 1;
            }
        }
        let most = spring();
        prop_assert!(used.values().sum::<u32>() <= most.max_uses.unwrap());
        prop_assert!(used.values().all(|uses| *uses <= most.per_customer.unwrap()));
        let changes = world.into_changes();
        let kept: BTreeMap<CustomerId, u32> =
            changes.promo_uses.iter().map(|((_, who), (_, by_him))| (*who, *by_him)).collect();
        prop_assert_eq!(&kept, &used);
        let in_all = changes.promo_uses.values().map(|(in_all, _)| *in_all).max().unwrap_or(0);
        prop_assert_eq!(in_all, used.values().sum::<u32>());
    }

    /// A sweep that comes again at once, or to another's leases, finds nothing to do.
    #[test]
    fn nothing_is_done_twice(
        wishes in prop::collection::vec(wish(), 0..15), at in 20_u32..40, later in 0_u32..3,
    ) {
        let mut world = World::new(loaded());
        for wish in wishes {
            world.decide(&Command::plain(wish), day(1));
        }
        let leases: Vec<_> = (1..20).map(domain::ids::LeaseId).collect();
        for now in [day(at), day(at + later)] {
            for customer in [ANN, BOB] {
                let sweep = Wish::Sweep(Sweep { customer, leases: leases.clone() });
                let command = Command::plain(sweep);
                let first = world.decide(&command, now);
                prop_assert!(first.result.is_ok());
                let again = world.decide(&command, now);
                prop_assert_eq!(again.result, Ok(Outcome::Swept(Swept::default())));
                prop_assert_eq!(again.balance, first.balance);
            }
        }
    }

    /// Every address has one lease, every lease one address, whatever was ordered, replaced and
    /// given back; and no login is two authorisations'.
    #[test]
    fn addresses_and_logins_are_nobody_elses(
        wishes in prop::collection::vec(wish(), 1..40), at in 0_u32..34,
    ) {
        let mut world = World::new(loaded());
        for (step, wish) in (0..).zip(wishes) {
            world.decide(&Command::plain(wish), day(at + step / 8));
        }
        let mut holders: BTreeMap<AddressId, LeaseId> =
            loaded().leases.iter().map(|lease| (lease.address, lease.id)).collect();
        let held: Vec<(LeaseId, AddressId)> = (1..200)
            .filter_map(|id| world.lease(LeaseId(id)))
            .filter(|lease| lease.state != LeaseState::Over)
            .map(|lease| (lease.id, lease.address))
            .collect();
        let mut logins = BTreeMap::new();
        for id in (1..200).map(AuthorisationId) {
            let Some(it) = world.authorisation(id) else { continue };
            if let (Access::Login(pair), false) = (&it.access, it.usual) {
                prop_assert_eq!(logins.insert(pair.login.clone(), id), None);
            }
        }
        let changes = world.into_changes();
        for address in changes.addresses_freed.keys() {
            holders.remove(address);
        }
        for (address, lease) in &changes.addresses_taken {
            prop_assert_eq!(holders.insert(*address, *lease), None);
        }
        for address in &changes.addresses_new {
            if let Some(lease) = address.lease {
                prop_assert_eq!(holders.insert(address.id, lease), None);
            }
        }
        let by_address: BTreeMap<AddressId, LeaseId> =
            held.into_iter().map(|(lease, address)| (address, lease)).collect();
        prop_assert_eq!(holders, by_address);
    }
}
