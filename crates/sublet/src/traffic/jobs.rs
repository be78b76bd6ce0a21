//! Jobs of modems, and what has come of them, on their way between a shop and its gateways.

use domain::ids::RotationId;
use domain::modem::{Driver, Hook, HookMethod, Managed, Simulated, Which};
use domain::rotation::{Failure, Outcome};
use domain::time::Span;
use engine::rotations::Job;
use feed::rotation::{self as told, Ended};

/// A job as its gateway is told of it.
pub(crate) fn print(job: Job) -> told::Job {
    let Job { id, claim, tries, modem, deadline, driver, exit } = job;
    told::Job {
        id: number(id),
        claim,
        modem,
        tries,
        deadline_ms: millis(deadline),
        driver: print_driver(driver),
        exit,
    }
}

/// A job as a gateway was told of it; nothing if its driver is one that this version does not know.
pub(crate) fn read(job: &told::Job) -> Option<Job> {
    Some(Job {
        id: RotationId(i64::try_from(job.id).ok()?),
        claim: job.claim,
        tries: job.tries,
        modem: job.modem.clone(),
        deadline: span(job.deadline_ms),
        driver: read_driver(&job.driver)?,
        exit: job.exit,
    })
}

/// What has come of a job, as a gateway tells it.
pub(crate) fn ended(job: &Job, outcome: Outcome) -> Ended {
    let outcome = match outcome {
        Outcome::Changed { old, new } => told::Outcome::Changed { old, new },
        Outcome::Same { ip } => told::Outcome::Same { ip },
        Outcome::Failed(why) => told::Outcome::Failed(match why {
            Failure::TimedOut => told::Failure::TimedOut,
            Failure::Unreachable => told::Failure::Unreachable,
            Failure::Misconfigured => told::Failure::Misconfigured,
            // The others are for those who keep the books to say.
            Failure::Refused | Failure::NotTaken | Failure::Abandoned => told::Failure::Refused,
        }),
    };
    Ended { id: number(job.id), claim: job.claim, modem: job.modem.clone(), outcome }
}

/// What a gateway has told of a job.
pub(crate) fn read_outcome(outcome: told::Outcome) -> Outcome {
    match outcome {
        told::Outcome::Changed { old, new } => Outcome::Changed { old, new },
        told::Outcome::Same { ip } => Outcome::Same { ip },
        told::Outcome::Failed(why) => Outcome::Failed(match why {
            told::Failure::TimedOut => Failure::TimedOut,
            told::Failure::Unreachable => Failure::Unreachable,
            told::Failure::Misconfigured => Failure::Misconfigured,
            told::Failure::Refused => Failure::Refused,
        }),
    }
}

fn print_driver(driver: Driver) -> told::Driver {
    let mut told = told::Driver::default();
    match driver {
        Driver::Http(Hook { url, method, headers, secret, expect }) => {
            let method = method.name().to_owned();
            told.http = Some(told::Hook { url, method, headers, secret, expect });
        }
        Driver::ModemManager(Managed { which, reset }) => {
            let (imei, interface) = match which {
                Which::Imei(imei) => (Some(imei), None),
                Which::Interface(name) => (None, Some(name)),
            };
            told.modem_manager = Some(told::Managed { imei, interface, reset });
        }
        Driver::Simulator(Simulated { exits, takes, fails_every }) => {
            let takes_ms = millis(takes);
            told.simulator = Some(told::Simulated { exits, takes_ms, fails_every });
        }
    }
    told
}

fn read_driver(driver: &told::Driver) -> Option<Driver> {
    if let Some(told::Hook { url, method, headers, secret, expect }) = &driver.http {
        let method = HookMethod::ALL.into_iter().find(|it| it.name() == method)?;
        let (url, headers, secret) = (url.clone(), headers.clone(), secret.clone());
        return Some(Driver::Http(Hook { url, method, headers, secret, expect: *expect }));
    }
    if let Some(told::Managed { imei, interface, reset }) = &driver.modem_manager {
        let imei = imei.clone().map(Which::Imei);
        let which = imei.or_else(|| interface.clone().map(Which::Interface))?;
        return Some(Driver::ModemManager(Managed { which, reset: *reset }));
    }
    let told::Simulated { exits, takes_ms, fails_every } = driver.simulator.as_ref()?;
    let (exits, takes) = (exits.clone(), span(*takes_ms));
    Some(Driver::Simulator(Simulated { exits, takes, fails_every: *fails_every }))
}

fn number(id: RotationId) -> u64 {
    u64::try_from(id.0).expect("ids begin with 1")
}

fn millis(span: Span) -> u64 {
    u64::try_from(span.millis()).unwrap_or(0)
}

fn span(millis: u64) -> Span {
    Span::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn a_job_and_its_outcome_come_through_as_they_are() {
        let ip = IpAddr::from([192, 0, 2, 1]);
        let hook = Hook {
            url: "http://farm.example/{modem}".into(),
            method: HookMethod::Put,
            headers: vec![("A".into(), "b".into())],
            secret: Some("farm".into()),
            expect: 202,
        };
        let managed = |which| Driver::ModemManager(Managed { which, reset: true });
        let takes = Span::from_millis(1_500);
        let job = |driver| {
            let (id, modem) = (RotationId(7), "m1".to_owned());
            let deadline = Span::from_seconds(60);
            Job { id, claim: 2, tries: 5, modem, deadline, driver, exit: Some(ip) }
        };
        for driver in [
            Driver::Http(hook.clone()),
            managed(Which::Imei("490154203237518".into())),
            managed(Which::Interface("wwan0".into())),
            Driver::Simulator(Simulated { exits: vec![ip], takes, fails_every: 3 }),
        ] {
            let job = job(driver);
            let text = serde_json::to_string(&print(job.clone())).unwrap();
            assert_eq!(read(&serde_json::from_str(&text).unwrap()), Some(job));
        }
        let job = job(Driver::Http(hook));
        let unknown = told::Job { driver: told::Driver::default(), ..print(job.clone()) };
        assert_eq!(read(&unknown), None, "a driver that is not known");
        for outcome in [
            Outcome::Changed { old: None, new: Some(ip) },
            Outcome::Same { ip },
            Outcome::Failed(Failure::TimedOut),
            Outcome::Failed(Failure::Unreachable),
            Outcome::Failed(Failure::Refused),
            Outcome::Failed(Failure::Misconfigured),
        ] {
            let ended = ended(&job, outcome);
            assert_eq!((ended.id, ended.claim, ended.modem.as_str()), (7, 2, "m1"));
            assert_eq!(read_outcome(ended.outcome), outcome);
        }
    }
}
