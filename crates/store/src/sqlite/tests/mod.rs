//! What is particular to the SQLite store; what every store must do is in
//! [`crate::conformance`].

mod books;
mod lists;
mod opening;
mod restoring;
mod shop;
mod statements;
mod usage;
