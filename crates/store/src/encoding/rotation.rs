//! Rotations as columns of text.

use std::net::IpAddr;

use domain::rotation::{Failure, Outcome, State};
use domain::time::Time;

use super::{corrupt, ip};
use crate::Result;

/// How far a job has come, in its columns.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct StateColumns {
    pub(crate) state: String,
    pub(crate) until_ms: Option<i64>,
    pub(crate) old_ip: Option<String>,
    pub(crate) new_ip: Option<String>,
    pub(crate) failure: Option<String>,
}

impl From<State> for StateColumns {
    fn from(state: State) -> StateColumns {
        let text = |ip: Option<IpAddr>| ip.map(|ip| ip.to_string());
        let mut columns = StateColumns::default();
        let name = match state {
            State::Queued => "queued",
            State::Dialing { until } => {
                columns.until_ms = Some(until.millis());
                "dialing"
            }
            State::Ended(Outcome::Changed { old, new }) => {
                (columns.old_ip, columns.new_ip) = (text(old), text(new));
                "changed"
            }
            State::Ended(Outcome::Same { ip }) => {
                (columns.old_ip, columns.new_ip) = (text(Some(ip)), text(Some(ip)));
                "same"
            }
            State::Ended(Outcome::Failed(failure)) => {
                columns.failure = Some(failure.name().to_owned());
                "failed"
            }
        };
        columns.state = name.to_owned();
        columns
    }
}

impl TryFrom<StateColumns> for State {
    type Error = crate::error::Error;

    fn try_from(columns: StateColumns) -> Result<State> {
        let StateColumns { state, until_ms, old_ip, new_ip, failure } = columns;
        let read = |column, text: Option<String>| -> Result<Option<IpAddr>> {
            text.map(|text| ip(column, &text)).transpose()
        };
        let (old, new) = (read("rotation.old_ip", old_ip)?, read("rotation.new_ip", new_ip)?);
        let missing = |column| corrupt(column, "nothing");
        Ok(match state.as_str() {
            "queued" => State::Queued,
            "dialing" => {
                let until = until_ms.ok_or_else(|| missing("rotation.until_ms"))?;
                State::Dialing { until: Time::from_millis(until) }
            }
            "changed" => State::Ended(Outcome::Changed { old, new }),
            "same" => {
                let ip = new.ok_or_else(|| missing("rotation.new_ip"))?;
                State::Ended(Outcome::Same { ip })
            }
            "failed" => {
                let name = failure.ok_or_else(|| missing("rotation.failure"))?;
                let failure = Failure::from_name(&name);
                let failure = failure.ok_or_else(|| corrupt("rotation.failure", name))?;
                State::Ended(Outcome::Failed(failure))
            }
            other => return Err(corrupt("rotation.state", other)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_as_it_was_written() {
        let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
        let (one, two) = (Some(ip("127.0.0.2")), Some(ip("2001:db8::1")));
        let mut states = vec![
            State::Queued,
            State::Dialing { until: Time::from_millis(7) },
            State::Ended(Outcome::Same { ip: ip("127.0.0.2") }),
        ];
        for (old, new) in [(one, two), (None, two), (one, None), (None, None)] {
            states.push(State::Ended(Outcome::Changed { old, new }));
        }
        states.extend(Failure::ALL.map(|failure| State::Ended(Outcome::Failed(failure))));
        for state in states {
            assert_eq!(State::try_from(StateColumns::from(state)).unwrap(), state);
        }
        let wrong = StateColumns { state: "paused".into(), ..StateColumns::default() };
        assert!(State::try_from(wrong).is_err());
    }
}
