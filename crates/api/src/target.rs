//! What a request is addressed to, where the path holds a key.

use std::borrow::Cow;
use std::fmt;

use axum::extract::Request;
use axum::http::Uri;

use crate::proxyseller::Version;

/// The dialects that carry their key in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/client/api/v1/{apiKey}/…`
    Youproxy,
    /// `/personal/api/v1/{apiKey}/…` and `/personal/api/v2/{apiKey}/…`
    ProxySeller(Version),
}

impl Dialect {
    const ALL: [Dialect; 3] =
        [Dialect::Youproxy, Dialect::ProxySeller(Version::V1), Dialect::ProxySeller(Version::V2)];

    /// What the path has in front of the key.
    fn prefix(self) -> &'static str {
        match self {
            Dialect::Youproxy => "/client/api/v1/",
            Dialect::ProxySeller(Version::V1) => "/personal/api/v1/",
            Dialect::ProxySeller(Version::V2) => "/personal/api/v2/",
        }
    }
}

/// An API key as a client has shown it. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key<'a>(Cow<'a, str>);

impl Key<'_> {
    /// The key itself, to be looked up and nothing else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Key<'a> {
    fn from(text: &'a str) -> Key<'a> {
        Key(Cow::Borrowed(text))
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A target with a key in its path, behind the prefix of a dialect, taken away from its request so
/// that nothing else gets to see the key. `Debug` does not show it either.
pub(crate) struct Target {
    dialect: Dialect,
    uri: Uri,
}

impl Target {
    /// Takes the target out of `request` if it has a key in it, and leaves `/` there.
    pub(crate) fn take(request: &mut Request) -> Option<Target> {
        let path = request.uri().path();
        let dialect = Dialect::ALL.into_iter().find(|it| path.starts_with(it.prefix()))?;
        Some(Target { dialect, uri: std::mem::take(request.uri_mut()) })
    }

    /// Which dialect it is of.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The key, decoded once.
    pub(crate) fn key(&self) -> Key<'_> {
        let (key, _) = self.parts();
        Key(crate::query::decoded(key, false))
    }

    /// What stands behind the key, without a slash at its end.
    pub(crate) fn call(&self) -> &str {
        let (_, call) = self.parts();
        call.strip_suffix('/').unwrap_or(call)
    }

    /// The query, undecoded.
    pub(crate) fn query(&self) -> &str {
        self.uri.query().unwrap_or("")
    }

    fn parts(&self) -> (&str, &str) {
        let rest = &self.uri.path()[self.dialect.prefix().len()..];
        rest.split_once('/').unwrap_or((rest, ""))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target(***)")
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn the_key_is_taken_away_and_never_shown() {
        let mut request = request("/client/api/v1/sec%72et/extend/order/?a=b");
        let target = Target::take(&mut request).unwrap();
        assert_eq!(target.key().reveal(), "secret");
        assert_eq!((target.call(), target.query()), ("extend/order", "a=b"));
        let shown = format!("{request:?} {target:?} {:?}", target.key());
        assert!(!shown.contains("sec"), "{shown}");
    }

    #[test]
    fn a_key_is_decoded_once_and_may_be_anything() {
        for (path, key, call) in [
            ("/client/api/v1//extend", "", "extend"),
            ("/client/api/v1/a%252Fb/balance", "a%2Fb", "balance"),
            ("/client/api/v1/a%2Fb/balance", "a/b", "balance"),
            ("/client/api/v1/a%zz%/balance", "a%zz%", "balance"),
            ("/client/api/v1/a+b/balance//", "a+b", "balance/"),
            ("/client/api/v1/a", "a", ""),
        ] {
            let target = Target::take(&mut request(path)).unwrap();
            assert_eq!((target.key().reveal(), target.call()), (key, call), "{path}");
        }
        assert!(Target::take(&mut request("/client/api/v1")).is_none());
        assert!(Target::take(&mut request("/personal/api/v3/a/balance/get")).is_none());
    }

    #[test]
    fn each_dialect_has_its_own_prefix() {
        for (path, dialect) in [
            ("/client/api/v1/secret/balance", Dialect::Youproxy),
            ("/personal/api/v1/secret/balance", Dialect::ProxySeller(Version::V1)),
            ("/personal/api/v2/secret/balance/", Dialect::ProxySeller(Version::V2)),
        ] {
            let target = Target::take(&mut request(path)).unwrap();
            assert_eq!((target.dialect(), target.key().reveal()), (dialect, "secret"));
            assert_eq!(target.call(), "balance");
        }
    }

    fn request(path: &str) -> Request {
        Request::builder().uri(path).body(Body::empty()).unwrap()
    }
}
