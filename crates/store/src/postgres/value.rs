//! What statements are given: few types, each with the one that PostgreSQL is told.
//!
//! The columns are numbers, text and bytes, so that there is no guessing: a statement is prepared,
//! or sent without being prepared, with the types of its values.

use tokio_postgres::types::{ToSql, Type};

/// A value of a statement, or a list of them.
pub(super) trait Value: ToSql + Sync {
    /// What PostgreSQL is told that it is.
    fn sql_type(&self) -> Type;
}

macro_rules! values {
    ($($rust:ty => $sql:ident, $list:ident;)*) => {
        $(
            impl Value for $rust {
                fn sql_type(&self) -> Type {
                    Type::$sql
                }
            }

            impl Value for Option<$rust> {
                fn sql_type(&self) -> Type {
                    Type::$sql
                }
            }

            impl Value for Vec<$rust> {
                fn sql_type(&self) -> Type {
                    Type::$list
                }
            }

            impl Value for Vec<Option<$rust>> {
                fn sql_type(&self) -> Type {
                    Type::$list
                }
            }
        )*
    };
}

values! {
    i64 => INT8, INT8_ARRAY;
    &str => TEXT, TEXT_ARRAY;
    String => TEXT, TEXT_ARRAY;
    &[u8] => BYTEA, BYTEA_ARRAY;
    Vec<u8> => BYTEA, BYTEA_ARRAY;
}
