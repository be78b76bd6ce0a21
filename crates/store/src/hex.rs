//! Bytes as hexadecimal digits, and back.

use zeroize::Zeroizing;

/// `bytes` as lower-case hexadecimal digits, wiped from memory in the end.
pub(crate) fn print(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for digit in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        text.push(char::from(DIGITS[usize::from(digit)]));
    }
    text
}

/// The bytes that hexadecimal `digits` stand for; `None` unless they are `N`.
pub(crate) fn parse<const N: usize>(digits: &str) -> Option<[u8; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    let digit = |character: u8| char::from(character).to_digit(16);
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::try_from((digit(pair[0])? << 4) | digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_being_printed() {
        let bytes: [u8; 256] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        assert_eq!(parse(&print(&bytes)), Some(bytes));
        assert_eq!(parse("fFa0"), Some([0xff, 0xa0]));
    }

    #[test]
    fn anything_else_is_no_number() {
        for text in ["", "f", "fff", "fg", "+f", " f", "é"] {
            assert_eq!(parse::<1>(text), None, "{text:?}");
        }
    }
}
