//! Where a body ends. There is one answer, or the message is refused.

use super::head::{Version, trim};

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// There is none.
    Empty,
    /// This many bytes, perhaps 0.
    Sized(u64),
    /// In chunks.
    Chunked,
    /// Until the connection closes; responses only.
    UntilClose,
}

/// A body whose end is not told in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ambiguous;

/// What the fields of a head say about the body.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Framing {
    length: Option<u64>,
    chunked: bool,
}

impl Framing {
    /// Reads a `Content-Length`: digits, nothing else. Said twice it must be the same.
    pub(crate) fn read_length(&mut self, value: &[u8]) -> Result<(), Ambiguous> {
        let length = decimal(trim(value)).ok_or(Ambiguous)?;
        if self.length.is_some_and(|before| before != length) {
            return Err(Ambiguous);
        }
        self.length = Some(length);
        Ok(())
    }

    /// Reads a `Transfer-Encoding`: `chunked` alone and once. Nothing else is in use, and lists of
    /// codings are where programs disagree.
    pub(crate) fn read_coding(&mut self, value: &[u8]) -> Result<(), Ambiguous> {
        if self.chunked || !trim(value).eq_ignore_ascii_case(b"chunked") {
            return Err(Ambiguous);
        }
        self.chunked = true;
        Ok(())
    }

    /// The body of a request.
    pub(crate) fn of_request(self, version: Version) -> Result<Length, Ambiguous> {
        self.stated(version).map(|stated| stated.unwrap_or(Length::Empty))
    }

    /// The body of a response to a request of this method.
    ///
    /// What cannot have a body has none, whatever its fields say, and still its fields must not
    /// contradict each other.
    pub(crate) fn of_response(
        self,
        version: Version,
        status: u16,
        to_head: bool,
    ) -> Result<Length, Ambiguous> {
        let stated = self.stated(version)?;
        if to_head || status < 200 || status == 204 || status == 304 {
            return Ok(Length::Empty);
        }
        Ok(stated.unwrap_or(Length::UntilClose))
    }

    /// The stated length, for those that state one without having a body.
    pub(crate) fn content_length(self) -> Option<u64> {
        self.length
    }

    fn stated(self, version: Version) -> Result<Option<Length>, Ambiguous> {
        match (self.length, self.chunked) {
            (Some(_), true) => Err(Ambiguous),
            // Somebody between a sender of HTTP/1.0 and us has not understood the coding.
            (None, true) if version == Version::Http10 => Err(Ambiguous),
            (None, true) => Ok(Some(Length::Chunked)),
            (Some(length), false) => Ok(Some(Length::Sized(length))),
            (None, false) => Ok(None),
        }
    }
}

/// A number in plain digits. Leading zeros are allowed, as the grammar has it.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit & 0x0f))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Version::{Http10, Http11};

    fn framing(lengths: &[&str], codings: &[&str]) -> Result<Framing, Ambiguous> {
        let mut framing = Framing::default();
        lengths.iter().try_for_each(|value| framing.read_length(value.as_bytes()))?;
        codings.iter().try_for_each(|value| framing.read_coding(value.as_bytes()))?;
        Ok(framing)
    }

    #[test]
    fn lengths_are_plain_numbers() {
        for (text, length) in [("0", 0), ("7", 7), (" 42\t", 42), ("007", 7)] {
            assert_eq!(
                framing(&[text], &[]).unwrap().of_request(Http11),
                Ok(Length::Sized(length))
            );
        }
        let most = u64::MAX.to_string();
        assert_eq!(framing(&[&most], &[]).unwrap().of_request(Http11), Ok(Length::Sized(u64::MAX)));
        for text in [
            "",
            " ",
            "+2",
            "-2",
            "2,2",
            "2, 2",
            "2;2",
            "0x2",
            "2 2",
            "2.0",
            "2e1",
            "\u{b2}",
            "two",
            "18446744073709551616",
            "2\r",
            "2\0",
        ] {
            assert_eq!(framing(&[text], &[]).err(), Some(Ambiguous), "{text:?}");
        }
        assert!(framing(&["2", "2"], &[]).is_ok());
        assert!(framing(&["2", "3"], &[]).is_err());
        assert!(framing(&["2", "2", "0"], &[]).is_err());
    }

    #[test]
    fn the_only_coding_is_chunked() {
        for text in ["chunked", "Chunked", "CHUNKED", " chunked", "chunked\t"] {
            let framing = framing(&[], &[text]).unwrap();
            assert_eq!(framing.of_request(Http11), Ok(Length::Chunked));
            assert_eq!(framing.of_request(Http10), Err(Ambiguous));
        }
        for text in [
            "",
            "gzip, chunked",
            "chunked, gzip",
            "chunked, chunked",
            "chunked,",
            ",chunked",
            "chunked;q=1",
            "\"chunked\"",
            "identity",
            "xchunked",
            "chunked\u{b}",
            "chunke",
            "chu nked",
            "chunked\0",
            "identity, chunked",
            "\u{e7}hunked",
        ] {
            assert_eq!(framing(&[], &[text]).err(), Some(Ambiguous), "{text:?}");
        }
        assert!(framing(&[], &["chunked", "chunked"]).is_err());
        let both = framing(&["2"], &["chunked"]).unwrap();
        assert_eq!(both.of_request(Http11), Err(Ambiguous));
        assert_eq!(both.of_response(Http11, 200, false), Err(Ambiguous));
        assert_eq!(both.of_response(Http11, 304, true), Err(Ambiguous));
    }

    #[test]
    fn responses_that_have_no_body_have_none() {
        let sized = framing(&["5"], &[]).unwrap();
        for (status, to_head, length) in [
            (200, false, Length::Sized(5)),
            (200, true, Length::Empty),
            (204, false, Length::Empty),
            (304, false, Length::Empty),
            (100, false, Length::Empty),
        ] {
            assert_eq!(sized.of_response(Http11, status, to_head), Ok(length));
        }
        let none = Framing::default();
        assert_eq!(none.of_response(Http10, 200, false), Ok(Length::UntilClose));
        assert_eq!(none.of_request(Http10), Ok(Length::Empty));
    }
}
