//! The words and rules of Sublet: no I/O, no clock, no formats.
