//! What leases have used, by day, and what gateways' meters have told of it.

use domain::ids::LeaseId;
use domain::time::Time;
use domain::usage::{Day, DayOfLease, Meter, MeterReading, Report, Taken, Used};

use super::books::Books;
use super::size;
use crate::records::UsageFilter;
use crate::usage::Progress;

impl Books {
    pub(super) fn take_usage(&mut self, gateway: &str, report: &Report, now: Time) -> Taken {
        let progress = self.meters.get(&report.meter).map_or_else(Progress::default, |it| {
            Progress { last: it.last, part: None, used: it.used }
        });
        let part = match progress.next(report, usize::MAX) {
            Ok(part) => part,
            Err(taken) => return taken,
        };
        let mut unknown = 0;
        for (key, used) in &part.lines {
            if self.leases.contains_key(&key.1) {
                let sum = self.usage.entry(*key).or_default();
                *sum = sum.plus(*used).at_most(Used::MOST);
            } else {
                unknown += 1;
            }
        }
        let (meter, gateway) = (report.meter.clone(), gateway.to_owned());
        let (last, used) = (part.after.last, part.after.used);
        let reading = MeterReading { meter: meter.clone(), gateway, last, at: now, used };
        self.meters.insert(meter, reading);
        part.taken(unknown)
    }

    pub(super) fn usage(
        &self,
        filter: &UsageFilter,
        after: Option<(Day, LeaseId)>,
        limit: u32,
    ) -> Vec<DayOfLease> {
        let lines = self.usage.iter().map(|((day, lease), used)| DayOfLease {
            day: *day,
            lease: *lease,
            customer: self.leases[lease].customer,
            used: *used,
        });
        let wanted = lines.filter(|it| {
            filter.days.from <= it.day
                && it.day <= filter.days.to
                && after.is_none_or(|after| after < (it.day, it.lease))
                && filter.lease.is_none_or(|lease| lease == it.lease)
                && filter.customer.is_none_or(|customer| customer == it.customer)
        });
        wanted.take(size(limit)).collect()
    }

    pub(super) fn meters(&self, after: Option<&Meter>, limit: u32) -> Vec<MeterReading> {
        let behind = self.meters.values().filter(|it| after.is_none_or(|after| *after < it.meter));
        behind.take(size(limit)).cloned().collect()
    }

    pub(super) fn forget_usage(&mut self, before: Day, limit: u32) -> u32 {
        let old = self.usage.keys().filter(|(day, _)| *day < before).take(size(limit));
        let old: Vec<_> = old.copied().collect();
        for key in &old {
            self.usage.remove(key);
        }
        u32::try_from(old.len()).unwrap_or(u32::MAX)
    }
}
