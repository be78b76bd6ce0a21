//! What the edges talk to.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::catalogue::Catalogue;
use domain::command::{Command, Decision};
use domain::extend::Extend;
use domain::ids::EntryId;
use domain::money::Money;
use domain::needs::Needs;
use domain::order::PlaceOrder;
use domain::pricing::Quote;
use domain::public_id::PublicIds;
use domain::refusal::Refusal;
use domain::sweep::Swept;
use domain::time::Time;
use domain::world::World;
use store::Store;
use store::records::OperatorToken;
use tokio::task::JoinHandle;

use crate::batcher::{Batcher, Bounds, Counts, Lane};
use crate::cards::Renewals;
use crate::clock::{Clock, ShopClock};
use crate::fault::{Fault, told};
use crate::keys::{Caller, Keys, Rejected};
use crate::payment::Providers;
use crate::rotations::Rotators;
use crate::scheduler::{self, Acting};
use crate::secret;
use crate::served::Followers;
use crate::tokens::Tokens;
use crate::totals::Totals;
use crate::upkeep;
use crate::usage::Kept;

/// How often is looked what is due, when nothing says sooner.
const TICK: Duration = Duration::from_millis(250);

/// How often is looked what payments wait for.
const PAYMENTS: Duration = Duration::from_secs(1);

/// How often is looked for usage that has been kept long enough.
const USAGE: Duration = Duration::from_secs(600);

/// How often is looked what rotates by itself.
const ROTATIONS: Duration = Duration::from_secs(1);

/// After so long what could not be remembered is tried again.
const REMEMBER_AGAIN: Duration = Duration::from_millis(500);

/// How long the end waits for the fate of the last answers.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// How many reads of a store that is not prompt may be waited for at once; more are refused.
const MOST_WAITS: usize = 256;

/// The shop behind all edges. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    /// How many reads wait for a store that is not prompt.
    waits: AtomicUsize,
    pub(crate) clock: Arc<ShopClock>,
    batcher: Batcher,
    keys: Keys,
    public_ids: PublicIds,
    reboot_tokens: Tokens,
    payment_tokens: Tokens,
    pub(crate) providers: Providers,
    renewals: Renewals,
    pub(crate) followers: Arc<Followers>,
    pub(crate) rotators: Rotators,
    totals: Totals,
    pub(crate) usage_kept: Kept,
    /// The catalogue that was last read.
    catalogue: Mutex<Arc<Catalogue>>,
    pub(crate) sandbox: bool,
    /// Sweeps and jumps of the clock, one at a time.
    pub(crate) sweeping: tokio::sync::Mutex<scheduler::Swept>,
    /// When the last spend without an idempotency key was decided, until that was noted as quiet.
    pub(crate) last_spend: Mutex<Option<Instant>>,
    /// Counts the spends whose answers are on their way.
    spending: Arc<()>,
}

/// A spend whose answer is on its way, until dropped.
pub struct Spending(#[expect(dead_code, reason = "it counts by being there")] Arc<()>);

/// A price, or why there is none, with the balance it was looked at with.
#[derive(Clone, Debug)]
pub struct Quoted {
    /// The price.
    pub result: Result<Quote, Refusal>,
    /// What is in the wallet.
    pub balance: Option<Money>,
}

/// Why a clock was not moved.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClockError {
    /// It is not a sandbox.
    #[error("only a sandbox's clock can be moved")]
    NotASandbox,
    /// Time goes forward.
    #[error("the clock cannot be moved back")]
    Backwards,
    /// Further than any date that can be written.
    #[error("the clock cannot be moved that far")]
    TooFar,
    /// Something broke on the way; the clock has been moved, and what is due is done by and by.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A read that waits for the store, counted until dropped.
struct Wait<'w>(&'w AtomicUsize);

impl<'w> Wait<'w> {
    /// `None` if too many wait.
    fn begin(waits: &'w AtomicUsize) -> Option<Wait<'w>> {
        let wait = (waits.fetch_add(1, Ordering::Relaxed) < MOST_WAITS, Wait(waits));
        wait.0.then_some(wait.1)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Engine {
    /// Starts on `store`: remembers what an unclean end may have left unanswered, and takes
    /// commands from now on. What is due is done once [`Engine::run_scheduler`] is called.
    pub fn start(
        store: Arc<dyn Store>,
        true_time: Arc<dyn Clock>,
        bounds: Bounds,
    ) -> Result<Engine, store::error::Error> {
        Engine::begin(store, true_time, bounds, None)
    }

    /// The same with these providers of payments, rather than the usual ones.
    pub fn start_with(
        store: Arc<dyn Store>,
        true_time: Arc<dyn Clock>,
        bounds: Bounds,
        providers: Providers,
    ) -> Result<Engine, store::error::Error> {
        Engine::begin(store, true_time, bounds, Some(providers))
    }

    fn begin(
        store: Arc<dyn Store>,
        true_time: Arc<dyn Clock>,
        bounds: Bounds,
        providers: Option<Providers>,
    ) -> Result<Engine, store::error::Error> {
        let installation = store.installation()?;
        let clock = Arc::new(ShopClock::new(true_time, installation.clock_offset));
        upkeep::start(store.as_ref(), &clock)?;
        let catalogue = Mutex::new(store.catalogue()?);
        let followers = Arc::<Followers>::default();
        let batcher = Batcher::start(store.clone(), clock.clone(), followers.clone(), bounds);
        let inner = Inner {
            store,
            waits: AtomicUsize::new(0),
            clock,
            batcher,
            keys: Keys::default(),
            public_ids: PublicIds::new(installation.id_key),
            reboot_tokens: Tokens::new("reboot links", &installation.id_key),
            payment_tokens: Tokens::new("payment pages", &installation.id_key),
            providers: providers.unwrap_or_else(|| Providers::usual(installation.sandbox)),
            renewals: Renewals::default(),
            followers,
            rotators: Rotators::default(),
            totals: Totals::default(),
            usage_kept: Kept::default(),
            catalogue,
            sandbox: installation.sandbox,
            sweeping: tokio::sync::Mutex::default(),
            last_spend: Mutex::new(None),
            spending: Arc::default(),
        };
        Ok(Engine { inner: Arc::new(inner) })
    }

    /// The clock.
    pub fn clock(&self) -> &ShopClock {
        &self.inner.clock
    }

    /// The current time of the shop.
    pub fn now(&self) -> Time {
        self.inner.clock.now()
    }

    /// Whether the clock may be moved.
    pub fn is_sandbox(&self) -> bool {
        self.inner.sandbox
    }

    /// The disguise of ids.
    pub fn public_ids(&self) -> &PublicIds {
        &self.inner.public_ids
    }

    /// The catalogue in force; the last known one while the database is away.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        let mut known = self.inner.catalogue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(catalogue) = self.read(|store| store.catalogue()) {
            known.clone_from(&catalogue);
        }
        known.clone()
    }

    /// A name that no other installation has, by which what is kept beside the books is told from
    /// another's.
    pub fn installation_name(&self) -> String {
        // No lease has this number, so that nobody is ever shown it.
        self.inner.public_ids.lease(domain::ids::LeaseId(0))
    }

    /// What the batcher has done, and how many requests wait.
    pub fn load(&self) -> (&Counts, usize) {
        (self.inner.batcher.counts(), self.inner.batcher.waiting())
    }

    /// What the shop has done since it started.
    pub fn totals(&self) -> &Totals {
        &self.inner.totals
    }

    pub(crate) fn reboot_tokens(&self) -> &Tokens {
        &self.inner.reboot_tokens
    }

    pub(crate) fn payment_tokens(&self) -> &Tokens {
        &self.inner.payment_tokens
    }

    pub(crate) fn renewals(&self) -> &Renewals {
        &self.inner.renewals
    }

    /// Whether commands are taken no more.
    pub(crate) fn is_closing(&self) -> bool {
        self.inner.batcher.is_closing()
    }

    /// Has a command decided, durably.
    ///
    /// Dropping the future does not take the command back: run it on a task of its own where the
    /// caller may go away.
    pub async fn submit(&self, command: Command, lane: Lane) -> Result<Decision, Fault> {
        let spends = command.idempotency.is_some();
        let decided = self.inner.batcher.submit(command, lane).await;
        if let Ok(decision) = &decided {
            self.inner.totals.count(decision);
        }
        if spends && decided.as_ref().is_ok_and(|decision| decision.result.is_ok()) {
            let mut last = self.lock_last_spend();
            *last = Some(Instant::now());
        }
        decided
    }

    /// What an order would cost.
    pub fn quote_order(&self, order: &PlaceOrder) -> Result<Quoted, Fault> {
        self.quoted(&order.needs(), order.customer, |world, now| order.quote(world, now))
    }

    /// What an extension would cost.
    pub fn quote_extension(&self, extend: &Extend) -> Result<Quoted, Fault> {
        self.quoted(&extend.needs(), extend.customer, |world, now| extend.quote(world, now))
    }

    fn quoted(
        &self,
        needs: &Needs,
        customer: domain::ids::CustomerId,
        quote: impl FnOnce(&World, Time) -> Result<Quote, Refusal>,
    ) -> Result<Quoted, Fault> {
        let now = self.now();
        let world = self.read(|store| store.load(needs, now))?;
        let balance = world.wallet(customer).map(|wallet| wallet.balance);
        Ok(Quoted { result: quote(&world, now), balance })
    }

    /// The caller who shows `key` from `ip`.
    pub fn caller(&self, key: &str, ip: IpAddr) -> Result<Result<Caller, Rejected>, Fault> {
        let now = self.now();
        self.inner.keys.caller(self, key, ip, now)
    }

    /// The operator token that `secret` is.
    pub fn operator(&self, secret: &str) -> Result<Option<OperatorToken>, Fault> {
        self.read(|store| store.operator_token_by_hash(&secret::hash(secret)))
    }

    /// Asks the store something small, on the spot. Who is not answered within microseconds lets
    /// others have the thread meanwhile; of those there may be only so many, so that a database
    /// that hangs does not take all threads with it.
    pub fn read<T>(
        &self,
        ask: impl FnOnce(&dyn Store) -> Result<T, store::error::Error>,
    ) -> Result<T, Fault> {
        let store = self.inner.store.as_ref();
        let answer = match store.is_prompt() {
            true => ask(store),
            false => {
                let waits = Wait::begin(&self.inner.waits).ok_or(Fault::Overloaded)?;
                let answer = tokio::task::block_in_place(|| ask(store));
                drop(waits);
                answer
            }
        };
        answer.map_err(|error| told(&error, "reading"))
    }

    /// Asks the store something that may take a while, on a thread for that.
    pub async fn read_slow<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Store) -> Result<T, store::error::Error> + Send + 'static,
    ) -> Result<T, store::error::Error> {
        let store = self.inner.store.clone();
        match tokio::task::spawn_blocking(move || ask(store.as_ref())).await {
            Ok(answer) => answer,
            Err(broken) => Err(store::error::Error::Fault(Box::new(broken))),
        }
    }

    /// Has the end wait until the answer to a spend was delivered or is remembered.
    pub fn spending(&self) -> Spending {
        Spending(self.inner.spending.clone())
    }

    /// Remembers the answer to a spend whose client was gone before it was written. Tries again
    /// while the database cannot be written: without it the client would be charged twice.
    pub async fn remember(&self, entry: EntryId) {
        let kept = domain::idempotency::KEPT_WITHOUT_KEY;
        loop {
            let now = self.now();
            let noted = self.read_slow(move |store| store.remember(&[entry], now, kept)).await;
            let Err(error) = noted else { return };
            let fault = told(&error, "remembering an answer that was not delivered");
            if !matches!(fault, Fault::Unavailable) || self.is_closing() {
                return;
            }
            tokio::time::sleep(REMEMBER_AGAIN).await;
        }
    }

    /// Does what is due, for ever, on a task of its own: what leases ask for, and beside it, each at
    /// its own pace, what payments do, what rotates by itself and what is to be forgotten.
    pub fn run_scheduler(&self) -> JoinHandle<()> {
        let (sweeper, payer, forgetter) = (self.clone(), self.clone(), self.clone());
        let rotator = self.clone();
        tokio::spawn(async move {
            let sweeping = again_and_again(TICK, "what is due", move || {
                let engine = sweeper.clone();
                async move { engine.sweep().await.map(drop) }
            });
            let paying = again_and_again(PAYMENTS, "what payments wait for", move || {
                let engine = payer.clone();
                async move { engine.tend_payments().await }
            });
            let forgetting = again_and_again(USAGE, "what has been kept long enough", move || {
                let engine = forgetter.clone();
                async move { engine.forget_usage().await }
            });
            let rotating = again_and_again(ROTATIONS, "what rotates", move || {
                let engine = rotator.clone();
                async move { engine.tend_rotations().await }
            });
            tokio::join!(sweeping, paying, forgetting, rotating);
        })
    }

    /// Finishes payments that were left half way, and tops up wallets that have run low. In a
    /// sandbox the latter is a matter of its clock, and so of [`Engine::sweep`].
    pub async fn tend_payments(&self) -> Result<(), Fault> {
        if !self.inner.sandbox {
            self.recover_payments().await?;
            return self.top_up_low_wallets().await.map(drop);
        }
        // While its clock jumps, payments that have just begun look old.
        let _standing_still = self.inner.sweeping.lock().await;
        self.recover_payments().await.map(drop)
    }

    /// Does what is due by now.
    pub async fn sweep(&self) -> Result<Swept, Fault> {
        let mut before = self.inner.sweeping.lock().await;
        let until = self.now();
        let acting = if self.inner.sandbox { Acting::WhenDue } else { Acting::Now };
        scheduler::sweep(self, &mut before, until, acting).await
    }

    pub(crate) fn lock_last_spend(&self) -> MutexGuard<'_, Option<Instant>> {
        self.inner.last_spend.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves a sandbox's clock forward to `target`, doing on the way everything that is due at the
    /// instant at which it is due. On return, whoever follows what is served has taken note.
    pub async fn move_clock(&self, target: Time) -> Result<Swept, ClockError> {
        if !self.inner.sandbox {
            return Err(ClockError::NotASandbox);
        }
        if target >= Time::FAR {
            return Err(ClockError::TooFar);
        }
        let mut before = self.inner.sweeping.lock().await;
        self.wait_for_modems().await?;
        // Another server may have moved it a moment ago.
        self.note_alive().await?;
        if target < self.now() {
            return Err(ClockError::Backwards);
        }
        let ahead = target.since(self.inner.clock.true_time());
        // First of all: after a kill on the way, a new start goes on from here.
        let noted = self.read_slow(move |store| store.set_clock_offset(ahead)).await;
        noted.map_err(|error| told(&error, "moving the clock"))?;
        self.inner.clock.hold(self.now());
        let swept = scheduler::sweep(self, &mut before, target, Acting::WithTheClock).await;
        self.inner.clock.hold(target);
        // By what was noted, and so what other processes go by: the time that the jump took has
        // passed here as well as there.
        self.inner.clock.release(ahead);
        let swept = swept?;
        self.wait_for_others().await?;
        self.rotate_after_jump().await?;
        self.inner.followers.wait().await;
        Ok(swept)
    }

    /// Takes no more commands, decides those that wait, and notes a clean end.
    pub async fn close(&self) {
        let engine = self.clone();
        let closed = tokio::task::spawn_blocking(move || {
            engine.inner.batcher.close();
            let (waits, open) = (Instant::now(), &engine.inner.spending);
            while Arc::strong_count(open) > 1 && waits.elapsed() < LAST_ANSWERS {
                std::thread::sleep(Duration::from_millis(5));
            }
            match Arc::strong_count(open) {
                1 => engine.inner.store.note_quiet().and_then(|()| engine.inner.store.note_end()),
                // Then the next start takes this end for an unclean one, and remembers them.
                _ => Ok(()),
            }
        });
        match closed.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                told(&error, "noting a clean end");
            }
            Err(_) => tracing::error!("Closing panicked"),
        }
    }
}

/// Does something until the end, with a pause after each time.
async fn again_and_again<F>(pause: Duration, what: &'static str, work: impl Fn() -> F)
where
    F: Future<Output = Result<(), Fault>>,
{
    loop {
        if let Err(fault) = work().await {
            if matches!(fault, Fault::Closing) {
                return;
            }
            tracing::warn!("Could not do {what}: {fault}; trying again");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tokio::time::sleep(pause).await;
    }
}
