//! Requests, to a server in the test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use modem::hook::{Hook, Template};
use modem::{Error, Rotated};

/// A server that gives one answer to one request, and tells the request.
fn server(answer: &str) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel();
    let answer = answer.to_owned();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        sender.send(String::from_utf8(request).unwrap()).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        if answer.is_empty() {
            // It never answers.
            let _ = stream.read(&mut byte);
        }
    });
    (address, receiver)
}

fn template(url: String) -> Template {
    let headers = vec![("authorization".to_owned(), "Bearer {secret}".to_owned())];
    Template { url, method: http::Method::POST, headers, expect: 200 }
}

async fn rotate(url: String) -> Result<Rotated, Error> {
    let hook = Hook::new(&template(url), "m1", Some("s3cret")).unwrap();
    modem::within(Duration::from_secs(2), &hook, None).await
}

#[tokio::test]
async fn a_hook_is_asked_and_its_answer_is_read() {
    let body = "{\"ip\":\"192.0.2.7\"}";
    let (address, asked) =
        server(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let rotated = rotate(format!("http://{address}/change/{{modem}}?a=b")).await.unwrap();
    assert_eq!(rotated, Rotated { old: None, new: Some("192.0.2.7".parse().unwrap()) });
    let asked = asked.recv().unwrap().to_lowercase();
    assert!(asked.starts_with("post /change/m1?a=b http/1.1\r\n"), "{asked}");
    for line in ["authorization: bearer s3cret", "content-length: 0", &format!("host: {address}")] {
        assert!(asked.contains(&format!("\r\n{line}\r\n")), "{line} in {asked}");
    }
    // An answer may end with the connection, and say nothing.
    let (address, _asked) = server("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ndone");
    assert_eq!(rotate(format!("http://{address}/")).await.unwrap(), Rotated::default());
}

#[tokio::test]
async fn what_is_not_expected_is_no_rotation() {
    let (elsewhere, asked) = server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let (address, _asked) = server(&format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{elsewhere}/\r\nContent-Length: 0\r\n\r\n"
    ));
    let refused = rotate(format!("http://{address}/")).await.unwrap_err();
    assert_eq!(refused.to_string(), "refused: HTTP status 302");
    assert!(asked.try_recv().is_err(), "it was followed");
    let (address, _asked) = server("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
    assert!(matches!(rotate(format!("http://{address}/")).await, Err(Error::Refused(_))));
    let (address, _asked) = server("nonsense\r\n\r\n");
    assert!(matches!(rotate(format!("http://{address}/")).await, Err(Error::Unreachable(_))));
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(rotate(format!("http://{gone}/")).await, Err(Error::Unreachable(_))));
}

#[tokio::test]
async fn who_never_answers_is_not_waited_for() {
    let (address, asked) = server("");
    let since = Instant::now();
    assert!(matches!(rotate(format!("http://{address}/")).await, Err(Error::TimedOut)));
    assert!(since.elapsed() < Duration::from_secs(4));
    asked.recv().unwrap();
}
