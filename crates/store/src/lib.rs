//! Where the books are kept: the only crate with SQL in it.
