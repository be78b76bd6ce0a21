//! A value as a line of a file: its JSON behind a checksum, so that a line that was torn or has
//! rotted is known.

use std::hash::Hasher as _;

use serde::Serialize;
use serde::de::DeserializeOwned;
use siphasher::sip::SipHasher13;

/// A line is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

impl std::fmt::Display for Damaged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a line is not as it was written")
    }
}

impl std::error::Error for Damaged {}

/// The digits of a checksum.
const DIGITS: usize = 16;

/// The line of a value, with its end.
///
/// # Panics
///
/// If the value cannot be JSON, as a map whose keys are no text.
pub fn write(value: &impl Serialize) -> Vec<u8> {
    let mut line = vec![b'0'; DIGITS];
    line.push(b' ');
    serde_json::to_writer(&mut line, value).expect("memory takes whatever can be JSON");
    let sum = format!("{:016x}", sum(&line[DIGITS + 1..]));
    line[..DIGITS].copy_from_slice(sum.as_bytes());
    line.push(b'\n');
    line
}

/// The value of a line that is given with its end.
pub fn read<T: DeserializeOwned>(line: &[u8]) -> Result<T, Damaged> {
    let line = line.strip_suffix(b"\n").ok_or(Damaged)?;
    let (digits, rest) = line.split_at_checked(DIGITS).ok_or(Damaged)?;
    let text = rest.strip_prefix(b" ").ok_or(Damaged)?;
    if digits != format!("{:016x}", sum(text)).as_bytes() {
        return Err(Damaged);
    }
    serde_json::from_slice(text).map_err(|_| Damaged)
}

/// Not a secret, and against accidents only.
fn sum(text: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(text);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_touched_anywhere_is_damaged() {
        let line = write(&("some", 12, [true]));
        assert_eq!(read::<(String, u32, [bool; 1])>(&line), Ok(("some".to_owned(), 12, [true])));
        for end in 0..line.len() {
            assert_eq!(read::<serde_json::Value>(&line[..end]), Err(Damaged), "cut after {end}");
        }
        for at in 0..line.len() {
            let mut touched = line.clone();
            touched[at] ^= 1;
            assert_eq!(read::<serde_json::Value>(&touched), Err(Damaged), "touched at {at}");
        }
    }

    #[test]
    fn a_sum_is_the_same_in_every_version() {
        assert_eq!(write(&1), b"a0bead804318e255 1\n");
    }
}
