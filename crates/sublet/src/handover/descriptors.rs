//! Descriptors on their way to another process.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::LOT;

/// How many descriptors go at a time; the kernel allows 253.
const EACH: usize = 200;
/// More are not believed to be meant.
const MOST: usize = 1 << 20;

/// Sends descriptors; the first one may be of the HTTP server.
pub(super) fn send(mut line: &UnixStream, with_http: bool, all: &[OwnedFd]) -> io::Result<()> {
    let count = u32::try_from(all.len()).map_err(io::Error::other)?;
    let [a, b, c, d] = count.to_be_bytes();
    line.write_all(&[u8::from(with_http), a, b, c, d])?;
    for lot in all.chunks(EACH) {
        let lot: Vec<BorrowedFd<'_>> = lot.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(EACH))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&lot)) {
            return Err(io::Error::other("there is no room for descriptors"));
        }
        sendmsg(line, &[IoSlice::new(&[LOT])], &mut control, SendFlags::NOSIGNAL)?;
    }
    Ok(())
}

/// Takes descriptors; says whether the first one is of the HTTP server.
pub(super) fn receive(mut line: &UnixStream) -> io::Result<(bool, Vec<OwnedFd>)> {
    let mut head = [0; 5];
    line.read_exact(&mut head)?;
    let [with_http, rest @ ..] = head;
    let count = usize::try_from(u32::from_be_bytes(rest)).map_err(io::Error::other)?;
    if count > MOST {
        return Err(io::Error::other("so many descriptors cannot be meant"));
    }
    let mut all = Vec::new();
    while all.len() < count {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(EACH))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let got = recvmsg(line, &mut [IoSliceMut::new(&mut byte)], &mut control, flags)?;
        if got.bytes == 0 || byte != [LOT] {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if got.flags.contains(ReturnFlags::CTRUNC) {
            return Err(io::Error::other("too few descriptors are free here"));
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(lot) = message {
                all.extend(lot);
            }
        }
    }
    Ok((with_http != 0, all))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn listeners_arrive_with_those_who_wait_there() {
        let (old, new) = UnixStream::pair().unwrap();
        let listeners: Vec<_> =
            (0..450).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let places: Vec<_> = listeners.iter().map(|it| it.local_addr().unwrap()).collect();
        let waits = TcpStream::connect(places[449]).unwrap();
        let all: Vec<OwnedFd> = listeners.into_iter().map(OwnedFd::from).collect();
        let sender = std::thread::spawn(move || send(&old, true, &all).unwrap());
        let (with_http, all) = receive(&new).unwrap();
        sender.join().unwrap();
        assert!(with_http);
        let listeners: Vec<_> = all.into_iter().map(TcpListener::from).collect();
        let arrived: Vec<_> = listeners.iter().map(|it| it.local_addr().unwrap()).collect();
        assert_eq!(arrived, places);
        assert_eq!(listeners[449].accept().unwrap().1, waits.local_addr().unwrap());
    }

    #[test]
    fn what_is_no_hand_over_is_noticed() {
        for said in [b"".as_slice(), b"\x00\x00", b"\x00\xff\xff\xff\xff", b"\x01\x00\x00\x00\x01x"]
        {
            let (mut old, new) = UnixStream::pair().unwrap();
            old.write_all(said).unwrap();
            drop(old);
            assert!(receive(&new).is_err(), "{said:?}");
        }
    }
}
