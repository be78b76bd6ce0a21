//! The books in one SQLite file.

mod backup;
