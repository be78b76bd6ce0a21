//! Names of things, as each version writes them.

use serde::{Deserialize, Serialize};

/// What something is called: a number in v1, a text in v2.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    /// A number below 2⁵³, which every client can hold.
    Number(u64),
    /// 24 lower-case hexadecimal digits, a code, or a number as text where v1 writes it so.
    Text(String),
}

impl From<u64> for Id {
    fn from(number: u64) -> Id {
        Id::Number(number)
    }
}

impl From<String> for Id {
    fn from(text: String) -> Id {
        Id::Text(text)
    }
}
