//! `GET proxy/download/{type}`

/// The longest template, in characters.
pub const TEMPLATE_LENGTH_MAX: usize = 250;

/// What stands in a file that is asked for without saying how.
const TXT: &str = "%login%:%password%@%ip%:%port%";

/// What stands in one that can be read as a table.
const CSV: &str = "%ip%;%port%;%login%;%password%";

/// In which form proxies are downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Download {
    /// As a text, a line for each.
    Text(Template),
    /// As a table, a line for each.
    Csv(Template),
    /// As JSON, in the form of lists.
    Json,
}

/// What is wrong with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadTemplate {
    /// It is longer than [`TEMPLATE_LENGTH_MAX`].
    TooLong,
    /// It has the end of a line in it, or a slash.
    Forbidden,
}

impl BadTemplate {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            BadTemplate::TooLong => "ext is too long (max 250)",
            BadTemplate::Forbidden => "ext contains forbidden characters",
        }
    }
}

impl Download {
    /// Reads what a query calls `ext`, with its percent-encoding undone; see [`decoded`].
    pub fn from_ext(ext: &str) -> Result<Download, BadTemplate> {
        let name = ext.trim().to_ascii_lowercase();
        match name.as_str() {
            "" | "null" | "none" | "undefined" | "txt" => {
                return Ok(Download::Text(Template::read(TXT)));
            }
            "csv" => return Ok(Download::Csv(Template::read(CSV))),
            "json" => return Ok(Download::Json),
            _ => {}
        }
        if ext.chars().count() > TEMPLATE_LENGTH_MAX {
            return Err(BadTemplate::TooLong);
        }
        if ext.contains(['\r', '\n', '/', '\\']) {
            return Err(BadTemplate::Forbidden);
        }
        Ok(Download::Text(Template::read(ext)))
    }

    /// The media type of the file.
    pub fn media_type(&self) -> &'static str {
        match self {
            Download::Text(_) => "text/plain; charset=utf-8",
            Download::Csv(_) => "text/csv; charset=utf-8",
            Download::Json => "application/json; charset=utf-8",
        }
    }

    /// What the name of the file ends in.
    pub fn extension(&self) -> &'static str {
        match self {
            Download::Text(_) => "txt",
            Download::Csv(_) => "csv",
            Download::Json => "json",
        }
    }
}

/// What is known of a proxy for its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The address or host.
    pub ip: &'a str,
    /// The port.
    pub port: u16,
    /// The login; empty if an address may use it.
    pub login: &'a str,
    /// The password; empty if an address may use it.
    pub password: &'a str,
    /// What it speaks at this port: `http` or `socks5`.
    pub protocol: &'a str,
    /// Where a mobile exit is rotated, or `#`.
    pub rotation_link: &'a str,
}

/// What stands in a line: text with places for what differs from proxy to proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Place),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Ip,
    Port,
    Login,
    Password,
    Protocol,
    RotationLink,
}

/// What is put in between per cent signs.
const PLACES: [(&str, Place); 7] = [
    ("%ip%", Place::Ip),
    ("%port%", Place::Port),
    ("%login%", Place::Login),
    ("%user%", Place::Login),
    ("%password%", Place::Password),
    ("%protocol%", Place::Protocol),
    ("%rotation_link%", Place::RotationLink),
];

/// The place that `text` begins with, and its name.
fn place(text: &str) -> Option<(&'static str, Place)> {
    PLACES.into_iter().find(|(name, _)| text.starts_with(name))
}

impl Template {
    /// Reads a template. What is no place known here stays as it is.
    fn read(text: &str) -> Template {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(next) = rest.chars().next() {
            if let Some((name, place)) = place(rest) {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Place(place));
                rest = &rest[name.len()..];
            } else {
                plain.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Template { parts }
    }

    /// Writes a proxy's line, without an end.
    pub fn write(&self, line: &Line<'_>, out: &mut Vec<u8>) {
        for part in &self.parts {
            let text = match part {
                Part::Text(text) => text,
                Part::Place(Place::Ip) => line.ip,
                Part::Place(Place::Port) => &line.port.to_string(),
                Part::Place(Place::Login) => line.login,
                Part::Place(Place::Password) => line.password,
                Part::Place(Place::Protocol) => line.protocol,
                Part::Place(Place::RotationLink) => line.rotation_link,
            };
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// Undoes the percent-encoding of a template in a query, except where it is none: some clients send
/// `%ip%` as it is, and what follows it might pass for an encoded byte. `plain` undoes it anywhere
/// else.
pub fn decoded(raw: &str, plain: impl Fn(&str) -> String) -> String {
    let (mut out, mut from, mut at) = (String::new(), 0, 0);
    while let Some(sign) = raw[at..].find('%').map(|sign| at + sign) {
        match place(&raw[sign..]) {
            Some((name, _)) => {
                out.push_str(&plain(&raw[from..sign]));
                out.push_str(name);
                (from, at) = (sign + name.len(), sign + name.len());
            }
            None => at = sign + 1,
        }
    }
    out.push_str(&plain(&raw[from..]));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: Line<'static> = Line {
        ip: "192.0.2.15",
        port: 8081,
        login: "k2m9",
        password: "%ip%",
        protocol: "http",
        rotation_link: "#",
    };

    #[track_caller]
    fn check(ext: &str, expected: &str) {
        let template = match Download::from_ext(ext).unwrap() {
            Download::Text(template) | Download::Csv(template) => template,
            Download::Json => panic!("{ext} is no template"),
        };
        let mut out = Vec::new();
        template.write(&LINE, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{ext}");
    }

    #[test]
    fn a_template_is_filled_in_once() {
        for ext in ["", " ", "null", "txt", "TXT", "None"] {
            check(ext, "k2m9:%ip%@192.0.2.15:8081");
        }
        check("csv", "192.0.2.15;8081;k2m9;%ip%");
        check("%user%|%protocol%|%rotation_link%|ü", "k2m9|http|#|ü");
        check("%ip%%port%", "192.0.2.158081");
        check("%IP% %unknown% 100% %%ip%% %", "%IP% %unknown% 100% %192.0.2.15% %");
        check("xml", "xml");
    }

    #[test]
    fn some_templates_are_not_taken() {
        assert_eq!(Download::from_ext("JSON"), Ok(Download::Json));
        assert!(Download::from_ext(&"ü".repeat(250)).is_ok());
        let long = Download::from_ext(&"ü".repeat(251));
        assert_eq!(long, Err(BadTemplate::TooLong));
        for wrong in ["a\nb", "a\rb", "%protocol%://%ip%", "a\\b"] {
            assert_eq!(Download::from_ext(wrong), Err(BadTemplate::Forbidden), "{wrong}");
        }
    }

    #[test]
    fn a_place_is_no_encoded_byte() {
        let plain = |text: &str| text.replace("%20", " ").replace("%25", "%").replace("%ab", "?");
        for (raw, expected) in [
            ("%25ip%25%20%25port%25", "%ip% %port%"),
            ("%ip%%20%port%", "%ip% %port%"),
            ("%ip%ab%port%", "%ip%ab%port%"),
            ("%login%:%password%@%ip%:%port%", "%login%:%password%@%ip%:%port%"),
            ("ü%ab%", "ü?%"),
        ] {
            assert_eq!(decoded(raw, plain), expected, "{raw}");
        }
    }
}
