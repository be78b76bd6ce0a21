//! HTTP for programs: each dialect in front of the one core.
