//! A shop with customers whose programs ask all at once, and with somebody who notes everything.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::auditor::{Auditor, Entry};
use crate::customer::Customer;
use crate::deeds::{Deed, Deposit, Tally};
use crate::history::{Look, Span};
use crate::http::{Connection, cents};
use crate::programs::{Program, StopWhenDropped};
use crate::random::Random;
use crate::shop::{FLAT, Setup, Shop};
use crate::witness::Witness;

/// Each customer has two programs, which share the wallet.
const CUSTOMERS: u64 = 4;
const PROGRAMS_EACH: u64 = 2;

/// Orders that a program has before anything else happens.
const FIRST_DEEDS: usize = 6;

/// What is paid in at most, in major units: so much, and so much more for everything that was done
/// since the last payment, which costs about two.
const USUAL_PAYMENT: usize = 100;
const DEED_PAYMENT: usize = 5;

/// So that looking leaves the others time to buy.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// What a command line says that has lost the database while it committed.
const DOES_NOT_KNOW: &str = "outcome of a commit is not known";

/// A shop, its customers, and what they were told.
#[derive(Debug)]
pub struct Town {
    /// The shop.
    pub shop: Shop,
    /// The programs of its customers.
    pub programs: Vec<Program>,
    /// All money that was paid in.
    pub deposits: Vec<Deposit>,
    /// The balances that somebody has looked up meanwhile.
    pub looks: Vec<Look>,
    auditor: Auditor,
    random: Random,
    /// The numbers of all entries that were compared, in the order in which everything happened.
    seen: Vec<i64>,
    /// How much had been done when money was last paid in.
    paid_for: usize,
}

/// A command that pays money in, under way.
#[derive(Debug)]
pub struct Paying {
    child: Child,
    deposit: Deposit,
}

impl Town {
    /// A shop for a town, run by the program at `binary`.
    #[track_caller]
    pub fn setup(binary: impl AsRef<Path>) -> Setup {
        Setup::new(binary)
            .catalogue(FLAT)
            .serve("--requests-per-minute=1000000000")
            // These proofs are about the books.
            .serve("--roles=api,web,scheduler")
            .stock("--kind IPv4 --country USA --cidr 10.0.0.0/18")
            .stock("--kind IPv6 --country USA --cidr 2001:db8:77::/64")
            .log("warn")
    }

    /// A town around a shop that was set up like this, with customers who have bought something.
    #[track_caller]
    pub fn found(setup: Setup, seed: u64) -> Town {
        let shop = setup.open();
        let auditor = shop.auditor();
        let random = Random::new(seed);
        let mut town = Town {
            shop,
            programs: vec![],
            deposits: vec![],
            looks: vec![],
            auditor,
            random,
            seen: vec![],
            paid_for: 0,
        };
        for number in 0..CUSTOMERS {
            let customer = town.shop.customer(&format!("Customer {number}"), "0");
            town.pay_in(&customer, 100_000);
            for program in 0..PROGRAMS_EACH {
                let number = number * PROGRAMS_EACH + program;
                let seed = seed.wrapping_mul(1_000).wrapping_add(number);
                town.programs.push(Program::new(&format!("p{number}"), &customer, seed));
            }
        }
        let address = town.shop.address();
        for program in &mut town.programs {
            program.start(address, FIRST_DEEDS);
        }
        town.settle();
        town
    }

    /// Has its shop go on with the database at `url`, into which its books have been moved.
    #[track_caller]
    pub fn moved(&mut self, url: &str) {
        self.shop.moved(url);
        self.auditor = self.shop.auditor();
    }

    /// Who looks at its books.
    pub fn auditor(&self) -> &Auditor {
        &self.auditor
    }

    /// Has all programs ask as fast as they can while `during` runs, each of one of the servers, and
    /// somebody look at all wallets by all servers.
    pub fn work(&mut self, during: impl FnOnce(&mut Shop)) {
        let customers = self.customers();
        let addresses = self.shop.addresses_of_servers();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let _stopping = StopWhenDropped(&stop);
            for (program, address) in self.programs.iter_mut().zip(addresses.iter().cycle()) {
                scope.spawn(|| program.work(*address, &stop, |_| {}));
            }
            scope.spawn(|| look(&customers, &addresses, &stop, &mut self.looks));
            during(&mut self.shop);
        });
    }

    fn customers(&self) -> Vec<Customer> {
        let all: BTreeMap<i64, &Customer> =
            self.programs.iter().map(|it| (it.customer().id, it.customer())).collect();
        all.into_values().cloned().collect()
    }

    /// Begins to pay money in to some customer: as a rule a little more than all have spent since
    /// the last payment, so that on a machine of any speed some orders lack money and most do not.
    #[track_caller]
    pub fn begin_to_pay(&mut self) -> Paying {
        let chosen = self.random.below(self.programs.len());
        let done = Tally::of(self.programs.iter().flat_map(Program::deeds)).done;
        let most =
            USUAL_PAYMENT + DEED_PAYMENT * (done - std::mem::replace(&mut self.paid_for, done));
        let minor = 100 * (1 + i64::try_from(self.random.below(most)).expect("it is small"));
        let customer = self.programs[chosen].customer().id;
        self.begin_to_pay_to(customer, minor)
    }

    #[track_caller]
    fn begin_to_pay_to(&mut self, customer: i64, minor: i64) -> Paying {
        let note = format!("deposit {}", self.deposits.len());
        let amount = format!("{}.{:02}", minor / 100, minor % 100);
        let span = Span::begin();
        let child = self
            .shop
            .command()
            .args(["--json", "wallet", "deposit", "--customer", &customer.to_string()])
            .args(["--amount", &amount, "--note", &note])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command line can be run");
        Paying { child, deposit: Deposit { customer, minor, note, done: None, span } }
    }

    /// Waits for the end of a payment.
    #[track_caller]
    pub fn end_to_pay(&mut self, paying: Paying) {
        let Paying { child, mut deposit } = paying;
        let ended = child.wait_with_output().expect("it is our child");
        let does_not_know = String::from_utf8_lossy(&ended.stderr).contains(DOES_NOT_KNOW);
        deposit.done = ended.status.code().filter(|_| !does_not_know).map(|code| code == 0);
        deposit.span = deposit.span.end();
        self.deposits.push(deposit);
    }

    #[track_caller]
    fn pay_in(&mut self, customer: &Customer, minor: i64) {
        let paying = self.begin_to_pay_to(customer.id, minor);
        self.end_to_pay(paying);
    }

    /// Has every program find out what became of a request that was not answered, and says where
    /// that does not fit to the journal. The shop must be open.
    #[track_caller]
    pub fn settle(&mut self) -> Vec<String> {
        let address = self.shop.address();
        self.shop.books().settle();
        let seen = i64::try_from(self.seen.len()).expect("it is a number of entries");
        let entries = self.auditor.journal(seen).expect("the journal can be read");
        let gap = (seen + 1..).zip(&entries).find(|(place, entry)| *place != entry.place);
        let gap = gap.map(|(place, entry)| format!("it should be number {place}: {entry:?}"));
        self.seen.extend(entries.iter().map(|entry| entry.number));
        let mut counts = vec![0; self.programs.len()];
        for entry in &entries {
            let owner = self.programs.iter_mut().position(|program| program.claims(entry));
            if let Some(owner) = owner {
                counts[owner] += 1;
            }
        }
        let settled = self.programs.iter_mut().zip(counts);
        let wrong = settled.filter_map(|(program, count)| program.settle(address, count).err());
        gap.into_iter().chain(wrong).collect()
    }

    /// Sends every request that had a key once more, from those numbered `from` on, and says which
    /// answers are not the same.
    pub fn repeat(&self, from: &[usize]) -> Vec<String> {
        let address = self.shop.address();
        std::thread::scope(|scope| {
            let asking: Vec<_> = self
                .programs
                .iter()
                .zip(from)
                .map(|(program, from)| scope.spawn(move || program.repeat(address, *from)))
                .collect();
            let answers = asking.into_iter().map(|asking| asking.join().expect("it has ended"));
            answers.flatten().collect()
        })
    }

    /// Proves the books and compares them with everything that was told.
    #[track_caller]
    pub fn complaints(&mut self) -> Vec<String> {
        if let Err(wrong) = self.auditor.audit() {
            return vec![wrong];
        }
        let journal = self.auditor.journal(0).expect("the journal can be read");
        let balances = self.auditor.balances().expect("the customers can be read");
        let mut complaints = self.compare(&journal, &balances);
        if !journal.iter().map(|entry| &entry.number).zip(&self.seen).all(|(now, then)| now == then)
        {
            complaints.push("everything has happened in another order than it had".to_owned());
        }
        complaints
    }

    /// Compares books with everything that was told.
    pub fn compare(&mut self, journal: &[Entry], balances: &BTreeMap<i64, i64>) -> Vec<String> {
        let (told, looks) = (self.told(), std::mem::take(&mut self.looks));
        let mut witness = self.witness(&told, 0);
        witness.looks = Some(&looks);
        let complaints = witness.complaints(journal, balances);
        self.looks = looks;
        complaints
    }

    /// How many requests of each program are over.
    pub fn told(&self) -> Vec<usize> {
        self.programs.iter().map(|program| program.deeds().len()).collect()
    }

    /// Somebody who knows that so many requests of each program are over, and that up to `further`
    /// more may have been done.
    pub fn witness(&mut self, told: &[usize], further: usize) -> Witness<'_> {
        let programs = self.programs.iter_mut().zip(told.iter().copied()).collect();
        Witness { programs, further, deposits: &self.deposits, looks: None }
    }

    /// How many requests that were not answered had been done, and how many had not.
    pub fn unheard(&self) -> (usize, usize) {
        let all = self.programs.iter().map(Program::unheard);
        all.fold((0, 0), |(done, not), one| (done + one.done, not + one.not_done))
    }

    /// All requests.
    pub fn deeds(&self) -> impl Iterator<Item = &Deed> {
        self.programs.iter().flat_map(Program::deeds)
    }
}

impl Paying {
    /// Kills the command, if it has not ended yet.
    pub fn kill(&mut self) {
        // It fails if the command has ended by itself.
        let _ = self.child.kill();
    }
}

/// Goes round looking at wallets until told to stop. Whoever reaches no server tries the next one.
fn look(customers: &[Customer], at: &[SocketAddr], stop: &AtomicBool, looks: &mut Vec<Look>) {
    let mut connections: Vec<Option<Connection>> = at.iter().map(|_| None).collect();
    let mut round = 0;
    while !stop.load(Ordering::Relaxed) {
        let (server, customer) = (round % at.len(), &customers[round / at.len() % customers.len()]);
        round += 1;
        let connection = &mut connections[server];
        if connection.is_none() {
            *connection = Connection::connect(at[server]).ok();
        }
        let span = Span::begin();
        let answer = connection.as_mut().and_then(|connection| {
            connection.send(&customer.reading("/balance").bytes()).ok()?;
            connection.answer().ok().filter(|answer| answer.status == 200)
        });
        match answer {
            Some(answer) => {
                let (customer, balance) = (customer.id, cents(&answer.ok()["balance"]));
                looks.push(Look { customer, balance, span: span.end() });
            }
            None => *connection = None,
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}
