//! Proxies one after another, printed in one form or another while they are read.

use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::proxy::Proxy;
use domain::time::Time;
use engine::browse::Browse;
use engine::fault::Fault;
use wire::proxyseller::download::{Line, Template};
use wire::proxyseller::proxy_list_stream::ListWriter;

use super::super::shown::Shown;
use super::super::{Asked, Version, offer};
use super::item;
use crate::app::App;
use crate::pieces::{Pieces, Step};

/// How many leases are read at once, and how many bytes each takes then, about. A longer list is
/// sent in pieces of so many.
const ITEMS: (u32, usize) = (500, 700);

/// The same for files, whose lines are short.
const LINES: (u32, usize) = (2_000, 64);

/// What is left to be read and printed.
pub(in super::super) struct Lines {
    browse: Browse,
    press: Press,
}

/// What prints.
struct Press {
    app: Arc<App>,
    version: Version,
    catalogue: Arc<Catalogue>,
    now: Time,
    printer: Printer,
    out: Vec<u8>,
}

/// How proxies are printed.
pub(in super::super) enum Printer {
    /// As a list.
    Json(ListWriter),
    /// A line for each.
    Text {
        /// What is in a line.
        template: Template,
        /// Whether it has the port for SOCKS5.
        socks: bool,
        /// Whether there is a line before.
        any: bool,
    },
}

impl Printer {
    fn sizes(&self) -> (u32, usize) {
        match self {
            Printer::Json(_) => ITEMS,
            Printer::Text { .. } => LINES,
        }
    }
}

impl Lines {
    /// Begins to print what a walk finds; `begin` may write something in front of it.
    pub(in super::super) fn begin(
        asked: &Asked<'_>,
        browse: Browse,
        begin: impl FnOnce(&mut Vec<u8>) -> Printer,
    ) -> Lines {
        let mut out = Vec::new();
        let printer = begin(&mut out);
        let (app, version) = (asked.app.clone(), asked.version);
        let (catalogue, now) = (app.engine.catalogue(), app.engine.now());
        Lines { browse, press: Press { app, version, catalogue, now, printer, out } }
    }

    /// The first piece, which is made before the status is sent, so that a fault can still be told;
    /// and what comes after it.
    pub(in super::super) async fn first(self) -> Result<(Vec<u8>, Option<Lines>), Fault> {
        self.step().await
    }
}

impl Press {
    fn print(&mut self, proxies: &[Proxy]) {
        self.out.reserve(proxies.len() * self.printer.sizes().1);
        for proxy in proxies {
            let shown = Shown::of(&self.app, &self.catalogue, proxy);
            match &mut self.printer {
                Printer::Json(writer) => {
                    let product = &proxy.lease.product;
                    let section = offer::section(product.kind, product.package.is_some());
                    let item = item(&self.app, self.version, shown, proxy, self.now);
                    writer.item(section, &item, &mut self.out);
                }
                Printer::Text { template, socks, any } => {
                    if std::mem::replace(any, true) {
                        self.out.push(b'\n');
                    }
                    template.write(&line(&shown, *socks), &mut self.out);
                }
            }
        }
    }
}

fn line<'s>(shown: &'s Shown<'_>, socks: bool) -> Line<'s> {
    // What speaks one protocol only has the same port for both.
    let socks = socks || shown.protocol != "HTTP";
    Line {
        ip: &shown.ip_only,
        port: if socks { shown.port_socks } else { shown.port_http },
        login: shown.login,
        password: shown.password,
        protocol: if socks { "socks5" } else { "http" },
        rotation_link: &shown.link_reboot,
    }
}

impl Pieces for Lines {
    fn step(self) -> Step<Lines> {
        let Lines { browse, mut press } = self;
        Box::pin(async move {
            let chunk = press.printer.sizes().0;
            let (proxies, rest) = press.app.engine.browse_on(browse, chunk).await?;
            press.print(&proxies);
            let mut out = std::mem::take(&mut press.out);
            let Some(browse) = rest else {
                if let Printer::Json(writer) = press.printer {
                    writer.end(&mut out);
                }
                return Ok((out, None));
            };
            Ok((out, Some(Lines { browse, press })))
        })
    }
}
