//! Leases as this dialect lists them: in their orders.

use std::borrow::Cow;
use std::sync::Arc;

use domain::access::Access;
use domain::catalogue::Catalogue;
use domain::kind::ProxyKind;
use domain::order::Protocol;
use domain::proxy::Proxy;
use wire::youproxy::ip_address::{AuthInfo, ExtendInfo, ListedAddress, ListedOrder, Page, Port};
use wire::youproxy::ip_address_stream::ListingWriter;
use wire::youproxy::proxy_type::ProxyType;

use super::super::promo_code::date;
use super::super::read;
use crate::app::App;

/// A listing in the making.
pub(super) struct Orders {
    app: Arc<App>,
    catalogue: Arc<Catalogue>,
    writer: ListingWriter,
    /// Leases of one order, of which more may come.
    order: Vec<Proxy>,
}

impl Orders {
    /// Begins a listing of one type, or of all.
    pub(super) fn begin(app: &Arc<App>, only: Option<ProxyType>, out: &mut Vec<u8>) -> Orders {
        let catalogue = app.engine.catalogue();
        let writer = ListingWriter::begin(only, out);
        Orders { app: app.clone(), catalogue, writer, order: Vec::new() }
    }

    /// Adds leases, those of one order one after another.
    pub(super) fn add(&mut self, proxies: Vec<Proxy>, out: &mut Vec<u8>) {
        for proxy in proxies {
            if self.order.first().is_some_and(|first| first.lease.order != proxy.lease.order) {
                self.write(out);
            }
            self.order.push(proxy);
        }
    }

    /// Ends the listing, by pages or not.
    pub(super) fn end(mut self, page: Option<Page>, out: &mut Vec<u8>) {
        self.write(out);
        self.writer.end(page, out);
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        let Some(first) = self.order.first() else { return };
        let ids = self.app.engine.public_ids();
        let (kind, order) = (first.lease.product.kind, first.lease.order);
        let order_id = ids.order(order);
        let listed = ListedOrder {
            order_number: read::order_number(ids, order).into(),
            ip_addresses: self.order.iter().map(|proxy| self.address(proxy, &order_id)).collect(),
            order_id: Cow::Borrowed(&order_id),
        };
        self.writer.order(read::proxy_type(kind), &listed, out);
        self.order.clear();
    }

    fn address<'a>(&self, proxy: &'a Proxy, order_id: &'a str) -> ListedAddress<'a> {
        let engine = &self.app.engine;
        let Proxy { lease, order, .. } = proxy;
        let kind = lease.product.kind;
        let endpoint = proxy.endpoint(&self.catalogue);
        let (http, socks) = (Port(endpoint.http_port), Port(endpoint.socks_port));
        let one_port = kind == ProxyKind::Ipv6;
        let protocol = order.protocol.unwrap_or(Protocol::Http);
        let mobile = kind == ProxyKind::Mobile;
        let reboot_link = || {
            let (base, token) = (&self.app.settings.base_url, engine.reboot_token(proxy));
            format!("{base}/api/proxy/reboot?token={token}")
        };
        ListedAddress {
            ip_address_id: engine.public_ids().lease(lease.id).into(),
            ip_address_ip: endpoint.host.into(),
            order_id: Cow::Borrowed(order_id),
            proxy_type: read::proxy_type(kind),
            country: lease.product.country.alpha3().to_owned().into(),
            date_start: date(lease.starts_at),
            date_end: date(lease.ends_at),
            https_port: (!one_port).then_some(http),
            socks5_port: (!one_port).then_some(socks),
            port: one_port.then_some(match protocol {
                Protocol::Http => http,
                Protocol::Socks => socks,
            }),
            protocol: one_port.then_some(protocol.name().into()),
            auth_info: match &order.access {
                Some(Access::Login(login)) => {
                    AuthInfo::login(login.login.as_str(), login.password.as_str())
                }
                Some(Access::SourceIp(ip)) => AuthInfo::ip(ip.to_string()),
                // Such an order is one that its customer has taken the way in from, by other
                // means than this dialect has.
                None => AuthInfo::login("", ""),
            },
            extend_info: ExtendInfo {
                auto_extend: lease.auto_extend.is_some(),
                extend_days: lease.auto_extend.map_or(0, |period| period.days()),
            },
            mobile_operator: lease.product.operator.as_deref().filter(|_| mobile).map(Cow::from),
            rotation_time: order.rotation_seconds.filter(|_| mobile).map(u64::from),
            reboot_link: mobile.then(|| reboot_link().into()),
        }
    }
}
