//! The program: command line, configuration and composition.
fn main() {}
