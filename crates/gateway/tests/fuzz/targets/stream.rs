//! What a shop tells a gateway. What does not fit its sums counts for nothing, what was written is read
//! again, and a table that is changed is the same as one that is made anew.

use std::sync::Arc;

use feed::stream::{Begin, Change, Entry, Position, Read, Reader, VERSION, Writer};
use gateway::{Fresh, Table};

pub(crate) fn run(bytes: &[u8]) {
    let lines = || bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    as_sent(lines());
    // Hardly a line that was touched fits its sum: the same once more, told as a shop would.
    let changes: Vec<Change> = lines().filter_map(change).collect();
    if !changes.is_empty() {
        told(&changes);
        kept(&changes);
    }
}

fn as_sent<'l>(lines: impl Iterator<Item = &'l [u8]>) {
    let mut reader = Reader::default();
    for line in lines {
        match reader.read(line) {
            Ok(Read::Batch(batch)) => {
                assert_eq!(u64::try_from(batch.changes.len()), Ok(batch.commit.changes));
                assert!(reader.is_between());
            }
            Ok(Read::More | Read::Beat(_)) => {}
            Err(_) => return,
        }
    }
}

/// The change that a line tells of.
fn change(line: &[u8]) -> Option<Change> {
    let line: serde_json::Value = serde_json::from_slice(line).ok()?;
    if let Some(id) = line["remove"].as_u64() {
        return Some(Change::Remove(id));
    }
    serde_json::from_value::<Entry>(line["put"].clone()).ok().map(Change::Put)
}

fn told(changes: &[Change]) {
    let begin = Begin { version: VERSION, node: "n".into(), whole: true, session: 1 };
    let mut writer = Writer::begin(begin);
    changes.iter().for_each(|change| writer.change(change.clone()));
    writer.commit(Position::default(), 0);
    let told = writer.take();
    let mut reader = Reader::default();
    for line in told.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if let Read::Batch(batch) = reader.read(line).unwrap() {
            assert_eq!(batch.changes, changes);
            return;
        }
    }
    panic!("nothing counts");
}

fn kept(changes: &[Change]) {
    let (changed, anew) = (Table::new().unwrap(), Arc::new(Table::new().unwrap()));
    let mut fresh = Fresh::of(Arc::clone(&anew));
    for change in changes {
        match change {
            Change::Put(entry) => fresh.put(&entry.lease),
            Change::Remove(id) => fresh.remove(*id),
        }
    }
    let (_, unfit) = changed.apply(changes.iter().map(|change| match change {
        Change::Put(entry) => gateway::Change::Put(&entry.lease),
        Change::Remove(id) => gateway::Change::Remove(*id),
    }));
    assert_eq!(fresh.put_in_force().len(), unfit.len());
    assert_eq!(anew.len(), changed.len());
    for change in changes {
        let id = match change {
            Change::Put(entry) => entry.lease.id,
            Change::Remove(id) => *id,
        };
        assert_eq!(anew.get(id).is_some(), changed.get(id).is_some());
    }
}
