//! Names become addresses that have been judged, and nobody is asked without need.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use gateway::policy::{Policy, Transport};
use gateway::refusal::Refusal;
use gateway::resolve::{Dns, Family, Found, Judge, Lookup, Resolver};
use gateway::target::{Name, Target};
use tokio::net::UdpSocket;

/// A zone file that counts how often it is read. A name with many answers gives them in turn.
#[derive(Clone, Default)]
struct Zone {
    answers: Rc<RefCell<HashMap<String, Vec<Vec<IpAddr>>>>>,
    questions: Rc<Cell<u32>>,
}

impl Zone {
    fn with(self, name: &str, answers: &[&[&str]]) -> Zone {
        let answers = answers
            .iter()
            .map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect())
            .collect();
        self.answers.borrow_mut().insert(name.to_owned(), answers);
        self
    }
}

impl Lookup for Zone {
    async fn lookup(&self, name: &Name, family: Family) -> Result<Found, Refusal> {
        let turn = self.questions.replace(self.questions.get() + 1) as usize;
        let answers = self.answers.borrow();
        let answers = answers.get(name.as_str()).ok_or(Refusal::NameUnknown)?;
        let addresses = answers[turn % answers.len()].iter().copied();
        let addresses = addresses.filter(|address| Family::of(*address) == family).collect();
        Ok(Found { addresses, valid: Duration::ZERO })
    }
}

async fn resolve(
    resolver: &Resolver<impl Lookup>,
    target: &str,
    family: Family,
) -> Result<Vec<String>, Refusal> {
    let target = Target::from_authority(target.as_bytes(), None)?;
    let policy = Policy::default();
    let judge = Judge { policy: &policy, transport: Transport::Tcp, ports: None };
    let found = resolver.resolve(&target, family, judge).await?;
    Ok(found.iter().map(|address| address.to_string()).collect())
}

#[tokio::test]
async fn only_judged_addresses_come_out() {
    let zone = Zone::default()
        .with("public.example", &[&["8.8.8.8", "8.8.4.4", "2606:4700::1"]])
        .with("inner.example", &[&["10.0.0.1", "127.0.0.1", "::1", "fd00::1"]])
        .with("mixed.example", &[&["127.0.0.1", "8.8.8.8", "169.254.169.254"]])
        .with("mapped.example", &[&["::ffff:127.0.0.1", "::ffff:8.8.8.8"]])
        .with("many.example", &[&["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5"]]);
    let resolver = Resolver::new(zone);
    let check = async |target: &str, family, expected: Result<&[&str], Refusal>| {
        let expected = expected.map(|all| all.iter().map(|text| text.to_string()).collect());
        assert_eq!(resolve(&resolver, target, family).await, expected, "{target}");
    };
    let forbidden = Err(Refusal::DestinationNotAllowed);
    check("public.example:80", Family::V4, Ok(&["8.8.8.8:80", "8.8.4.4:80"])).await;
    check("public.example:80", Family::V6, Ok(&["[2606:4700::1]:80"])).await;
    check("inner.example:80", Family::V4, forbidden).await;
    check("inner.example:80", Family::V6, forbidden).await;
    check("mixed.example:80", Family::V4, Ok(&["8.8.8.8:80"])).await;
    check("mixed.example:80", Family::V6, Err(Refusal::NameUnknown)).await;
    check("mapped.example:80", Family::V6, Err(Refusal::FamilyUnavailable)).await;
    check("none.example:80", Family::V4, Err(Refusal::NameUnknown)).await;
    check(
        "many.example:80",
        Family::V4,
        Ok(&["1.1.1.1:80", "1.1.1.2:80", "1.1.1.3:80", "1.1.1.4:80"]),
    )
    .await;
}

#[tokio::test]
async fn nobody_is_asked_about_addresses_or_what_is_closed() {
    let zone = Zone::default().with("public.example", &[&["8.8.8.8"]]);
    let resolver = Resolver::new(zone.clone());
    for (target, family, expected) in [
        ("8.8.8.8:80", Family::V4, Ok(vec!["8.8.8.8:80".to_owned()])),
        ("[::ffff:8.8.8.8]:80", Family::V4, Ok(vec!["8.8.8.8:80".to_owned()])),
        ("8.8.8.8:80", Family::V6, Err(Refusal::FamilyUnavailable)),
        ("[2606:4700::1]:80", Family::V4, Err(Refusal::FamilyUnavailable)),
        ("10.0.0.1:80", Family::V4, Err(Refusal::DestinationNotAllowed)),
        ("public.example:25", Family::V4, Err(Refusal::PortNotAllowed)),
        ("localhost:80", Family::V4, Err(Refusal::DestinationNotAllowed)),
        ("metadata.google.internal:80", Family::V4, Err(Refusal::DestinationNotAllowed)),
        ("intranet:80", Family::V4, Err(Refusal::DestinationNotAllowed)),
        ("127.1:80", Family::V4, Err(Refusal::BadTarget)),
        ("0x7f000001:80", Family::V4, Err(Refusal::BadTarget)),
    ] {
        assert_eq!(resolve(&resolver, target, family).await, expected, "{target}");
    }
    assert_eq!(zone.questions.get(), 0);
}

/// A name that is public when it is judged and inner when it is used: there is no second look.
#[tokio::test(start_paused = true)]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let zone = Zone::default().with("rebinding.example", &[&["8.8.8.8"], &["127.0.0.1"]]);
    let resolver = Resolver::new(zone.clone());
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(resolve(&resolver, "rebinding.example:80", Family::V4).await);
        tokio::time::advance(Duration::from_millis(1100)).await;
    }
    let (public, inner) = (Ok(vec!["8.8.8.8:80".to_owned()]), Err(Refusal::DestinationNotAllowed));
    assert_eq!(answers, [public.clone(), inner.clone(), public, inner]);
    assert_eq!(zone.questions.get(), 4);
}

/// A DNS server of a few lines: an address for `there.example`, an alias for `alias.example`, no
/// such name for `absent.example`, nothing at all for others. Returns where it is, and what it is
/// asked.
async fn server() -> (SocketAddr, Rc<RefCell<Vec<String>>>, impl Future<Output = ()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (socket.local_addr().unwrap(), Rc::<RefCell<Vec<String>>>::default());
    let heard = Rc::clone(&asked);
    let run = async move {
        let mut packet = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut packet).await.unwrap();
            let question = &packet[..length];
            let mut name = String::new();
            let mut at = 12;
            while question[at] > 0 {
                let label = at + 1..at + 1 + usize::from(question[at]);
                at = label.end;
                name += std::str::from_utf8(&question[label]).unwrap();
                name.push('.');
            }
            let kind = question[at + 2];
            let question_end = at + 5;
            heard.borrow_mut().push(format!("{name} {kind}"));
            let mut answer = question[..question_end].to_vec();
            answer[2] |= 0x80;
            answer[3] = 0x80;
            answer[6..12].fill(0);
            // Class IN, 60 seconds; the name is the one of the question.
            let record = |kind: u8, data: &[u8]| {
                let length = u8::try_from(data.len()).unwrap();
                [&[0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, length], data].concat()
            };
            match (name.as_str(), kind) {
                ("there.example.", 1) => {
                    answer[7] = 1;
                    answer.extend(record(1, &[8, 8, 8, 8]));
                }
                ("alias.example.", 1) => {
                    answer[7] = 2;
                    answer.extend(record(5, b"\x05there\x07example\0"));
                    answer.extend(b"\x05there\x07example\0");
                    answer.extend(&record(1, &[8, 8, 4, 4])[2..]);
                }
                ("absent.example.", _) => {
                    // With what says for how long that may be believed: a minute.
                    answer[3] |= 3;
                    answer[9] = 1;
                    let times = [1u32, 60, 60, 60, 60].map(u32::to_be_bytes).concat();
                    answer.extend(record(6, &[&[0, 0], times.as_slice()].concat()));
                }
                ("there.example.", _) => {}
                _ => continue,
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    };
    (address, asked, run)
}

#[tokio::test]
async fn servers_are_asked_for_the_family_that_is_wanted_and_no_more() {
    let (address, asked, run) = server().await;
    let test = async {
        let dns = Dns::of(&[address]).unwrap();
        let resolver = Resolver::new(dns.clone());
        for _ in 0..3 {
            let found = resolve(&resolver, "there.example:80", Family::V4).await;
            assert_eq!(found, Ok(vec!["8.8.8.8:80".to_owned()]));
        }
        let found = resolve(&resolver, "there.example:80", Family::V6).await;
        assert_eq!(found, Err(Refusal::NameUnknown));
        let found = resolve(&resolver, "alias.example:80", Family::V4).await;
        assert_eq!(found, Ok(vec!["8.8.4.4:80".to_owned()]));
        let found = resolve(&resolver, "absent.example:80", Family::V4).await;
        assert_eq!(found, Err(Refusal::NameUnknown));
        // Another thread has not heard of that, and believes it no longer for what this one knows.
        let found = resolve(&Resolver::new(dns), "absent.example:80", Family::V4).await;
        assert_eq!(found, Err(Refusal::NameUnknown));
        let start = std::time::Instant::now();
        let found = resolve(&resolver, "silent.example:80", Family::V4).await;
        assert_eq!(found, Err(Refusal::NameTimeout));
        assert!(start.elapsed() < Duration::from_millis(5500), "{:?}", start.elapsed());
        asked.take()
    };
    let asked = tokio::select! {
        asked = test => asked,
        () = run => unreachable!("the server does not end"),
    };
    let known: Vec<_> = asked.iter().filter(|line| !line.starts_with("silent")).collect();
    assert_eq!(
        known,
        [
            "there.example. 1",
            "there.example. 28",
            "alias.example. 1",
            "absent.example. 1",
            "absent.example. 1",
        ]
    );
}
