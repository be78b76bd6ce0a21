//! The program: command line, configuration and composition.

mod bench;
mod check;
mod cli;
mod config;
mod console;
mod database;
mod demo;
mod handover;
mod logging;
mod nodes;
mod outpost;
mod problem;
mod progress;
mod random;
mod reading;
mod receipt;
mod serve;
mod shop;
mod signals;
mod traffic;

use std::process::ExitCode;

use crate::console::Console;

/// A request makes some fifty small things and throws them away again, on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut console = Console::of_the_process();
    match cli::run(std::env::args_os(), &mut console) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => problem.tell(&mut console),
    }
}
