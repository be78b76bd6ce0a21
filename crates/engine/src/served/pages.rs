//! All that is served, read ahead of whoever takes it.

use domain::served::{Place, Served};
use tokio::sync::mpsc;

use crate::engine::Engine;
use crate::fault::{Fault, told};

/// How many leases are read at a time. They are at addresses all over the stock, and the more are
/// looked for together, the more are found near each other.
const PAGE: u32 = 100_000;

/// How many pages are read before the first of them is taken: while one is taken, the next is read.
const AHEAD: usize = 1;

/// All that is served, page by page.
pub struct Pages(mpsc::Receiver<Result<Vec<Served>, Fault>>);

impl Pages {
    /// Begins to read.
    pub(super) fn read(engine: Engine) -> Pages {
        Pages::of(move |after| {
            let engine = engine.clone();
            async move { page(&engine, after).await }
        })
    }

    /// What `page` gives of what is behind each place, until there is nothing.
    fn of<P>(page: impl Fn(Option<Place>) -> P + Send + Sync + 'static) -> Pages
    where
        P: Future<Output = Result<Vec<Served>, Fault>> + Send,
    {
        let (sender, pages) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            let mut after = None;
            loop {
                let page = page(after).await;
                after = page.as_ref().ok().and_then(|page| page.last()).map(Served::place);
                // Who has gone needs no more.
                if sender.send(page).await.is_err() || after.is_none() {
                    return;
                }
            }
        });
        Pages(pages)
    }

    /// The next page. The last one is empty.
    pub async fn next(&mut self) -> Result<Vec<Served>, Fault> {
        self.0.recv().await.unwrap_or(Err(Fault::Broken))
    }
}

async fn page(engine: &Engine, after: Option<Place>) -> Result<Vec<Served>, Fault> {
    let page = engine.read_slow(move |store| store.served(after, PAGE)).await;
    page.map_err(|error| told(&error, "reading what is served"))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use domain::country::Country;
    use domain::ids::{CustomerId, LeaseId, OrderId};
    use domain::kind::ProxyKind;
    use domain::product::ProductKey;
    use domain::time::Time;

    use super::*;

    fn served(lease: i64) -> Served {
        let (kind, country) = (ProxyKind::Ipv4, Country::from_alpha3("USA").unwrap());
        Served {
            lease: LeaseId(lease),
            order: OrderId(1),
            customer: CustomerId(1),
            suspended: false,
            kind,
            product: Arc::new(ProductKey { kind, country, operator: None, package: None }),
            protocol: None,
            ip: [192, 0, 2, 1].into(),
            modem: None,
            gateway: "main".into(),
            port: 0,
            ends_at: Time::from_millis(0),
            access: Arc::default(),
            exception: None,
        }
    }

    /// Has these leases read, so many at a time; reading fails behind one of them.
    fn pages(leases: i64, at_a_time: i64, fails_behind: Option<i64>) -> Pages {
        let last = Arc::new(Mutex::new(0));
        Pages::of(move |after| {
            let after = after.map_or(0, |(_, _, lease)| lease.0);
            let asked_before = std::mem::replace(&mut *last.lock().unwrap(), after);
            assert!(after == 0 || asked_before < after, "the same is read again");
            let until = leases.min(after + at_a_time);
            let read = match fails_behind {
                Some(behind) if behind == after => Err(Fault::Unavailable),
                _ => Ok((after + 1..=until).map(served).collect()),
            };
            async move { read }
        })
    }

    /// What is told, page by page, up to the last one, or to what has failed; says whether that has.
    async fn told(mut pages: Pages) -> (Vec<Vec<i64>>, bool) {
        let mut told = Vec::new();
        loop {
            match pages.next().await {
                Ok(page) if page.is_empty() => return (told, false),
                Ok(page) => told.push(page.iter().map(|served| served.lease.0).collect()),
                Err(_) => {
                    assert!(pages.next().await.is_err(), "it goes on behind what has failed");
                    return (told, true);
                }
            }
        }
    }

    /// A store may give fewer than it was asked for: only an empty page is the last.
    #[tokio::test]
    async fn however_few_are_read_at_a_time_all_are_told() {
        let all = vec![vec![1, 2], vec![3, 4], vec![5]];
        assert_eq!(told(pages(5, 2, None)).await, (all, false));
        assert_eq!(told(pages(4, 4, None)).await, (vec![vec![1, 2, 3, 4]], false));
        assert_eq!(told(pages(0, 4, None)).await, (vec![], false));
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_no_end() {
        let all = [vec![1, 2], vec![3, 4], vec![5]];
        for (behind, before) in [(0, &all[..0]), (2, &all[..1]), (5, &all[..])] {
            assert_eq!(told(pages(5, 2, Some(behind))).await, (before.to_vec(), true));
        }
    }
}
