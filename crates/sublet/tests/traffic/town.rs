//! A shop with a gateway on ports of its own, a destination that says who has come, and clients.

use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use e2e::bodies::order;
use e2e::customer::Customer;
pub(crate) use e2e::proxies::{Proxy, Refused, Tunnel};
use e2e::shop::{Setup, Shop};

use crate::BINARY;

/// How soon what is rented works, and what is taken away does not.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// A shop whose stock is on this machine's loopback.
pub(crate) struct Town {
    pub(crate) shop: Shop,
    pub(crate) echo: Echo,
}

impl Town {
    #[track_caller]
    pub(crate) fn open() -> Town {
        Town::of(setup().alone().open())
    }

    /// A town with a shop that is open.
    pub(crate) fn of(shop: Shop) -> Town {
        Town { shop, echo: Echo::new() }
    }

    /// Where the echo is for exits of IPv4.
    pub(crate) fn echo_v4(&self) -> SocketAddr {
        self.echo.v4
    }

    /// Ann, who rents so many addresses.
    #[track_caller]
    pub(crate) fn ann_with(&self, count: u32) -> (Customer, Vec<Proxy>) {
        let ann = self.shop.customer("Ann", "100.00");
        let proxies = self.shop.order(&ann, &order("IPv4", "USA", count, 30));
        (ann, proxies.iter().map(Proxy::listed).collect())
    }

    /// The same, once each of them is served.
    #[track_caller]
    pub(crate) fn ann_served(&self, count: u32) -> (Customer, Vec<Proxy>) {
        let (ann, proxies) = self.ann_with(count);
        for proxy in &proxies {
            self.soon_seen_through(proxy);
        }
        (ann, proxies)
    }

    /// Where the echo sees a request come from that is made through `proxy` over HTTP, at the latest
    /// soon.
    #[track_caller]
    pub(crate) fn soon_seen_through(&self, proxy: &Proxy) -> IpAddr {
        let since = Instant::now();
        loop {
            match self.tunnel(proxy) {
                Ok(tunnel) => return tunnel.seen,
                Err(refused) => assert!(since.elapsed() < SOON, "{refused}: {proxy:?}"),
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A tunnel to the echo over SOCKS5, or why it was refused.
    pub(crate) fn tunnel(&self, proxy: &Proxy) -> Result<Tunnel, Refused> {
        self.echo.tunnel(proxy)
    }

    /// Nothing goes through `proxy`, at the latest soon.
    #[track_caller]
    pub(crate) fn soon_refused(&self, proxy: &Proxy) {
        let since = Instant::now();
        while self.tunnel(proxy).is_ok() {
            assert!(since.elapsed() < SOON, "it still works: {proxy:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What curl says of a request to the echo through `proxy`, whose URL begins with `scheme`.
    #[track_caller]
    pub(crate) fn curl(&self, scheme: &str, proxy: &Proxy, port: u16) -> String {
        proxy.curl(scheme, port, self.echo.for_exits_of(&proxy.host))
    }
}

/// A destination that says from which address it was reached, and then sends everything back. Who
/// speaks HTTP is answered.
pub(crate) struct Echo {
    v4: SocketAddr,
    v6: Option<SocketAddr>,
}

impl Echo {
    pub(crate) fn new() -> Echo {
        let v6 = e2e::echo::Echo::try_at("[::1]:0").ok();
        Echo { v4: e2e::echo::Echo::at("127.0.0.1:0").address, v6: v6.map(|echo| echo.address) }
    }

    /// A tunnel here over SOCKS5, or why it was refused.
    pub(crate) fn tunnel(&self, proxy: &Proxy) -> Result<Tunnel, Refused> {
        proxy.socks_tunnel(self.for_exits_of(&proxy.host)).and_then(Tunnel::to_echo)
    }

    /// Where exits reach it: those of a shared host are IPv6 here.
    fn for_exits_of(&self, host: &str) -> SocketAddr {
        if host == SHARED_HOST { self.v6.unwrap() } else { self.v4 }
    }

    /// Whether there is IPv6 here.
    pub(crate) fn has_v6(&self) -> bool {
        self.v6.is_some()
    }
}

/// The host of leases that share one.
pub(crate) const SHARED_HOST: &str = "127.0.0.9";

/// A shop with ports that nobody else here has, not opened yet.
pub(crate) fn setup() -> Setup {
    Setup::new(BINARY)
        .own_ports(SHARED_HOST)
        .stock("--kind IPv4 --country USA --cidr 127.40.0.0/25")
        .stock("--kind IPv6 --country DEU --cidr ::1/128")
}
