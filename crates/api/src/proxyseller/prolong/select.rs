//! Which proxies are meant: by ids in v1; by ids, addresses or orders in v2.

use std::collections::BTreeMap;

use domain::ids::LeaseId;
use domain::kind::ProxyKind;
use domain::refusal::Refusal;
use domain::select::{Among, Selection};
use wire::lenient::Field;
use wire::proxyseller::prolong::ProlongRequest;
use wire::proxyseller::section::Section;

use super::super::shown::Shown;
use super::super::stop::Stop;
use super::super::{Asked, Version, offer, read, resident};

/// How many leases are read at once where some are looked up by their addresses.
const CHUNK: u32 = 500;

/// What a request chooses.
pub(in super::super) struct Chosen {
    pub(in super::super) kind: ProxyKind,
    pub(in super::super) leases: Selection,
    /// Packages have sections of their own.
    pub(in super::super) among: Among,
}

/// What a request chooses, in the section that its path names.
pub(in super::super) async fn chosen(
    asked: &Asked<'_>,
    request: &ProlongRequest,
) -> Result<Chosen, Stop> {
    let unknown = || Stop::refused(asked, &Refusal::UnknownKind);
    let section = asked.section()?.ok_or_else(unknown)?;
    let kind = offer::kind(section).ok_or_else(resident::not_prolonged)?;
    let among = if offer::is_mixed(section) { Among::OfPackages } else { Among::Single };
    Ok(Chosen { kind, leases: selection(asked, section, kind, request).await?, among })
}

async fn selection(
    asked: &Asked<'_>,
    section: Section,
    kind: ProxyKind,
    request: &ProlongRequest,
) -> Result<Selection, Stop> {
    let ids = asked.app.engine.public_ids();
    if asked.version == Version::V1 {
        return Ok(Selection::Leases(read::leases(ids, &request.ids)));
    }
    let not_applicable = |wrong: &str, right: &str| {
        let name = section.name();
        let words = format!("[{wrong}] is not applicable for {name}: prolong by [{right}]");
        Stop::said(words, "wrong-selection")
    };
    if matches!(section, Section::Ipv6 | Section::Mix | Section::MixIsp) {
        return match (&request.ids, &request.ips) {
            (Field::Absent, Field::Absent) => {
                Ok(Selection::Orders(read::orders(ids, &request.order_ids)))
            }
            (Field::Absent, _) => Err(not_applicable("ips", "orderIds")),
            _ => Err(not_applicable("ids", "orderIds")),
        };
    }
    if !request.order_ids.is_absent() {
        return Err(not_applicable("orderIds", "ids"));
    }
    if request.ids.is_absent()
        && let Some(addresses) = request.ips.given()
    {
        return Ok(Selection::Leases(at_addresses(asked, kind, addresses).await?));
    }
    Ok(Selection::Leases(read::leases(ids, &request.ids)))
}

/// The live leases at these addresses; `None` if there is one at which there is none.
async fn at_addresses(
    asked: &Asked<'_>,
    kind: ProxyKind,
    addresses: &[String],
) -> Result<Option<Vec<LeaseId>>, Stop> {
    let engine = &asked.app.engine;
    let catalogue = engine.catalogue();
    let mut wanted: BTreeMap<&str, Option<LeaseId>> =
        addresses.iter().map(|address| (address.as_str(), None)).collect();
    let mut walk = Some(engine.walk(asked.customer(), Some(kind)));
    while let Some(on) = walk {
        let (proxies, rest) = engine.step(on, CHUNK).await?;
        for proxy in proxies {
            let shown = Shown::of(asked.app, &catalogue, &proxy);
            let address = match kind {
                // Modems share an address, and are told apart by their ports.
                ProxyKind::Mobile => {
                    format!("{}:{}:{}", shown.ip_only, shown.port_http, shown.port_socks)
                }
                _ => shown.ip().into_owned(),
            };
            if let Some(found) = wanted.get_mut(address.as_str()) {
                *found = Some(proxy.lease.id);
            }
        }
        walk = rest;
    }
    Ok(addresses.iter().map(|address| wanted[address.as_str()]).collect())
}
