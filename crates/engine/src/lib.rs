//! Where commands meet time and the database.
