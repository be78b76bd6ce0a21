//! Opening and making databases.
