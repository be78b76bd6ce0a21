//! `GET reference/list` and `GET reference/list/{type}`

use domain::catalogue::{Catalogue, MobileOperator, Package};
use wire::proxyseller::id::Id;
use wire::proxyseller::reference::{
    Country, Items, Named, Operator, Operators, Quantities, Section, Sections,
};
use wire::proxyseller::section::Section as Name;

use super::stop::{Done, Stop};
use super::{Asked, Version, choices, offer};

/// What can be ordered, in one section or in all.
pub(super) fn list(asked: &Asked<'_>) -> Result<Done, Stop> {
    let catalogue = asked.app.engine.catalogue();
    let version = asked.version;
    let of = |name| section(&catalogue, version, name);
    Ok(match asked.section()? {
        Some(name) => Done::new(&Items { items: of(name) }),
        None => Done::new(&Sections {
            ipv4: of(Name::Ipv4),
            ipv6: of(Name::Ipv6),
            mobile: of(Name::Mobile),
            isp: of(Name::Isp),
            mix: of(Name::Mix),
            mix_isp: of(Name::MixIsp),
            resident: of(Name::Resident),
            scraper: (version == Version::V2).then(|| of(Name::Scraper)),
        }),
    })
}

fn section(catalogue: &Catalogue, version: Version, name: Name) -> Section {
    let Some(kind) = offer::kind(name) else {
        return Section { tarifs: Some(Vec::new()), ..Section::default() };
    };
    let periods = catalogue.periods(kind).iter();
    let periods = periods.map(|it| Named { id: Id::Text(it.code()), name: it.name() });
    let period = Some(periods.collect());
    match name {
        Name::Mix | Name::MixIsp => {
            let packages = catalogue.packages(kind);
            let id = |it: &Package| match choices::package_number(name, it.number) {
                Some(number) if version == Version::V1 => Id::Number(number),
                _ => Id::Text(it.tag.clone()),
            };
            let country = |it: &&Package| Country {
                id: id(it),
                name: it.name.clone(),
                alpha3: None,
                operators: None,
            };
            let quantities = |it: &&Package| Quantities {
                id: id(it),
                name: it.name.clone(),
                quantities: it.quantities.clone(),
            };
            Section {
                country: Some(packages.iter().map(country).collect()),
                period,
                quantities: Some(packages.iter().map(quantities).collect()),
                tarifs: None,
            }
        }
        _ => {
            let countries = catalogue.countries(kind).into_iter();
            let country = countries.map(|it| country(catalogue, version, name, it)).collect();
            Section { country: Some(country), period, ..Section::default() }
        }
    }
}

fn country(
    catalogue: &Catalogue,
    version: Version,
    section: Name,
    country: domain::country::Country,
) -> Country {
    let code = country.alpha3().to_owned();
    let number = choices::country_number(section, country).filter(|_| version == Version::V1);
    let operators = || {
        let dedicated = offer::operators(catalogue, country);
        let dedicated = dedicated.into_iter().map(|it| operator(version, it)).collect();
        Operators { dedicated, shared: Vec::new() }
    };
    Country {
        alpha3: number.map(|_| code.clone()),
        id: number.map_or(Id::Text(code), Id::Number),
        name: country.name().to_owned(),
        operators: (section == Name::Mobile).then(operators),
    }
}

fn operator(version: Version, operator: &MobileOperator) -> Operator {
    let minutes = operator.rotation_seconds.iter().map(|seconds| seconds / 60);
    let rotations = minutes.map(|minutes| Named {
        id: Id::Number(minutes.into()),
        name: match minutes {
            0 => "By Link".to_owned(),
            1 => "1 minute".to_owned(),
            _ => format!("{minutes} minutes"),
        },
    });
    let v2 = version == Version::V2;
    Operator {
        id: match version {
            Version::V1 => Id::Number(choices::operator_number(&operator.tag)),
            Version::V2 => Id::Text(operator.tag.clone()),
        },
        name: operator.name.clone(),
        traffic: v2.then(|| choices::UNLIMITED.to_owned()),
        rotations: rotations.collect(),
    }
}
