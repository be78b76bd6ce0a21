//! Which page is asked for.

use wire::lenient;
use wire::youproxy::ip_address::Page;
use wire::youproxy::problem::ProblemKind;

use super::super::call::Call;
use super::super::form::Form;
use super::super::stop::Stop;
use crate::query;

/// The most addresses on a page; who asks for more gets so many, and is told.
const SIZE_MAX: u64 = 500;

/// The page that is asked for; `None` if pages are not.
pub(super) fn asked(call: Call, query: &str) -> Result<Option<Page>, Stop> {
    let page = number(query, ["page", "pageNumber"])?;
    let size = number(query, ["size", "pageSize"])?;
    if call != Call::IpAddressPage && page.is_none() && size.is_none() {
        return Ok(None);
    }
    let first = Form::FIRST_PAGE;
    let size = size.unwrap_or(first.size);
    if size == 0 {
        return Err(unreadable());
    }
    Ok(Some(Page { page: page.unwrap_or(first.page), size: size.min(SIZE_MAX), ..first }))
}

/// A number under either name; the first wins.
fn number(query: &str, names: [&str; 2]) -> Result<Option<u64>, Stop> {
    for name in names {
        let text = query::value(query, name).ok_or_else(unreadable)?;
        if !text.is_empty() {
            return lenient::digits(&text).map(Some).ok_or_else(unreadable);
        }
    }
    Ok(None)
}

fn unreadable() -> Stop {
    Stop::problem(ProblemKind::Unknown, "bad-request")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_asked_for_in_several_words() {
        check(Call::IpAddress, "", Some(None));
        check(Call::IpAddressPage, "", Some(Some((0, 20))));
        check(Call::IpAddress, "page=3", Some(Some((3, 20))));
        check(Call::IpAddress, "size=7", Some(Some((0, 7))));
        check(Call::IpAddress, "pageNumber=2&pageSize=501", Some(Some((2, 500))));
        check(Call::IpAddress, "page=1&pageNumber=2", Some(Some((1, 20))));
        for wrong in ["page=-1", "page=x", "size=0", "size=1.5", "page=1&page=2"] {
            check(Call::IpAddress, wrong, None);
        }
    }

    #[track_caller]
    fn check(call: Call, query: &str, expected: Option<Option<(u64, u64)>>) {
        let page = asked(call, query).ok().map(|page| page.map(|page| (page.page, page.size)));
        assert_eq!(page, expected, "{query}");
    }
}
