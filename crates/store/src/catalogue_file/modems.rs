//! Modems.

use std::net::IpAddr;

use domain::catalogue::Catalogue;
use domain::modem::{Driver, Hook, HookMethod, Managed, Modem, ModemExit, Simulated, Which};
use domain::product::is_tag;
use domain::rotation::{DEADLINE, INTERVAL};
use domain::time::Span;
use toml::Spanned;

use super::place::{Fault, Read};
use super::raw::{self, Text};

/// The longest rest between two rotations: a day.
const INTERVAL_SECONDS_MAX: u32 = 86_400;
/// The longest that one try may take.
const DEADLINE_SECONDS_MAX: u32 = 600;
/// The longest that a simulated change takes.
const TAKES_MS_MAX: u32 = 60_000;
/// The longest URL and header value.
const TEXT_MAX: usize = 2_000;
/// Fields that are made for a request anyway.
const MADE: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];
/// Fields whose values are secrets.
const SECRETS: [&str; 3] = ["authorization", "cookie", "x-api-key"];

/// A modem. The gateways of `catalogue` are known.
pub(super) fn modem(catalogue: &Catalogue, raw: &raw::Modem) -> Read<Modem> {
    let name = tag(&raw.name, "a name")?;
    let whose = format!("modem {name}");
    let gateway = raw.gateway.get_ref();
    if !catalogue.gateways.contains_key(gateway) {
        return Err(Fault::at(&raw.gateway, format!("{whose}: there is no gateway {gateway:?}")));
    }
    let exit = match (&raw.interface, &raw.source) {
        (None, None) => ModemExit::Told,
        (Some(name), None) => ModemExit::Interface(interface(&whose, name)?),
        (None, Some(text)) => ModemExit::Source(ip(&whose, text)?),
        (Some(_), Some(source)) => {
            let says =
                format!("{whose}: it leaves through an interface or from a source, not both");
            return Err(Fault::at(source, says));
        }
    };
    let seconds = |what, place: Option<&Spanned<u32>>, usual, most| {
        let value = place.map(|place| within(&whose, what, place, 1, most)).transpose()?;
        Ok(value.map_or(usual, Span::from_seconds))
    };
    let [interval, deadline] = [
        ("interval_seconds", &raw.interval_seconds, INTERVAL, INTERVAL_SECONDS_MAX),
        ("deadline_seconds", &raw.deadline_seconds, DEADLINE, DEADLINE_SECONDS_MAX),
    ]
    .map(|(what, place, usual, most)| seconds(what, place.as_ref(), usual, most));
    Ok(Modem {
        driver: driver(&whose, &exit, &raw.driver)?,
        name: name.to_owned(),
        gateway: gateway.clone(),
        exit,
        interval: interval?,
        deadline: deadline?,
    })
}

fn driver(whose: &str, exit: &ModemExit, raw: &Spanned<raw::Driver>) -> Read<Driver> {
    let raw::Driver { http, modem_manager, simulator } = raw.get_ref();
    match (http, modem_manager, simulator) {
        (Some(http), None, None) => hook(whose, http).map(Driver::Http),
        (None, Some(managed), None) => {
            let which = match (&managed.imei, exit) {
                (Some(text), _) => Which::Imei(imei(whose, text)?),
                (None, ModemExit::Interface(name)) => Which::Interface(name.clone()),
                (None, _) => {
                    let says = format!("{whose}: ModemManager knows it by its imei or interface");
                    return Err(Fault::at(raw, says));
                }
            };
            let reset = match managed.method.as_ref().map(|text| (text, text.get_ref().as_str())) {
                None | Some((_, "reconnect")) => false,
                Some((_, "reset")) => true,
                Some((place, other)) => {
                    let says = format!("{whose}: method is reconnect or reset, not {other:?}");
                    return Err(Fault::at(place, says));
                }
            };
            Ok(Driver::ModemManager(Managed { which, reset }))
        }
        (None, None, Some(raw)) => {
            let exits: Vec<IpAddr> =
                raw.exits.get_ref().iter().map(|text| ip(whose, text)).collect::<Read<_>>()?;
            if exits.is_empty() {
                return Err(Fault::at(&raw.exits, format!("{whose}: the list of exits is empty")));
            }
            let takes = raw.takes_ms.as_ref();
            let takes = takes.map(|place| within(whose, "takes_ms", place, 0, TAKES_MS_MAX));
            let takes = Span::from_millis(takes.transpose()?.unwrap_or(500).into());
            let fails_every = raw.fails_every.unwrap_or(0);
            Ok(Driver::Simulator(Simulated { exits, takes, fails_every }))
        }
        _ => {
            let says = format!("{whose}: driver is one of http, modem_manager and simulator");
            Err(Fault::at(raw, says))
        }
    }
}

fn hook(whose: &str, raw: &raw::Http) -> Read<Hook> {
    let secret = raw.secret.as_ref().map(|name| tag(name, "the name of a secret")).transpose()?;
    url(whose, &raw.url)?;
    template(whose, &raw.url, secret)?;
    let mut headers = Vec::new();
    for (name, value) in &raw.headers {
        let known = name.get_ref().to_ascii_lowercase();
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if known.is_empty() || MADE.contains(&known.as_str()) || !known.bytes().all(letters) {
            let says = format!("{whose}: {:?} is no header field to be set", name.get_ref());
            return Err(Fault::at(name, says));
        }
        template(whose, value, secret)?;
        if SECRETS.contains(&known.as_str()) && !value.get_ref().contains("{secret}") {
            let says = format!(
                "{whose}: {known} is a secret, which the catalogue does not keep: write {{secret}} \
                 in its place and name the secret"
            );
            return Err(Fault::at(value, says));
        }
        headers.push((known, value.get_ref().clone()));
    }
    let method = match &raw.method {
        None => HookMethod::Get,
        Some(text) => {
            let known = HookMethod::ALL.into_iter().find(|it| it.name() == text.get_ref());
            known.ok_or_else(|| {
                let says = format!("{whose}: method is GET, POST or PUT, not {:?}", text.get_ref());
                Fault::at(text, says)
            })?
        }
    };
    let expect = match &raw.expect {
        None => 200,
        Some(status) if (200..400).contains(status.get_ref()) => *status.get_ref(),
        Some(status) => {
            return Err(Fault::at(status, format!("{whose}: expect is a status from 200 to 399")));
        }
    };
    let url = raw.url.get_ref().clone();
    Ok(Hook { url, method, headers, secret: secret.map(str::to_owned), expect })
}

fn url(whose: &str, text: &Text) -> Read<()> {
    let url = text.get_ref();
    let wrong = |what: &str| Err(Fault::at(text, format!("{whose}: the url {what}")));
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let Some(rest) = rest else { return wrong("begins with http:// or https://") };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains(['{', '}']) {
        return wrong("names a host");
    }
    if authority.contains('@') {
        return wrong("has no user in it: use a header field with {secret}");
    }
    Ok(())
}

/// A text in which only what is known is filled in.
fn template(whose: &str, text: &Text, secret: Option<&str>) -> Read<()> {
    let value = text.get_ref();
    let printable = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if !printable || TEXT_MAX < value.len() {
        let says = format!("{whose}: a url or header has up to {TEXT_MAX} letters of ASCII");
        return Err(Fault::at(text, says));
    }
    let rest = value.replace("{modem}", "").replace("{secret}", "");
    if rest.contains(['{', '}']) {
        let says = format!("{whose}: only {{modem}} and {{secret}} are filled in");
        return Err(Fault::at(text, says));
    }
    if value.contains("{secret}") && secret.is_none() {
        return Err(Fault::at(text, format!("{whose}: it has no secret to be filled in")));
    }
    Ok(())
}

fn tag<'t>(text: &'t Text, what: &str) -> Read<&'t str> {
    let tag = text.get_ref();
    let says = || format!("modem {tag:?}: {what} is 1 to 32 of a-z, 0-9, - and _");
    is_tag(tag).then_some(tag.as_str()).ok_or_else(|| Fault::at(text, says()))
}

fn interface(whose: &str, text: &Text) -> Read<String> {
    let name = text.get_ref();
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'/';
    match (1..=15).contains(&name.len()) && name.bytes().all(fits) {
        true => Ok(name.clone()),
        false => Err(Fault::at(text, format!("{whose}: {name:?} is no network interface"))),
    }
}

fn imei(whose: &str, text: &Text) -> Read<String> {
    let imei = text.get_ref();
    match (14..=16).contains(&imei.len()) && imei.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(imei.clone()),
        false => Err(Fault::at(text, format!("{whose}: an imei has 14 to 16 digits"))),
    }
}

fn ip(whose: &str, text: &Text) -> Read<IpAddr> {
    let ip = text.get_ref().parse();
    ip.map_err(|_| Fault::at(text, format!("{whose}: {:?} is no address", text.get_ref())))
}

fn within(whose: &str, what: &str, place: &Spanned<u32>, least: u32, most: u32) -> Read<u32> {
    let value = *place.get_ref();
    match (least..=most).contains(&value) {
        true => Ok(value),
        false => {
            let says = format!("{whose}: {what} is within {least} to {most}, not {value}");
            Err(Fault::at(place, says))
        }
    }
}
