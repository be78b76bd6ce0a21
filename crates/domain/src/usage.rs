//! What leases use, by lease and day.

use std::collections::BTreeMap;

use crate::ids::{CustomerId, LeaseId};
use crate::time::{Span, Time};

/// A day in UTC: days since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

impl Day {
    /// The day in which a moment is.
    pub fn of(time: Time) -> Day {
        Day(time.millis().div_euclid(Span::DAY.millis()))
    }

    /// When it begins.
    pub fn start(self) -> Time {
        Time::from_millis(self.0.saturating_mul(Span::DAY.millis()))
    }

    /// The day so many days before.
    pub fn before(self, days: u32) -> Day {
        Day(self.0.saturating_sub(days.into()))
    }
}

/// Days from one to another, both among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub from: Day,
    /// The last.
    pub to: Day,
}

/// So many days are looked at together, at most.
const DAYS_MOST: u32 = 4_000;

impl Days {
    /// These days; of more than 4,000 the last of them.
    pub fn new(from: Day, to: Day) -> Days {
        Days { from: from.max(to.before(DAYS_MOST - 1)), to }
    }
}

/// What was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Bytes from clients to destinations.
    pub bytes_up: u64,
    /// Bytes from destinations to clients.
    pub bytes_down: u64,
    /// Connections and exchanges that were begun.
    pub flows: u64,
}

impl Used {
    /// No number of one lease and day becomes larger than this, which every reader of JSON can take.
    pub const MOST: u64 = (1 << 53) - 1;

    /// This much more; what would become too large stays as large as can be.
    #[must_use]
    pub fn plus(self, more: Used) -> Used {
        Used {
            bytes_up: self.bytes_up.saturating_add(more.bytes_up),
            bytes_down: self.bytes_down.saturating_add(more.bytes_down),
            flows: self.flows.saturating_add(more.flows),
        }
    }

    /// No number larger than `most`.
    #[must_use]
    pub fn at_most(self, most: u64) -> Used {
        Used {
            bytes_up: self.bytes_up.min(most),
            bytes_down: self.bytes_down.min(most),
            flows: self.flows.min(most),
        }
    }
}

/// Who counts: 128 random bits as 32 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Meter(String);

impl Meter {
    /// The meter that is called so, if one can be.
    pub fn parse(text: &str) -> Option<Meter> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(is_digit)).then(|| Meter(text.to_owned()))
    }

    /// What it is called.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A numbered report of a meter. The numbers of a meter's reports are 1, 2, 3 and so on, and a
/// report that is repeated says the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who has counted.
    pub meter: Meter,
    /// Which of its reports it is; 1 or more.
    pub number: i64,
    /// What was used. No lease can be number 0.
    pub lines: BTreeMap<(Day, LeaseId), Used>,
}

impl Report {
    /// A report with these lines: which lease has used how much, and when that was counted.
    /// Nothing if its number is none.
    pub fn new(
        meter: Meter,
        number: u64,
        counted: impl IntoIterator<Item = (u64, Time, Used)>,
    ) -> Option<Report> {
        let number = i64::try_from(number).ok().filter(|number| 0 < *number)?;
        let mut lines = BTreeMap::<_, Used>::new();
        for (lease, at, used) in counted {
            // What cannot be an id is no lease's.
            let lease = LeaseId(i64::try_from(lease).unwrap_or(0));
            let sum = lines.entry((Day::of(at), lease)).or_default();
            *sum = sum.plus(used).at_most(Used::MOST);
        }
        Some(Report { meter, number, lines })
    }
}

/// What has become of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The number of the meter's last report that was taken, ever. If it is less than that of the
    /// report before this one, this one was not taken, because one is missing.
    pub last: i64,
    /// How many lines named a lease that there is not. They are counted nowhere.
    pub unknown: u64,
    /// Whether only a part of the report was taken so far: it is to be given again at once.
    pub is_partly: bool,
}

/// What a lease has used on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayOfLease {
    /// The day.
    pub day: Day,
    /// The lease.
    pub lease: LeaseId,
    /// Whose it is.
    pub customer: CustomerId,
    /// How much.
    pub used: Used,
}

/// Who has counted so far, and how much that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterReading {
    /// The meter.
    pub meter: Meter,
    /// The gateway that it was at last.
    pub gateway: String,
    /// The number of its last report.
    pub last: i64,
    /// When that was taken.
    pub at: Time,
    /// What its reports come to.
    pub used: Used,
}

/// By what usage is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By day.
    Day,
    /// By lease.
    Lease,
    /// By customer.
    Customer,
}

/// Usage that is added up.
#[derive(Clone, Debug)]
pub struct Sums {
    by: By,
    /// By the number of whatever it is added up by, which is the customer of leases too.
    sums: BTreeMap<i64, (CustomerId, Used)>,
}

/// What usage comes to: of a day, a lease or a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// Of a day.
    Day(Day, Used),
    /// Of a lease, with its customer.
    Lease(LeaseId, CustomerId, Used),
    /// Of a customer.
    Customer(CustomerId, Used),
}

impl Sums {
    /// Nothing so far.
    pub fn new(by: By) -> Sums {
        Sums { by, sums: BTreeMap::new() }
    }

    /// Adds what a lease has used on a day.
    pub fn add(&mut self, line: &DayOfLease) {
        let key = match self.by {
            By::Day => line.day.0,
            By::Lease => line.lease.0,
            By::Customer => line.customer.0,
        };
        let sum = self.sums.entry(key).or_insert((line.customer, Used::default()));
        sum.1 = sum.1.plus(line.used);
    }

    /// What it comes to, by day or number.
    pub fn finish(self) -> Vec<Sum> {
        let sum = |(key, (customer, used))| match self.by {
            By::Day => Sum::Day(Day(key), used),
            By::Lease => Sum::Lease(LeaseId(key), customer, used),
            By::Customer => Sum::Customer(customer, used),
        };
        self.sums.into_iter().map(sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(bytes_up: u64) -> Used {
        Used { bytes_up, bytes_down: 1, flows: 1 }
    }

    #[test]
    fn a_day_is_one_of_utc() {
        let noon = Time::from_millis(86_400_000 * 20_000 + 43_200_000);
        assert_eq!(Day::of(noon), Day(20_000));
        assert_eq!(Day::of(Day(20_000).start()), Day(20_000));
        assert_eq!(Day::of(Day(20_000).start() - Span::from_millis(1)), Day(19_999));
        assert_eq!(Days::new(Day(0), Day(20_000)).from, Day(16_001));
    }

    #[test]
    fn a_report_has_one_line_for_each_lease_and_day() {
        let meter = Meter::parse("00112233445566778899aabbccddeeff").unwrap();
        for wrong in ["", "0011", "00112233445566778899AABBCCDDEEFF"] {
            assert_eq!(Meter::parse(wrong), None);
        }
        let at = |day: i64| Day(day).start();
        let lines = [(7, at(1), used(5)), (7, at(1), used(6)), (7, at(2), used(u64::MAX))];
        let report = Report::new(meter.clone(), 1, lines).unwrap();
        let used = |bytes_up, times| Used { bytes_up, bytes_down: times, flows: times };
        assert_eq!(
            report.lines,
            [((Day(1), LeaseId(7)), used(11, 2)), ((Day(2), LeaseId(7)), used(Used::MOST, 1))]
                .into()
        );
        let odd = Report::new(meter.clone(), 1, [(u64::MAX, at(1), used(1, 1))]).unwrap();
        assert!(odd.lines.contains_key(&(Day(1), LeaseId(0))));
        assert_eq!(Report::new(meter.clone(), 0, []), None);
        assert_eq!(Report::new(meter, u64::MAX, []), None);
    }

    #[test]
    fn usage_is_added_up_by_what_is_asked() {
        let line = |day, lease, customer, bytes| DayOfLease {
            day: Day(day),
            lease: LeaseId(lease),
            customer: CustomerId(customer),
            used: used(bytes),
        };
        let lines = [line(1, 10, 1, 1), line(1, 11, 2, 2), line(2, 10, 1, 4)];
        let sums = |by| {
            let mut sums = Sums::new(by);
            lines.iter().for_each(|line| sums.add(line));
            sums.finish()
        };
        let used = |bytes_up, times| Used { bytes_up, bytes_down: times, flows: times };
        assert_eq!(sums(By::Day), [Sum::Day(Day(1), used(3, 2)), Sum::Day(Day(2), used(4, 1))]);
        let lease = |id, customer, used| Sum::Lease(LeaseId(id), CustomerId(customer), used);
        assert_eq!(sums(By::Lease), [lease(10, 1, used(5, 2)), lease(11, 2, used(2, 1))]);
        let customer = |id, used| Sum::Customer(CustomerId(id), used);
        assert_eq!(sums(By::Customer), [customer(1, used(5, 2)), customer(2, used(2, 1))]);
    }
}
