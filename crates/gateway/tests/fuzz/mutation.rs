//! Bytes that are nearly right.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

/// What readers stumble over.
const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"\0",
    b":",
    b": ",
    b";",
    b",",
    b"=",
    b"\"",
    b"%",
    b"#",
    b"/",
    b"?",
    b"@",
    b"\\",
    b"[",
    b"]",
    b".",
    b"*",
    b"-",
    b"+",
    b"0",
    b"00",
    b"0x",
    b"\xff",
    b"\x80",
    b"\x7f",
    b"\x0b",
    b"\xc3\xa4",
    b"65536",
    b"18446744073709551616",
    b"ffffffffffffffff",
    b"HTTP/1.0",
    b"HTTP/1.1",
    b"HTTP/2.0",
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"CONNECT ",
    b"OPTIONS ",
    b"TRACE ",
    b"http://",
    b"https://",
    b"Host: ",
    b"Content-Length: ",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: ",
    b"chunked",
    b"identity",
    b"gzip, ",
    b"Connection: ",
    b"close",
    b"keep-alive",
    b"upgrade",
    b"Upgrade: websocket\r\n",
    b"Expect: 100-continue\r\n",
    b"Proxy-Authorization: Basic YTpwYXNz\r\n",
    b"Proxy-Connection: ",
    b"TE: trailers\r\n",
    b"Via: x\r\n",
    b"X-Forwarded-For: x\r\n",
    b"Trailer: x\r\n",
    b"0\r\n\r\n",
    b"5\r\nhello\r\n",
    b"127.0.0.1",
    b"::1",
    b"::ffff:",
    b"localhost",
    b"\x05\x01\x00",
    b"\x05\x02\x00\x02",
    b"\x01\x01",
    b"\x03",
    b"\x04",
    b"\xff\xff",
    b"Basic ",
    b"Og==",
    b"YTpi",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\n\r\n",
    b"HTTP/1.1 407 No\r\n",
];
/// Longer ones find nothing that shorter ones do not, and take time.
const LENGTH_MAX: usize = 4096;

/// Seeds, changed at random: the same ones in the same order for the same number.
pub(crate) struct Mutation {
    seeds: Vec<Vec<u8>>,
    state: u64,
    made: usize,
}

impl Mutation {
    pub(crate) fn new(seeds: Vec<Vec<u8>>, number: u64) -> Mutation {
        assert!(!seeds.is_empty());
        Mutation { seeds, state: number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, made: 0 }
    }

    /// Each seed as it is, and then changed ones.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        self.made += 1;
        if let Some(seed) = self.seeds.get(self.made - 1) {
            return seed.clone();
        }
        let mut bytes = self.seed();
        for _ in 0..=self.below(6) {
            self.change(&mut bytes);
        }
        bytes.truncate(LENGTH_MAX);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        let length = self.below(12).min(bytes.len() - at);
        match self.below(8) {
            0 => drop(bytes.drain(at..at + length)),
            1 => {
                let again = bytes[at..at + length].to_vec();
                drop(bytes.splice(at..at, again));
            }
            2 => bytes.truncate(at),
            3 => {
                let other = self.seed();
                let from = self.below(other.len() + 1);
                drop(bytes.splice(at.., other[from..].iter().copied()));
            }
            4 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            5 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
            6 => {
                let word = WORDS[self.below(WORDS.len())];
                drop(bytes.splice(at..(at + word.len()).min(bytes.len()), word.iter().copied()));
            }
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                drop(bytes.splice(at..at, word.iter().copied()));
            }
        }
    }

    fn seed(&mut self) -> Vec<u8> {
        let number = self.below(self.seeds.len());
        self.seeds[number].clone()
    }

    fn below(&mut self, most: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 11).unwrap() % most.max(1)
    }
}
