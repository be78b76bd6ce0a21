//! Jobs for the modems of a gateway on another host, and what has come of them.
//!
//! A gateway asks for jobs again and again. Each that it is given is its own until its deadline, and
//! it tells what has come of it until it is answered. Only who has taken a job last is believed.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A gateway asks for jobs. It is answered when there are some, or after a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ask {
    /// The modems that are dialing there: they are given no further jobs.
    pub busy: BTreeSet<String>,
}

/// The answer: jobs that it has from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Jobs {
    /// The jobs, each for another modem.
    pub jobs: Vec<Job>,
}

/// A modem is to dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Which job it is.
    pub id: u64,
    /// How often it was taken by now.
    pub claim: i64,
    /// What the catalogue calls the modem.
    pub modem: String,
    /// How many tries there may be until its exit is another one.
    pub tries: u32,
    /// How many milliseconds one try may take.
    pub deadline_ms: u64,
    /// What makes it dial.
    pub driver: Driver,
    /// The exit that it has, if that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<IpAddr>,
}

/// What makes a modem dial. One member is there; if none is, it is one that this version does not
/// know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Driver {
    /// A request to somebody who does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Hook>,
    /// ModemManager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modem_manager: Option<Managed>,
    /// Nothing real.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simulator: Option<Simulated>,
}

/// A request that has a modem dial. In its texts `{modem}` stands for the modem's name and
/// `{secret}` for its secret. `Debug` shows none of them: who has described it may have written a
/// secret there all the same.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Where to.
    pub url: String,
    /// Its method.
    pub method: String,
    /// Its header fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The name of its secret, which is on the gateway's host and never travels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The status that says that it was done.
    pub expect: u16,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook(***)")
    }
}

/// A modem that ModemManager looks after. One of the first two members is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Managed {
    /// Its equipment identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imei: Option<String>,
    /// The interface that it gives the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Whether it is reset, rather than connected anew.
    pub reset: bool,
}

/// A modem that is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulated {
    /// The exits that it goes through, again and again; at least one.
    pub exits: Vec<IpAddr>,
    /// How many milliseconds each change takes.
    #[serde(default)]
    pub takes_ms: u64,
    /// Every so many changes one fails; 0 is never.
    #[serde(default)]
    pub fails_every: u32,
}

/// A gateway tells what has come of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Which job it was.
    pub id: u64,
    /// Its `claim`, as it was given.
    pub claim: i64,
    /// Its modem, so that the job of another one is never ended by it.
    pub modem: String,
    /// What has come of it.
    pub outcome: Outcome,
}

/// What has come of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The exit is another one.
    Changed {
        /// The one before, if that was told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        old: Option<IpAddr>,
        /// The one now, if that was told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new: Option<IpAddr>,
    },
    /// The modem has dialed, and was given the same exit.
    Same {
        /// Which.
        ip: IpAddr,
    },
    /// It was not done.
    Failed(Failure),
}

/// Why a job was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// It took too long.
    TimedOut,
    /// The modem, or who drives it, is not there.
    Unreachable,
    /// What the driver needs is missing on its machine.
    Misconfigured,
    /// The modem, or who drives it, says no; or something that this version does not know.
    #[serde(other)]
    Refused,
}

/// The answer to what was told of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Believed {
    /// Whether it is believed, so that it need not be told again either way. If not, others have the
    /// job by now, or it is over.
    pub believed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_read_as_it_was_written_and_what_is_not_known_is_nothing() {
        let text = r#"{"jobs":[{"id":7,"claim":2,"modem":"m1","tries":1,"deadline_ms":60000,
            "driver":{"from_the_future":{"by":"pigeon"}},"more":1}]}"#;
        let jobs: Jobs = serde_json::from_str(text).unwrap();
        assert_eq!((jobs.jobs[0].claim, &jobs.jobs[0].driver), (2, &Driver::default()));
        let hook = Hook {
            url: "http://farm.example/?token=canary".into(),
            method: "POST".into(),
            headers: vec![("Authorization".into(), "canary".into())],
            secret: Some("farm".into()),
            expect: 200,
        };
        let driver = Driver { http: Some(hook), ..Driver::default() };
        let job = Job { driver, ..jobs.jobs[0].clone() };
        let text = serde_json::to_string(&job).unwrap();
        assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
        assert!(!format!("{job:?}").contains("canary"), "{job:?}");
    }

    #[test]
    fn an_outcome_is_read_as_it_was_written() {
        let ip = IpAddr::from([192, 0, 2, 1]);
        for (outcome, text) in [
            (Outcome::Changed { old: None, new: Some(ip) }, r#"{"changed":{"new":"192.0.2.1"}}"#),
            (Outcome::Same { ip }, r#"{"same":{"ip":"192.0.2.1"}}"#),
            (Outcome::Failed(Failure::TimedOut), r#"{"failed":"timed_out"}"#),
        ] {
            assert_eq!(serde_json::to_string(&outcome).unwrap(), text);
            assert_eq!(serde_json::from_str::<Outcome>(text).unwrap(), outcome);
        }
        let other = serde_json::from_str::<Outcome>(r#"{"failed":"from_the_future"}"#).unwrap();
        assert_eq!(other, Outcome::Failed(Failure::Refused));
    }
}
