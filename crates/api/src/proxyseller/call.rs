//! The calls there are: a contents page.

use std::borrow::Cow;

use axum::http::Method;

use super::Version;
use crate::query;

/// A call of this dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// `GET auth/list`
    AuthList,
    /// `POST auth/add`
    AuthAdd,
    /// `POST auth/add/ip`
    AuthAddIp,
    /// `POST auth/change`
    AuthChange,
    /// `POST auth/active`, of v1
    AuthActive,
    /// `DELETE auth/delete`
    AuthDelete,
    /// `POST proxy/replace`
    ProxyReplace,
    /// `GET proxy/list`
    ProxyList,
    /// `GET proxy/download/{type}`
    ProxyDownload,
    /// `POST proxy/comment/set`
    CommentSet,
    /// `GET tools/proxy/check`, of v1
    ProxyCheck,
    /// `GET balance/get`
    BalanceGet,
    /// `POST balance/add`
    BalanceAdd,
    /// `GET balance/payments/list`
    PaymentsList,
    /// `GET balance/autotopup/get`, of v2
    AutoTopUpGet,
    /// `POST balance/autotopup/set`, of v2
    AutoTopUpSet,
    /// `GET reference/list`
    ReferenceList,
    /// `POST order/calc`
    OrderCalc,
    /// `POST order/make`
    OrderMake,
    /// `GET order/list`, of v2
    OrderList,
    /// `POST prolong/calc/{type}`
    ProlongCalc,
    /// `POST prolong/make/{type}`
    ProlongMake,
    /// `POST autoprolong/calc/{type}`, of v2
    AutoProlongCalc,
    /// `POST autoprolong/enable/{type}`, of v2
    AutoProlongEnable,
    /// `POST autoprolong/disable/{type}`, of v2
    AutoProlongDisable,
    /// `GET system/ping`, of v1
    Ping,
    /// Everything about residential traffic, which is not offered.
    Resident,
}

/// How a call may be followed by a section in its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// Not at all.
    Never,
    /// It may.
    Optional,
    /// It must; in v1 also without a slash between them.
    Required,
}

/// A path of the API. Described, but not served, are further ways to say the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) call: Call,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// The whole path in v1 and v2, with the key and the section left open; `None` where the
    /// version does not have it.
    pub(crate) templates: [Option<&'static str>; 2],
    pub(crate) typed: Typed,
}

/// A call, as a request names it.
pub(crate) struct Found<'p> {
    pub(crate) call: Call,
    pub(crate) template: &'static str,
    pub(crate) takes_body: bool,
    /// The section as it is spelled; `None` if there is none.
    pub(crate) section: Option<Cow<'p, str>>,
}

macro_rules! line {
    ($call:ident $method:literal $path:literal) => {
        line!(@ $call, $method, $path, "", Typed::Never)
    };
    ($call:ident $method:literal $path:literal only V1) => {
        Line {
            templates: [Some(concat!("/personal/api/v1/{apiKey}/", $path)), None],
            ..line!(@ $call, $method, $path, "", Typed::Never)
        }
    };
    ($call:ident $method:literal $path:literal only V2) => {
        Line {
            templates: [None, Some(concat!("/personal/api/v2/{apiKey}/", $path))],
            ..line!(@ $call, $method, $path, "", Typed::Never)
        }
    };
    ($call:ident $method:literal $path:literal typed only V2) => {
        Line {
            templates: [None, Some(concat!("/personal/api/v2/{apiKey}/", $path, "/{type}"))],
            ..line!(@ $call, $method, $path, "/{type}", Typed::Required)
        }
    };
    ($call:ident $method:literal $path:literal may be typed) => {
        line!(@ $call, $method, $path, "", Typed::Optional)
    };
    ($call:ident $method:literal $path:literal typed) => {
        line!(@ $call, $method, $path, "/{type}", Typed::Required)
    };
    (@ $call:ident, $method:literal, $path:literal, $type:literal, $typed:expr) => {
        Line {
            call: Call::$call,
            method: $method,
            path: $path,
            templates: [
                Some(concat!("/personal/api/v1/{apiKey}/", $path, $type)),
                Some(concat!("/personal/api/v2/{apiKey}/", $path, $type)),
            ],
            typed: $typed,
        }
    };
}

/// Every path there is.
pub(crate) const LINES: &[Line] = &[
    line!(AuthList "GET" "auth/list"),
    line!(AuthAdd "POST" "auth/add"),
    line!(AuthAddIp "POST" "auth/add/ip"),
    line!(AuthChange "POST" "auth/change"),
    line!(AuthActive "POST" "auth/active" only V1),
    line!(AuthDelete "DELETE" "auth/delete"),
    line!(ProxyReplace "POST" "proxy/replace"),
    line!(ProxyList "GET" "proxy/list" may be typed),
    line!(ProxyDownload "GET" "proxy/download" typed),
    line!(CommentSet "POST" "proxy/comment/set"),
    line!(ProxyCheck "GET" "tools/proxy/check" only V1),
    line!(BalanceGet "GET" "balance/get"),
    line!(BalanceAdd "POST" "balance/add"),
    line!(PaymentsList "GET" "balance/payments/list"),
    line!(AutoTopUpGet "GET" "balance/autotopup/get" only V2),
    line!(AutoTopUpSet "POST" "balance/autotopup/set" only V2),
    line!(ReferenceList "GET" "reference/list" may be typed),
    line!(OrderCalc "POST" "order/calc" may be typed),
    line!(OrderMake "POST" "order/make" may be typed),
    line!(OrderList "GET" "order/list" only V2),
    line!(ProlongCalc "POST" "prolong/calc" typed),
    // An old page says so. What spends is never done by a GET.
    line!(ProlongCalc "GET" "prolong/calc" typed),
    line!(ProlongMake "POST" "prolong/make" typed),
    line!(AutoProlongCalc "POST" "autoprolong/calc" typed only V2),
    line!(AutoProlongEnable "POST" "autoprolong/enable" typed only V2),
    line!(AutoProlongDisable "POST" "autoprolong/disable" typed only V2),
    line!(Ping "GET" "system/ping" only V1),
    line!(Resident "GET" "resident/package"),
    line!(Resident "GET" "resident/geo"),
    line!(Resident "GET" "resident/geo/isp"),
    line!(Resident "GET" "resident/geo/count"),
    line!(Resident "POST" "resident/consumption"),
    line!(Resident "POST" "resident/traffic/details"),
    line!(Resident "GET" "resident/lists"),
    line!(Resident "POST" "resident/list"),
    line!(Resident "POST" "resident/list/add"),
    line!(Resident "POST" "resident/list/rename"),
    line!(Resident "POST" "resident/list/rotation"),
    line!(Resident "PUT" "resident/list/tools"),
    line!(Resident "DELETE" "resident/list/delete"),
    line!(Resident "POST" "residentsubuser/create"),
    line!(Resident "POST" "residentsubuser/update"),
    line!(Resident "GET" "residentsubuser/packages"),
    line!(Resident "DELETE" "residentsubuser/delete"),
    line!(Resident "GET" "residentsubuser/lists"),
    line!(Resident "POST" "residentsubuser/list/add"),
    line!(Resident "POST" "residentsubuser/list/rename"),
    line!(Resident "POST" "residentsubuser/list/rotation"),
    line!(Resident "PUT" "residentsubuser/list/tools"),
    line!(Resident "DELETE" "residentsubuser/list/delete"),
];

impl Line {
    /// The whole path in a version, with the key and the section left open.
    pub(crate) fn template(&self, version: Version) -> Option<&'static str> {
        let [v1, v2] = self.templates;
        match version {
            Version::V1 => v1,
            Version::V2 => v2,
        }
    }

    /// Finds this line in `path`; the section behind it, if there may be one.
    fn section_in<'p>(&self, version: Version, path: &'p str) -> Option<Option<Cow<'p, str>>> {
        let rest = path.strip_prefix(self.path)?;
        if rest.is_empty() {
            return Some(None);
        }
        // Clients of v1 for two languages leave the slash out where the section must be there.
        let glued = version == Version::V1 && self.typed == Typed::Required;
        let name = match rest.strip_prefix('/') {
            Some(name) => name,
            None if glued => rest,
            None => return None,
        };
        if self.typed == Typed::Never || name.contains('/') {
            return None;
        }
        let name = query::decoded(name, false);
        // What some clients make of a parameter that was not given.
        let nothing = ["", "None", "null", "undefined"].contains(&name.trim());
        Some(Some(name).filter(|_| !nothing))
    }
}

impl Call {
    /// The call that a path names behind its key.
    pub(crate) fn find<'p>(version: Version, method: &Method, path: &'p str) -> Option<Found<'p>> {
        LINES.iter().filter(|line| line.method == method.as_str()).find_map(|line| {
            let template = line.template(version)?;
            let section = line.section_in(version, path)?;
            let takes_body = line.method != "GET";
            Some(Found { call: line.call, template, takes_body, section })
        })
    }

    /// The method that a path wants which is a call with another; `None` if there is none.
    pub(crate) fn method(version: Version, path: &str) -> Option<&'static str> {
        let mut lines = LINES.iter().filter(|line| line.template(version).is_some());
        let named = lines.find(|line| line.section_in(version, path).is_some());
        named.map(|line| line.method)
    }

    /// Whether it changes anything, which a key for looking may not.
    pub(crate) fn changes(self) -> bool {
        self.spends()
            || matches!(
                self,
                Call::AuthAdd
                    | Call::AuthAddIp
                    | Call::AuthChange
                    | Call::AuthActive
                    | Call::AuthDelete
                    | Call::ProxyReplace
                    | Call::CommentSet
                    | Call::BalanceAdd
                    | Call::AutoTopUpSet
                    | Call::AutoProlongEnable
                    | Call::AutoProlongDisable
            )
    }

    /// Whether it spends money, so that a repetition must be known.
    pub(crate) fn spends(self) -> bool {
        matches!(self, Call::OrderMake | Call::ProlongMake)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        version: Version,
        method: &Method,
        path: &str,
        expected: Option<(Call, Option<&str>)>,
    ) {
        let found = Call::find(version, method, path);
        let found = found.as_ref().map(|it| (it.call, it.section.as_deref()));
        assert_eq!(found, expected, "{method} {path}");
    }

    #[test]
    fn every_line_is_found_by_its_path() {
        for line in LINES {
            let method = Method::from_bytes(line.method.as_bytes()).unwrap();
            for version in [Version::V1, Version::V2] {
                let expected = line.template(version).map(|_| (line.call, None));
                check(version, &method, line.path, expected);
            }
        }
    }

    #[test]
    fn a_section_stands_behind_a_call_in_many_ways() {
        use Version::{V1, V2};
        let (get, post) = (Method::GET, Method::POST);
        let reference = |section| Some((Call::ReferenceList, section));
        for nothing in ["reference/list", "reference/list/", "reference/list/None"] {
            check(V1, &get, nothing, reference(None));
        }
        check(V2, &get, "reference/list/MIX-ISP", reference(Some("MIX-ISP")));
        check(V2, &get, "reference/list/mix%20isp", reference(Some("mix isp")));
        check(V1, &get, "reference/listipv4", None);
        check(V1, &get, "reference/list/ipv4/x", None);
        let calc = |section| Some((Call::ProlongCalc, section));
        check(V1, &post, "prolong/calc/ipv4", calc(Some("ipv4")));
        check(V1, &post, "prolong/calcipv4", calc(Some("ipv4")));
        check(V2, &post, "prolong/calcipv4", None);
        check(V1, &post, "prolong/makemix_isp", Some((Call::ProlongMake, Some("mix_isp"))));
        check(V1, &get, "prolong/calc/ipv4", calc(Some("ipv4")));
        check(V1, &post, "order/make/ipv6", Some((Call::OrderMake, Some("ipv6"))));
    }

    #[test]
    fn nothing_else_is_found_and_no_get_spends() {
        for path in ["", "balance", "balance/get/x", "Balance/Get", "prolong", "order/calculate"] {
            check(Version::V1, &Method::GET, path, None);
        }
        for path in ["order/make", "prolong/make/ipv4", "prolong/makeipv4"] {
            check(Version::V1, &Method::GET, path, None);
        }
        check(Version::V2, &Method::GET, "system/ping", None);
    }
}
