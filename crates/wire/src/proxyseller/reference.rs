//! `GET reference/list` and `GET reference/list/{type}`

use serde::{Deserialize, Serialize};

use super::id::Id;

/// What a list of one section is wrapped in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Items<T> {
    /// The list.
    pub items: T,
}

/// What can be ordered in all sections. The members stand in the order of the fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sections {
    /// Data-centre addresses.
    pub ipv4: Section,
    /// IPv6 exits.
    pub ipv6: Section,
    /// Modems.
    pub mobile: Section,
    /// Addresses of consumer networks.
    pub isp: Section,
    /// Packages of data-centre addresses.
    pub mix: Section,
    /// Packages of addresses of consumer networks.
    pub mix_isp: Section,
    /// Residential traffic.
    pub resident: Section,
    /// Scraping; in v2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scraper: Option<Section>,
}

/// What can be ordered in a section. Members that a section does not have are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Where; for mix, the packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Vec<Country>>,
    /// For how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Vec<Named>>,
    /// Which numbers of addresses a package has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantities: Option<Vec<Quantities>>,
    /// Tariffs of traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tarifs: Option<Vec<Tarif>>,
}

/// A country or package that can be ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Country {
    /// What orders call it: a number that only this section has, or in v2 its code.
    pub id: Id,
    /// What people call it.
    pub name: String,
    /// Its ISO 3166-1 alpha-3 code; not of a package, and not in v2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha3: Option<String>,
    /// The mobile operators there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operators: Option<Operators>,
}

/// Mobile operators, by whether a modem is shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operators {
    /// A modem of one's own.
    pub dedicated: Vec<Operator>,
    /// A modem with others.
    pub shared: Vec<Operator>,
}

/// A mobile operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// What orders call it.
    pub id: Id,
    /// What people call it.
    pub name: String,
    /// How much may pass; in v2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<String>,
    /// After how many minutes its exits may change.
    pub rotations: Vec<Named>,
}

/// Something with a name: a period by its code, a rotation by its minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// What orders call it.
    pub id: Id,
    /// What people call it.
    pub name: String,
}

/// The numbers of addresses that a package has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantities {
    /// The package.
    pub id: Id,
    /// What people call it.
    pub name: String,
    /// The numbers.
    pub quantities: Vec<u32>,
}

/// A tariff of traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tarif {
    /// What orders call it.
    pub id: Id,
    /// What people call it.
    pub name: String,
    /// Whether it was made for this customer.
    pub personal: bool,
}
