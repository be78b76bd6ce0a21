//! Stock as a table of comma-separated values.
//!
//! The first line names the columns, in any order. What follows `#` at the beginning of a line is a
//! comment. Values hold no commas, so quotes around them are taken off and mean nothing more.

use std::collections::HashMap;
use std::net::IpAddr;

use domain::catalogue::Catalogue;
use domain::product::ProductKey;

use super::line::Line;
use super::{Delivery, misfit, no_modem};
use crate::reading;

/// The columns that are known; the first three are needed. The first may be called `cidr` too.
const COLUMNS: [&str; 7] = ["ip", "kind", "country", "operator", "gateway", "slots", "modem"];
const NEEDED: usize = 3;

/// The most addresses of one file.
const ADDRESSES_MAX: usize = 2_000_000;

/// Something wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The line, from 1.
    pub(super) line: usize,
    /// What.
    pub(super) says: String,
}

/// Where each column stands.
struct Header([Option<usize>; 7]);

/// Reads a whole file, or says everything that is wrong with it.
pub(super) fn read(text: &str, catalogue: &Catalogue) -> Result<Delivery, Vec<Wrong>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = (1..).zip(text.lines()).filter(|(_, row)| {
        let row = row.trim();
        !row.is_empty() && !row.starts_with('#')
    });
    let Some((line, first)) = rows.next() else {
        return Err(vec![Wrong { line: 1, says: "the file is empty".into() }]);
    };
    let header = Header::read(first).map_err(|says| vec![Wrong { line, says }])?;
    let mut wrong = Vec::new();
    let mut delivery = Delivery::default();
    let mut seen = Seen::default();
    for (line, row) in rows {
        let added = header.line(row).and_then(|entry| {
            entry.problem().map_or(Ok(()), Err)?;
            seen.fits(catalogue, &entry)?;
            let from = delivery.addresses.len();
            entry.add_to(&mut delivery);
            seen.note(&delivery, from, line)
        });
        if let Err(says) = added {
            wrong.push(Wrong { line, says });
        }
        if delivery.addresses.len() > ADDRESSES_MAX {
            let says = format!("more than {ADDRESSES_MAX} addresses; import them in parts");
            wrong.push(Wrong { line, says });
            break;
        }
    }
    if wrong.is_empty() { Ok(delivery) } else { Err(wrong) }
}

impl Header {
    fn read(row: &str) -> Result<Header, String> {
        let mut places = [None; 7];
        for (at, name) in cells(row).enumerate() {
            let name = if name.eq_ignore_ascii_case("cidr") { COLUMNS[0] } else { name };
            let known = COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(name));
            let Some(column) = known else {
                let known = COLUMNS.join(",");
                return Err(format!("unknown column {name:?}; the first line is {known}"));
            };
            if places[column].replace(at).is_some() {
                return Err(format!("column {name} is there twice"));
            }
        }
        let missing = (0..NEEDED).find(|column| places[*column].is_none());
        match missing {
            Some(column) => Err(format!("column {} is missing", COLUMNS[column])),
            None => Ok(Header(places)),
        }
    }

    fn line(&self, row: &str) -> Result<Line, String> {
        let count = self.0.iter().flatten().count();
        let values: Vec<&str> = cells(row).collect();
        if values.len() > count {
            return Err(format!("{} values for {count} columns", values.len()));
        }
        let value = |column: usize| {
            let value = self.0[column].and_then(|at| values.get(at).copied());
            value.filter(|value| !value.is_empty())
        };
        let needed = |column: usize| value(column).ok_or(format!("no {}", COLUMNS[column]));
        let of = |column: usize, says: String| {
            format!("{} {:?}: {says}", COLUMNS[column], value(column).unwrap_or_default())
        };
        let slots = value(5).map(str::parse::<u32>).transpose();
        Ok(Line {
            network: reading::network(needed(0)?).map_err(|says| of(0, says))?,
            kind: reading::kind(needed(1)?).map_err(|says| of(1, says))?,
            country: reading::country(needed(2)?).map_err(|says| of(2, says))?,
            operator: value(3).map(reading::tag).transpose().map_err(|says| of(3, says))?,
            gateway: reading::tag(value(4).unwrap_or("main")).map_err(|says| of(4, says))?,
            slots: slots.map_err(|_| of(5, "a number is expected".into()))?,
            modem: value(6).map(reading::tag).transpose().map_err(|says| of(6, says))?,
        })
    }
}

fn cells(row: &str) -> impl Iterator<Item = &str> {
    row.trim_end_matches(['\r', '\n']).split(',').map(|cell| {
        let cell = cell.trim();
        cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(cell).trim()
    })
}

/// What earlier lines have said.
#[derive(Default)]
struct Seen {
    /// Pools and gateways that the catalogue knows.
    fitting: HashMap<(ProductKey, String), Option<String>>,
    /// Each slot of each address, with its place in the delivery and its line.
    places: HashMap<(IpAddr, u32), (usize, usize)>,
}

impl Seen {
    /// Whether the catalogue has what a line needs. Asked once for each pool and gateway.
    fn fits(&mut self, catalogue: &Catalogue, line: &Line) -> Result<(), String> {
        let key = (line.pool(), line.gateway.clone());
        let found = self.fitting.entry(key);
        let misfit = found.or_insert_with_key(|(pool, gateway)| misfit(catalogue, pool, gateway));
        misfit.clone().map_or(Ok(()), Err)?;
        no_modem(catalogue, line.modem.as_deref(), &line.gateway).map_or(Ok(()), Err)
    }

    /// Notes what a line has added from `from` on. The same again is harmless; the same address
    /// elsewhere is a slip that nobody could set right later.
    fn note(&mut self, delivery: &Delivery, from: usize, line: usize) -> Result<(), String> {
        for (at, address) in delivery.addresses.iter().enumerate().skip(from) {
            let key = (address.ip, address.slot);
            let (earlier, its_line) = *self.places.entry(key).or_insert((at, line));
            let other = &delivery.addresses[earlier];
            if (&other.pool, &other.gateway) != (&address.pool, &address.gateway) {
                let ip = address.ip;
                let pool = &other.pool;
                return Err(format!(
                    "{ip} stands on line {its_line} as {pool} at {}",
                    other.gateway
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use store::catalogue_file;

    use super::*;

    fn catalogue() -> Catalogue {
        catalogue_file::read(include_str!("../../../../../docs/catalogue.sample.toml"), 1).unwrap()
    }

    fn said(text: &str) -> Vec<String> {
        let wrong = read(text, &catalogue()).unwrap_err();
        wrong.iter().map(|wrong| format!("{}: {}", wrong.line, wrong.says)).collect()
    }

    #[test]
    fn a_file_is_read_with_comments_ranges_prefixes_and_slots() {
        let text = "\u{feff}# our stock\r\nip,kind,country,operator,gateway,slots\r\n\
            198.51.100.0/30,IPv4,USA\r\n\
            \r\n\
            # modems\r\n\
            198.51.100.9 , mobile, usa, verizon, main, 2\r\n\
            \"2001:db8::/48\",\"IPv6\",\"DEU\",,,\r\n";
        let delivery = read(text, &catalogue()).unwrap();
        assert_eq!((delivery.addresses.len(), delivery.prefixes.len()), (6, 1));
        assert_eq!(delivery.addresses[5].pool.to_string(), "MOBILE/USA/verizon");
        assert_eq!(delivery.addresses[5].slot, 1);
        assert_eq!(delivery.prefixes[0].gateway, "main");
    }

    #[test]
    fn columns_stand_in_any_order() {
        for header in ["country,ip,kind", "country,CIDR,kind"] {
            let text = format!("{header}\nUSA,198.51.100.7,ISP\n");
            let delivery = read(&text, &catalogue()).unwrap();
            assert_eq!(delivery.addresses[0].pool.to_string(), "ISP/USA");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_with_its_line() {
        let text = "ip,kind,country,operator,gateway,slots\n\
            198.51.100.7,IPv4,XXX\n\
            198.51.100.8,IPv4,USA\n\
            198.51.100.300,IPv4,USA\n\
            198.51.100.9,IPv7,USA\n\
            198.51.100.9,IPv4\n\
            198.51.100.9,IPv4,USA,,other\n\
            198.51.100.9,MOBILE,USA,nobody\n\
            198.51.100.9,MOBILE,DEU,verizon\n\
            198.51.100.9,MOBILE,USA,verizon,main,many\n\
            198.51.100.9,IPv4,USA,,main,1,more\n\
            2001:db8::1,IPv4,USA\n";
        let expected = [
            "2: country \"XXX\": three letters",
            "4: ip \"198.51.100.300\": a range",
            "5: kind \"IPv7\": known are",
            "6: no country",
            "7: the catalogue in force has no gateway other",
            "8: the catalogue in force has no mobile operator nobody",
            "9: mobile operator verizon is one of USA",
            "10: slots \"many\": a number",
            "11: 7 values for 6 columns",
            "12: 2001:db8::1 is no IPv4 address",
        ];
        let said = said(text);
        assert_eq!(said.len(), expected.len(), "{said:#?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.starts_with(expected), "{said}");
        }
    }

    #[test]
    fn the_first_line_names_the_columns() {
        assert_eq!(said(""), ["1: the file is empty"]);
        assert_eq!(said("# nothing\n\n"), ["1: the file is empty"]);
        assert_eq!(said("ip,kind\n"), ["1: column country is missing"]);
        assert_eq!(said("ip,kind,country,IP\n"), ["1: column IP is there twice"]);
        let says = &said("198.51.100.7,IPv4,USA\n")[0];
        assert!(says.starts_with("1: unknown column \"198.51.100.7\""), "{says}");
    }

    #[test]
    fn an_address_stands_in_one_place_only() {
        let twice = "ip,kind,country\n198.51.100.7,IPv4,USA\n198.51.100.0/29,IPv4,USA\n";
        assert!(read(twice, &catalogue()).is_ok());
        let elsewhere = "ip,kind,country\n198.51.100.7,IPv4,USA\n198.51.100.7,ISP,USA\n";
        assert_eq!(said(elsewhere), ["3: 198.51.100.7 stands on line 2 as IPv4/USA at main"]);
    }
}
