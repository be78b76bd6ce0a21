//! Refusals as HTTP answers. Every byte of them is fixed text.

use std::io::Write as _;

use crate::refusal::Refusal;

/// How this proxy calls itself in `Proxy-Status`.
const NAME: &str = "gateway";

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The request was HEAD: no body.
    pub is_head: bool,
    /// Another request may follow.
    pub keeps: bool,
}

/// Writes the answer to a request that is refused.
///
/// The body is the stable code and a sentence, so that a person and a program can read it;
/// `Proxy-Status` (RFC 9209) tells both that it was the proxy who spoke and not the destination.
pub fn write(refusal: Refusal, ends: Ends, out: &mut Vec<u8>) {
    let wording = refusal.wording();
    let body_length = wording.code.len() + refusal.to_string().len() + 3;
    // Writing to memory does not fail.
    let _ = write!(
        out,
        "HTTP/1.1 {} {}\r\nContent-Type: text/plain\r\nContent-Length: {body_length}\r\n",
        wording.status,
        reason(wording.status),
    );
    if let Some(error) = wording.proxy_status {
        let _ = write!(out, "Proxy-Status: {NAME}; error={error}\r\n");
    }
    out.extend_from_slice(match wording.status {
        407 => b"Proxy-Authenticate: Basic realm=\"proxy\", charset=\"UTF-8\"\r\n".as_slice(),
        405 => b"Allow: GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, PATCH\r\n",
        // Limits of rate pass within a second; a full node empties more slowly.
        429 => b"Retry-After: 1\r\n",
        503 => b"Retry-After: 5\r\n",
        _ => b"",
    });
    if !ends.keeps {
        out.extend_from_slice(b"Connection: close\r\n");
    }
    out.extend_from_slice(b"\r\n");
    if !ends.is_head {
        let _ = writeln!(out, "{}: {refusal}", wording.code);
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        403 => "Forbidden",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        417 => "Expectation Failed",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Refused",
    }
}

#[cfg(test)]
mod tests {
    use super::super::head::{read_response, slots};
    use super::*;

    fn answer(refusal: Refusal, is_head: bool, keeps: bool) -> String {
        let mut out = Vec::new();
        write(refusal, Ends { is_head, keeps }, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_refusal_says_who_refused_and_why() {
        assert_eq!(
            answer(Refusal::DestinationNotAllowed, false, true),
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 52\r\n\
             Proxy-Status: gateway; error=destination_ip_prohibited\r\n\r\n\
             destination_not_allowed: destination is not allowed\n"
        );
        let challenge = answer(Refusal::CredentialsNeeded, true, false);
        assert!(challenge.contains("\r\nProxy-Authenticate: Basic realm="), "{challenge}");
        assert!(challenge.ends_with("\r\nConnection: close\r\n\r\n"), "{challenge}");
        assert!(answer(Refusal::TooManyFlows, false, false).contains("\r\nRetry-After: "));
        assert!(answer(Refusal::GatewayFull, false, false).contains("\r\nRetry-After: "));
    }

    #[test]
    fn every_answer_can_be_read() {
        for refusal in Refusal::ALL {
            let text = answer(*refusal, false, true);
            let end = text.find("\r\n\r\n").unwrap() + 4;
            let mut slots = slots();
            let head = read_response(&text.as_bytes()[..end], &mut slots).unwrap();
            assert_eq!(head.status, refusal.wording().status);
            assert_ne!(head.reason, "Refused", "{} has no words", head.status);
            let length = head.fields.iter().find(|field| field.name == "Content-Length").unwrap();
            let length: usize = std::str::from_utf8(length.value).unwrap().parse().unwrap();
            assert_eq!(length, text.len() - end, "{text}");
        }
    }
}
