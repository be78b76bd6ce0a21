//! The lists of [`proxy_list`](super::proxy_list), written piece by piece.

use super::envelope::{HEAD, TAIL};
use super::proxy_list::ProxyItem;
use super::section::Section;

/// How proxies are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// All in one, as `items`.
    Items,
    /// A list for each section.
    BySection,
    /// All in one, without anything around it.
    Bare,
}

/// Writes a list proxy by proxy, so that a million of them need no memory.
///
/// The pieces together are the very bytes that the envelope with the whole data would be.
#[derive(Debug)]
pub struct ListWriter {
    form: Form,
    /// The section whose list is open.
    open: Option<Section>,
    /// Whether there is nothing in the open list.
    empty: bool,
}

impl ListWriter {
    /// The sections of [`Form::BySection`], in their order.
    pub const SECTIONS: [Section; 7] = [
        Section::Ipv4,
        Section::Ipv6,
        Section::Mobile,
        Section::Isp,
        Section::Mix,
        Section::MixIsp,
        Section::Resident,
    ];

    /// Begins a list.
    pub fn begin(form: Form, out: &mut Vec<u8>) -> ListWriter {
        match form {
            Form::Items => {
                out.extend_from_slice(HEAD.as_bytes());
                out.extend_from_slice(b"{\"items\":[");
            }
            Form::BySection => {
                out.extend_from_slice(HEAD.as_bytes());
                out.push(b'{');
            }
            Form::Bare => out.push(b'['),
        }
        ListWriter { form, open: None, empty: true }
    }

    /// Adds a proxy to the list of its section.
    ///
    /// # Panics
    ///
    /// If lists are by section and sections do not come in the order of [`ListWriter::SECTIONS`].
    pub fn item(&mut self, section: Section, item: &ProxyItem<'_>, out: &mut Vec<u8>) {
        while self.form == Form::BySection && self.open != Some(section) {
            self.open_next(out).expect("proxies come in the order of their sections");
        }
        if !std::mem::replace(&mut self.empty, false) {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, item).expect("only texts and whole numbers, into memory");
    }

    /// Ends the list.
    pub fn end(mut self, out: &mut Vec<u8>) {
        while self.form == Form::BySection && self.open_next(out).is_some() {}
        out.push(b']');
        if self.form != Form::Bare {
            out.push(b'}');
            out.extend_from_slice(TAIL.as_bytes());
        }
    }

    /// Opens the list of the next section; `None` if there is none.
    fn open_next(&mut self, out: &mut Vec<u8>) -> Option<Section> {
        let at = match self.open {
            None => 0,
            Some(open) => Self::SECTIONS.iter().position(|it| *it == open)? + 1,
        };
        let next = *Self::SECTIONS.get(at)?;
        let before = if at == 0 { "" } else { "]," };
        out.extend_from_slice(format!("{before}\"{}\":[", next.name()).as_bytes());
        (self.open, self.empty) = (Some(next), true);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proxyseller::envelope::Envelope;
    use crate::proxyseller::id::Id;
    use crate::proxyseller::proxy_list::{CanProlong, Lists};
    use crate::proxyseller::reference::Items;

    proptest! {
        #[test]
        fn the_pieces_are_the_whole(counts in prop::array::uniform7(0_usize..3)) {
            let items = |count: usize| (0..count).map(item).collect::<Vec<_>>();
            let [ipv4, ipv6, mobile, isp, mix, mix_isp, resident] = counts.map(items);
            let whole = Lists { ipv4, ipv6, mobile, isp, mix, mix_isp, resident };
            let written = serde_json::to_string(&Envelope::success(whole)).unwrap();
            prop_assert_eq!(pieces(Form::BySection, &counts), written);
            let all: Vec<_> = counts.into_iter().flat_map(items).collect();
            let bare = serde_json::to_string(&all).unwrap();
            prop_assert_eq!(pieces(Form::Bare, &counts), bare);
            let written = serde_json::to_string(&Envelope::success(Items { items: all })).unwrap();
            prop_assert_eq!(pieces(Form::Items, &counts), written);
        }
    }

    fn pieces(form: Form, counts: &[usize]) -> String {
        let mut out = Vec::new();
        let mut writer = ListWriter::begin(form, &mut out);
        for (section, count) in ListWriter::SECTIONS.into_iter().zip(counts) {
            for number in 0..*count {
                writer.item(section, &item(number), &mut out);
            }
        }
        writer.end(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn item(number: usize) -> ProxyItem<'static> {
        ProxyItem {
            id: Id::Text(number.to_string()),
            order_id: Id::Number(7),
            order_number: "7_1".into(),
            base_order_number: None,
            basket_id: Id::Number(8),
            ip: "192.0.2.1".into(),
            ip_only: "192.0.2.1".into(),
            protocol: "HTTP".into(),
            port_socks: 2,
            port_http: 1,
            login: "\"".into(),
            password: "".into(),
            auth_ip: "".into(),
            rotation: "".into(),
            link_reboot: "#".into(),
            country: "France".into(),
            country_alpha3: "FRA".into(),
            status: "Active".into(),
            status_type: "ACTIVE".into(),
            can_prolong: CanProlong::Number(1),
            date_start: "26.06.2026".into(),
            date_end: "26.07.2026".into(),
            comment: "".into(),
            auto_renew: "N".into(),
            auto_renew_period: "".into(),
            is_uptime: None,
        }
    }
}
