//! A gateway by itself, with made-up leases that all leave from loopback: for side-by-side
//! measurements with other proxies.
//!
//! `peer HTTP_PORT SOCKS_PORT LEASES [limited]`. Lease *i* has login `u%06d`, password `p%06d` and
//! the exit that the load generator expects. `limited` gives each lease limits that it does not
//! reach, so that what they cost is measured.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::time::Time;
use feed::lease::{Access, Exit, Lease, Limits, Login};
use gateway::clock::BootClock;
use gateway::policy::{Policy, Ports, Rules};
use gateway::resolve::Dns;
use gateway::{Change, Fresh, Gateway, Settings, Speaks, Table};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn lease(number: u32, count: u32, limits: Limits) -> Lease {
    // As the load generator counts: few leases lie close together, many are spread.
    let octet = |value: u32| u8::try_from(value & 255).expect("a byte");
    let exit = if count <= 60_000 {
        Ipv4Addr::new(127, 20, octet(number / 250), octet(number % 250 + 1))
    } else {
        Ipv4Addr::new(127, 32 + octet((number >> 16) & 31), octet(number >> 8), octet(number))
    };
    Lease {
        id: u64::from(number) + 1,
        entries: Vec::new(),
        access: Access::from(Login {
            login: format!("u{number:06}"),
            password: format!("p{number:06}"),
        }),
        exit: Exit::Address(IpAddr::V4(exit)),
        ends_at: 2_000_000_000_000,
        suspended: false,
        exits: 0,
        dialing: false,
        limits,
        ports: None,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [http, socks, count, rest @ ..] = arguments.as_slice() else {
        return Err("peer HTTP_PORT SOCKS_PORT LEASES [limited]".into());
    };
    let count: u32 = count.parse()?;
    let limits = match rest {
        [] => Limits::default(),
        _ => Limits {
            flows: 20_000,
            flows_per_second: 1_000_000,
            bytes_per_second: 1 << 40,
            udp: false,
        },
    };
    let began = Instant::now();
    let table = Arc::new(Table::new()?);
    let leases: Vec<Lease> = (0..count).map(|number| lease(number, count, limits)).collect();
    let made = began.elapsed();
    let memory = resident();
    let loading = Instant::now();
    replace(&table, &leases);
    println!(
        "{count} leases: made in {made:?}, loaded in {:?}, {} bytes each",
        loading.elapsed(),
        (resident() - memory) / u64::from(count.max(1)),
    );
    if let Some(last) = leases.last() {
        let changing = Instant::now();
        let changes = 100;
        for _ in 0..changes {
            table.apply([Change::Remove(last.id), Change::Put(last)]);
        }
        println!("a change takes {:?}", changing.elapsed() / (2 * changes));
        let replacing = Instant::now();
        replace(&table, &leases);
        println!("a replacement takes {:?}", replacing.elapsed());
        println!("the most memory at a time was {} MiB", peak() >> 20);
    }
    drop(leases);
    let loopback = "127.0.0.0/8".parse()?;
    let rules = Rules { allow: vec![loopback], tcp: Ports::all(), ..Rules::default() };
    let clock = Arc::new(BootClock::new(Time::from_millis(1_700_000_000_000)));
    let settings = Settings { threads: 2, handshakes_per_source: 10_000, ..Settings::default() };
    let dns = Dns::of(&[SocketAddr::from((Ipv4Addr::LOCALHOST, 9))])?;
    let gateway = Gateway::start(settings, table, Arc::new(Policy::new(rules)), dns, clock)?;
    let any = Ipv4Addr::UNSPECIFIED;
    gateway.listen(SocketAddr::from((any, http.parse()?)), Speaks::Both)?;
    gateway.listen(SocketAddr::from((any, socks.parse()?)), Speaks::Socks5)?;
    loop {
        std::thread::sleep(Duration::from_secs(1));
        gateway.usage();
    }
}

/// Has these leases be all that the table has.
fn replace(table: &Arc<Table>, leases: &[Lease]) {
    let mut fresh = Fresh::of(Arc::clone(table));
    leases.iter().for_each(|lease| fresh.put(lease));
    fresh.put_in_force();
}

/// Bytes of memory that the process has.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096
}

/// The most bytes of memory that the process has had.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
