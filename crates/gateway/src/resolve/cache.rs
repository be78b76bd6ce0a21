//! What has been asked lately: one question at a time for each name, however many wait for it.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use hashbrown::HashMap;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::{Family, Lookup};
use crate::refusal::Refusal;
use crate::target::Name;

/// How many names are remembered by each thread.
const NAMES_MAX: usize = 8192;
/// How long an answer is waited for, all tries together.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a name is believed not to exist: who has just made one does not wait longer.
const ABSENT: Duration = Duration::from_secs(5);
/// How long nobody is asked again after nobody has answered.
const SILENT: Duration = Duration::from_secs(1);
/// An address is believed for this long at least, so that a name that says 0 does not cost a
/// question for each connection.
const VALID_MIN: Duration = Duration::from_secs(1);
/// An address is believed for this long at most, whatever its name says.
const VALID_MAX: Duration = Duration::from_secs(300);

type Answer = Result<Rc<[IpAddr]>, Refusal>;

/// Remembers answers of a [`Lookup`]. It belongs to one thread.
#[derive(Debug)]
pub struct Cache<L> {
    lookup: L,
    v4: RefCell<Entries>,
    v6: RefCell<Entries>,
}

type Entries = HashMap<Box<str>, Rc<OnceCell<Remembered>>, foldhash::fast::RandomState>;

#[derive(Debug)]
struct Remembered {
    answer: Answer,
    until: Instant,
}

impl<L: Lookup> Cache<L> {
    /// An empty one.
    pub fn new(lookup: L) -> Cache<L> {
        Cache { lookup, v4: RefCell::default(), v6: RefCell::default() }
    }

    /// The addresses of a name.
    pub async fn lookup(&self, name: &Name, family: Family) -> Answer {
        let entries = match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        };
        let entry = entry(&mut entries.borrow_mut(), name.as_str());
        // Whoever comes first asks; if he is gone before the answer, the next one does.
        entry.get_or_init(|| self.ask(name, family)).await.answer.clone()
    }

    async fn ask(&self, name: &Name, family: Family) -> Remembered {
        let asked = tokio::time::timeout(PATIENCE, self.lookup.lookup(name, family)).await;
        let (answer, valid) = match asked.unwrap_or(Err(Refusal::NameTimeout)) {
            Ok(found) if !found.addresses.is_empty() => {
                (Ok(found.addresses.into()), found.valid.clamp(VALID_MIN, VALID_MAX))
            }
            Ok(_) => (Err(Refusal::NameUnknown), ABSENT),
            Err(Refusal::NameUnknown) => (Err(Refusal::NameUnknown), ABSENT),
            Err(refusal) => (Err(refusal), SILENT),
        };
        Remembered { answer, until: Instant::now() + valid }
    }
}

/// The entry of a name: one that is being asked for, is still to be believed, or is new.
fn entry(entries: &mut Entries, name: &str) -> Rc<OnceCell<Remembered>> {
    let is_live = |entry: &Rc<OnceCell<Remembered>>, now: Instant| {
        entry.get().is_none_or(|remembered| now < remembered.until)
    };
    let now = Instant::now();
    if let Some(entry) = entries.get(name).filter(|entry| is_live(entry, now)) {
        return Rc::clone(entry);
    }
    if entries.len() >= NAMES_MAX {
        entries.retain(|_, entry| is_live(entry, now));
        // Still too many: half of them go, whichever; a question more is all that it costs.
        let mut turn = false;
        if entries.len() >= NAMES_MAX {
            entries.retain(|_, _| {
                turn = !turn;
                turn
            });
        }
    }
    let entry = Rc::new(OnceCell::new());
    entries.insert(name.into(), Rc::clone(&entry));
    entry
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::Found;
    use super::*;

    /// Knows `known.example` for a minute, is silent about `silent.example`, and counts.
    #[derive(Default)]
    struct Counting {
        questions: Cell<u32>,
    }

    impl Lookup for Counting {
        async fn lookup(&self, name: &Name, family: Family) -> Result<Found, Refusal> {
            self.questions.set(self.questions.get() + 1);
            tokio::time::sleep(Duration::from_millis(10)).await;
            match (name.as_str(), family) {
                ("silent.example", _) => std::future::pending().await,
                ("known.example", Family::V4) => Ok(Found {
                    addresses: vec!["192.0.2.1".parse().unwrap()],
                    valid: Duration::from_secs(60),
                }),
                (name, Family::V4) if name.starts_with('n') => Ok(Found {
                    addresses: vec!["192.0.2.2".parse().unwrap()],
                    valid: Duration::ZERO,
                }),
                _ => Err(Refusal::NameUnknown),
            }
        }
    }

    fn name(text: &str) -> Name {
        Name::new(text.as_bytes()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_asked_for_once_while_its_answer_holds() {
        let cache = Cache::new(Counting::default());
        let known = name("known.example");
        let (one, two) =
            tokio::join!(cache.lookup(&known, Family::V4), cache.lookup(&known, Family::V4));
        assert_eq!(one, two);
        assert_eq!(cache.lookup.questions.get(), 1);
        tokio::time::advance(Duration::from_secs(59)).await;
        cache.lookup(&known, Family::V4).await.unwrap();
        assert_eq!(cache.lookup.questions.get(), 1);
        tokio::time::advance(Duration::from_secs(2)).await;
        cache.lookup(&known, Family::V4).await.unwrap();
        assert_eq!(cache.lookup.questions.get(), 2);
        assert_eq!(cache.lookup(&known, Family::V6).await, Err(Refusal::NameUnknown));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_there_is_asked_for_again_after_five_seconds() {
        let cache = Cache::new(Counting::default());
        let absent = name("absent.example");
        for (after, questions) in [(0, 1), (4, 1), (2, 2)] {
            tokio::time::advance(Duration::from_secs(after)).await;
            assert_eq!(cache.lookup(&absent, Family::V4).await, Err(Refusal::NameUnknown));
            assert_eq!(cache.lookup.questions.get(), questions);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_not_waited_for_longer_than_five_seconds() {
        let cache = Cache::new(Counting::default());
        let start = Instant::now();
        let found = cache.lookup(&name("silent.example"), Family::V4).await;
        assert_eq!(found, Err(Refusal::NameTimeout));
        assert_eq!(start.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_on_is_answered_when_the_first_has_gone() {
        let cache = Cache::new(Counting::default());
        let known = name("known.example");
        tokio::select! {
            biased;
            _ = cache.lookup(&known, Family::V4) => panic!("nobody answers that fast"),
            () = std::future::ready(()) => {}
        }
        assert!(cache.lookup(&known, Family::V4).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let cache = Cache::new(Counting::default());
        for number in 0..NAMES_MAX + 100 {
            cache.v4.borrow_mut().insert(number.to_string().into(), Rc::default());
        }
        cache.lookup(&name("new.example"), Family::V4).await.unwrap();
        assert!(cache.v4.borrow().len() < NAMES_MAX);
    }
}
