//! Which ports leases may connect to.

use domain::ports::{PortRange, PortRules};
use toml::Spanned;

use super::place::{Fault, Read};
use super::raw;

/// The ports that somebody has whom the catalogue tells nothing but this: a list that is left out is
/// as `usual`.
pub(super) fn ports(
    whose: &str,
    allow: Option<&raw::Ports>,
    deny: Option<&raw::Ports>,
    usual: &PortRules,
) -> Read<PortRules> {
    let allowed = match allow {
        None => usual.allow.clone(),
        Some(list) => {
            let found = ranges(whose, "allow_ports", list)?;
            no_mail_by_accident(whose, list, &found)?;
            found
        }
    };
    let denied = match deny {
        None => usual.deny.clone(),
        Some(list) => ranges(whose, "deny_ports", list)?,
    };
    Ok(PortRules { allow: allowed, deny: denied })
}

/// The ranges of a list, each once, ascending.
fn ranges(whose: &str, name: &str, list: &raw::Ports) -> Read<Vec<PortRange>> {
    let (written, most) = (list.get_ref(), PortRules::RANGES_MAX);
    if written.len() > most {
        let says = format!("{whose}: {name} has {} entries; at most {most} fit", written.len());
        return Err(Fault::at(list, says));
    }
    let mut found = Vec::new();
    for one in written {
        let raw::Port(text) = one.get_ref();
        let range = PortRange::parse(text).ok_or_else(|| {
            let hint = "a port or a range is expected, such as 993 or \"8000-8999\"";
            Fault::at(one, format!("{whose}: {name} has {text:?}; {hint}"))
        })?;
        found.push(range);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Ports of mail are opened one by one, so that nobody opens them with something else.
fn no_mail_by_accident(whose: &str, list: &raw::Ports, found: &[PortRange]) -> Read<()> {
    let Some((range, mail)) =
        found.iter().find_map(|range| Some((*range, range.mail_by_accident()?)))
    else {
        return Ok(());
    };
    let at: Option<&Spanned<raw::Port>> =
        list.get_ref().iter().find(|one| PortRange::parse(&one.get_ref().0) == Some(range));
    let says = format!(
        "{whose}: allow_ports {range} has port {mail} among them, which is for mail and is opened \
         by its own number alone; leave it out of the range, and name it beside it if you mean it"
    );
    Err(at.map_or_else(|| Fault::at(list, says.clone()), |at| Fault::at(at, says.clone())))
}
