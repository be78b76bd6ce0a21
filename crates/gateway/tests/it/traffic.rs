//! What goes through a tunnel comes out of it, from the right exit, and is counted.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::thread;
use std::time::Duration;

use gateway::Used;

use crate::support::{Client, Echo, Town, exit_of, lease, noise, tunnel};

#[test]
fn every_lease_leaves_from_its_own_exit() {
    let (town, echo) = (Town::new(), Echo::new());
    for id in 1..=64 {
        town.put(&lease(id));
    }
    for id in 1..=64 {
        let (mut client, exit) = tunnel(&town, id, &echo);
        assert_eq!(exit, exit_of(id));
        assert!(client.echoes());
    }
}

#[test]
fn what_goes_in_comes_out_however_much_it_is() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    for size in [1, 1_000, 65_536, 65_537, 300_000, 20_000_000] {
        let (client, _) = tunnel(&town, 1, &echo);
        let sent = noise(size);
        let came = thread::scope(|scope| {
            let mut writer = client.0.try_clone().unwrap();
            let sent = &sent;
            scope.spawn(move || {
                writer.write_all(sent).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
            let mut came = Vec::new();
            (&client.0).read_to_end(&mut came).unwrap();
            came
        });
        assert!(came == sent, "{size} bytes went in, {} other ones came out", came.len());
    }
}

#[test]
fn a_client_that_reads_late_gets_everything() {
    let town = Town::new();
    town.put(&lease(1));
    let sent = noise(30_000_000);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let source = sent.clone();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(&source).unwrap();
    });
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&to.to_string(), Some(("u1", "p1"))), 200);
    // By now everything is full that lies on the way.
    thread::sleep(Duration::from_millis(700));
    assert!(client.rest() == sent, "something was lost");
    server.join().unwrap();
}

#[test]
fn the_answer_comes_although_the_client_has_closed_its_side() {
    let town = Town::new();
    town.put(&lease(1));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut question = Vec::new();
        stream.read_to_end(&mut question).unwrap();
        thread::sleep(Duration::from_millis(100));
        stream.write_all(&[&b"answer to "[..], &question].concat()).unwrap();
    });
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&to.to_string(), Some(("u1", "p1"))), 200);
    client.send("question");
    client.0.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.rest(), b"answer to question");
    server.join().unwrap();
}

#[test]
fn what_a_client_sends_too_early_arrives_once_and_after_the_answer() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    // u1:p1
    client.send(format!(
        "CONNECT {} HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic dTE6cDE=\r\n\r\nhello",
        echo.address
    ));
    assert_eq!(client.status(), 200);
    assert_eq!(client.line(), exit_of(1).to_string());
    client.0.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.rest(), b"hello");
}

#[test]
fn bytes_and_flows_are_counted_once() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    town.put(&lease(2));
    let greeting = u64::try_from(exit_of(1).to_string().len()).unwrap() + 1;
    for _ in 0..3 {
        let (client, _) = tunnel(&town, 1, &echo);
        let mut writer = client.0.try_clone().unwrap();
        let writer = thread::spawn(move || {
            writer.write_all(&noise(1_000_000)).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut client = client;
        assert_eq!(client.rest().len(), 1_000_000);
        writer.join().unwrap();
    }
    let (mut open, _) = tunnel(&town, 2, &echo);
    assert!(open.echoes());
    let expected = Used { bytes_up: 3_000_000, bytes_down: 3_000_000 + 3 * greeting, flows: 3 };
    assert_eq!(town.used(1, 6_000_000 + 3 * greeting), expected);
    // A tunnel is counted while it is open.
    let expected = Used { bytes_up: 4, bytes_down: 4 + greeting, flows: 1 };
    assert_eq!(town.used(2, 8 + greeting), expected);
}

#[test]
fn a_connection_that_breaks_off_is_not_ended_as_if_all_had_come() {
    let town = Town::new();
    town.put(&lease(1));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&to.to_string(), Some(("u1", "p1"))), 200);
    let server = socket2::Socket::from(listener.accept().unwrap().0);
    client.send("x");
    server.set_linger(Some(Duration::ZERO)).unwrap();
    drop(server);
    let mut byte = [0];
    let error = client.0.read(&mut byte).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}
