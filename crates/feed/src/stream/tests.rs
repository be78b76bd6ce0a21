use super::*;
use crate::lease::{Access, Exit, Limits, Login};

fn entry(id: u64) -> Entry {
    let login = Login { login: format!("ann{id}"), password: "secret".to_owned() };
    let lease = Lease {
        id,
        entries: Vec::new(),
        access: Access::from(login),
        exit: Exit::Address("192.0.2.1".parse().unwrap()),
        exits: 0,
        dialing: false,
        ends_at: 1_000,
        suspended: false,
        limits: Limits::default(),
        ports: None,
    };
    Entry { lease, ports: vec![Port { port: 20_000, speaks: Speaks::Socks5 }] }
}

/// Ports for many leases.
fn common() -> Vec<Port> {
    let ports = [(8081, Speaks::Both), (8082, Speaks::Both), (8083, Speaks::Tls)];
    ports.map(|(port, speaks)| Port { port, speaks }).into()
}

fn at(number: i64) -> Position {
    Position { epoch: "e".into(), number, stamp: "s".into() }
}

/// A stream of two batches, with a beat between them.
fn stream() -> Vec<u8> {
    let begin = Begin { version: VERSION, node: "paris".into(), whole: true, session: 3 };
    let mut writer = Writer::begin(begin);
    writer.listen(common());
    writer.change(Change::Put(entry(1)));
    writer.change(Change::Put(entry(2)));
    assert_eq!(writer.commit(at(7), 50), 1);
    writer.beat(Beat { time: 60, number: 7 });
    writer.change(Change::Remove(1));
    assert_eq!(writer.commit(at(8), 70), 2);
    writer.take()
}

fn read(bytes: &[u8]) -> Result<Vec<Read>, Broken> {
    let mut reader = Reader::default();
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let mut found = Vec::new();
    for line in lines {
        match reader.read(&line[..line.len() - 1])? {
            Read::More => {}
            other => found.push(other),
        }
    }
    Ok(found)
}

#[test]
fn what_was_written_is_read() {
    let found = read(&stream()).unwrap();
    let [Read::Batch(first), Read::Beat(beat), Read::Batch(second)] = &found[..] else {
        panic!("{found:?}")
    };
    assert!(first.is_whole() && !second.is_whole());
    assert_eq!(first.changes, [Change::Put(entry(1)), Change::Put(entry(2))]);
    assert_eq!(first.listen, Some(common()));
    assert_eq!(first.commit, Commit { number: 1, position: at(7), changes: 2, time: 50 });
    assert_eq!(*beat, Beat { time: 60, number: 7 });
    assert_eq!((&second.changes[..], second.commit.number), (&[Change::Remove(1)][..], 2));
}

#[test]
fn what_is_cut_counts_only_as_far_as_it_was_proven() {
    let (whole, stream) = (read(&stream()).unwrap(), stream());
    for end in 0..stream.len() {
        let found = read(&stream[..end]).unwrap();
        assert_eq!(found[..], whole[..found.len()], "cut after {end} bytes");
        assert!(found.len() < whole.len(), "cut after {end} bytes");
    }
}

#[test]
fn what_is_damaged_or_left_out_is_noticed() {
    let (whole, stream) = (read(&stream()).unwrap(), stream());
    for at in 0..stream.len() {
        let mut damaged = stream.clone();
        damaged[at] ^= 1;
        // A beat may be wrong; a table may not.
        match read(&damaged) {
            Err(_) => {}
            Ok(found) => {
                let batches = |found: &[Read]| -> Vec<Read> {
                    let is_batch = |it: &&Read| matches!(it, Read::Batch(_));
                    found.iter().filter(is_batch).cloned().collect()
                };
                let (found, whole) = (batches(&found), batches(&whole));
                assert_eq!(found[..], whole[..found.len()], "byte {at} changed");
            }
        }
    }
    let lines: Vec<&[u8]> = stream.split_inclusive(|byte| *byte == b'\n').collect();
    for left_out in 0..lines.len() {
        let rest: Vec<&[u8]> =
            lines.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, it)| *it).collect();
        let is_beat = lines[left_out].starts_with(b"{\"beat\"");
        let is_last = left_out == lines.len() - 1;
        assert_eq!(read(&rest.concat()).is_ok(), is_beat || is_last, "line {left_out} left out");
    }
}

#[test]
fn what_a_newer_version_says_besides_is_passed_over() {
    let mut writer = Writer::begin(Begin { version: VERSION, whole: true, ..Begin::default() });
    let mut bytes = writer.take();
    let new = b"{\"rotate\":{\"modem\":7},\"put\":null}";
    writer.sum.add(new);
    bytes.extend_from_slice(new);
    bytes.push(b'\n');
    writer.commit(at(1), 1);
    bytes.extend(writer.take());
    assert!(matches!(&read(&bytes).unwrap()[..], [Read::Batch(_)]));

    let newer = Begin { version: VERSION + 1, ..Begin::default() };
    assert_eq!(read(&Writer::begin(newer).take()), Err(Broken::TooNew(VERSION + 1)));
    let port: Port = serde_json::from_str("{\"port\":7,\"speaks\":\"quic\"}").unwrap();
    assert_eq!(port.speaks, Speaks::Both);
}

#[test]
fn a_fault_betrays_nothing() {
    let broken = read(b"{\"put\":{\"lease\":{\"id\":\"canary\"}}}\n").unwrap_err();
    assert!(!broken.to_string().contains("canary"), "{broken}");
}
