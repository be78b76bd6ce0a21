//! The listing of [`ip_address`](super::ip_address), written piece by piece.

use super::ip_address::{ListedOrder, Page};
use super::proxy_type::ProxyType;

/// Writes a successful listing order by order, so that a million addresses need no memory.
///
/// The pieces together are the very bytes that
/// [`IpAddressAnswer`](super::ip_address::IpAddressAnswer) would be.
#[derive(Debug)]
pub struct ListingWriter {
    only: Option<ProxyType>,
    /// The type whose list is open, and whether there is anything in it.
    open: Option<(ProxyType, bool)>,
}

impl ListingWriter {
    /// Begins a listing of one type or, with `None`, of all four.
    pub fn begin(only: Option<ProxyType>, out: &mut Vec<u8>) -> ListingWriter {
        out.extend_from_slice(b"{\"success\":true");
        ListingWriter { only, open: None }
    }

    /// Adds an order to the list of its type.
    ///
    /// # Panics
    ///
    /// If the listing is of another type, or if orders do not come in the order of
    /// [`ProxyType::ALL`].
    pub fn order(&mut self, of: ProxyType, order: &ListedOrder<'_>, out: &mut Vec<u8>) {
        let is_first = self.go_to(of, out);
        if !is_first {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, order).expect("only texts and whole numbers, into memory");
    }

    /// Ends the listing, by pages or not.
    pub fn end(mut self, page: Option<Page>, out: &mut Vec<u8>) {
        while let Some(next) = self.next() {
            self.open_list(next, out);
        }
        out.push(b']');
        if let Some(page) = page {
            let members = serde_json::to_vec(&page).expect("only whole numbers, into memory");
            out.push(b',');
            out.extend_from_slice(&members[1..members.len() - 1]);
        }
        out.extend_from_slice(b",\"error\":null}");
    }

    /// Opens the list of a type, and the empty ones before it. Says whether it is still empty.
    fn go_to(&mut self, of: ProxyType, out: &mut Vec<u8>) -> bool {
        loop {
            match &mut self.open {
                Some((open, filled)) if *open == of => return !std::mem::replace(filled, true),
                _ => {
                    let next = self.next().expect("orders come sorted by type, none of another");
                    self.open_list(next, out);
                }
            }
        }
    }

    /// The type whose list comes next.
    fn next(&self) -> Option<ProxyType> {
        let is_due = |of: &ProxyType| match self.open {
            None => true,
            Some((open, _)) => open < *of,
        };
        let is_asked = |of: &ProxyType| self.only.is_none_or(|only| only == *of);
        ProxyType::ALL.into_iter().find(|of| is_due(of) && is_asked(of))
    }

    fn open_list(&mut self, of: ProxyType, out: &mut Vec<u8>) {
        if self.open.is_some() {
            out.push(b']');
        }
        out.extend_from_slice(format!(",\"{of}\":[").as_bytes());
        self.open = Some((of, false));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::youproxy::ip_address::IpAddressAnswer;

    const PAGE: Page = Page { page: 1, size: 20, total_pages: 3, total_elements: 41 };

    proptest! {
        #[test]
        fn the_pieces_are_the_whole(
            only in prop::option::of(prop::sample::select(&ProxyType::ALL)),
            counts in prop::array::uniform4(0usize..3),
            page in prop::option::of(Just(PAGE)),
        ) {
            let mut answer = IpAddressAnswer::listed(only);
            let mut out = Vec::new();
            let mut writer = ListingWriter::begin(only, &mut out);
            for (of, count) in ProxyType::ALL.into_iter().zip(counts) {
                let Some(orders) = answer.orders_mut(of) else { continue };
                for number in 0..count {
                    let order = order(number);
                    writer.order(of, &order, &mut out);
                    orders.push(order);
                }
            }
            writer.end(page, &mut out);
            if let Some(page) = page {
                answer = answer.paged(page);
            }
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&answer).unwrap());
        }
    }

    fn order(number: usize) -> ListedOrder<'static> {
        ListedOrder {
            order_id: format!("o{number}").into(),
            order_number: format!("NUMBER-{number}").into(),
            ip_addresses: Vec::new(),
        }
    }
}
