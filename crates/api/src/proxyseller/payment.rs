//! With what is paid.

use wire::lenient::Field;
use wire::proxyseller::envelope::Problem;

use super::stop::Stop;
use super::{Version, choices, read};

/// Refuses what cannot be paid with. Nothing said is the balance, unless it is `required`.
pub(super) fn check(
    version: Version,
    id: &Field<String>,
    code: &Field<String>,
    required: bool,
) -> Result<(), Stop> {
    let unknown = || {
        let words = match version {
            Version::V1 => "Set existed [paymentId]",
            Version::V2 => "Incorrect payment system",
        };
        Stop::problem(Problem::new(words, 0), "unknown-payment")
    };
    let name = match read::either(code, id) {
        Field::Absent if required => {
            return Err(Stop::said("Set [paymentId]", "unknown-payment"));
        }
        Field::Absent => return Ok(()),
        Field::Bad => return Err(unknown()),
        Field::Given(name) => name.to_ascii_lowercase(),
    };
    // Some clients of v1 send 0 where nothing was set.
    let nothing = version == Version::V1 && name == "0";
    if nothing || choices::BALANCE.contains(&name.as_str()) { Ok(()) } else { Err(unknown()) }
}
