//! How much leases may use.

use domain::limits::Limits;

use super::place::{Fault, Read};
use super::raw;

/// The limits that somebody has whom the catalogue tells nothing but `raw`: what that leaves out
/// is as `usual`.
pub(super) fn limits(whose: &str, raw: &raw::Limits, usual: Limits) -> Read<Limits> {
    let bytes_per_second = match &raw.bytes_per_second {
        None => usual.bytes_per_second,
        Some(place) => {
            let (value, least) = (*place.get_ref(), Limits::BYTES_PER_SECOND_MIN);
            if value != 0 && value < least {
                let says = format!(
                    "{whose}: bytes_per_second is at least {least}, or 0 for no limit, not {value}"
                );
                return Err(Fault::at(place, says));
            }
            value
        }
    };
    Ok(Limits {
        connections: raw.connections.unwrap_or(usual.connections),
        new_connections_per_second: raw
            .new_connections_per_second
            .unwrap_or(usual.new_connections_per_second),
        bytes_per_second,
        udp: raw.udp.unwrap_or(usual.udp),
    })
}
