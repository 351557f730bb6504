//! Client and server programs with one fault each, as a person would run them.
//!
//! They need no server: the suite compares what is printed and the exit status, and those are what
//! is wrong here.

use std::process::ExitCode;

/// The first argument that makes this program a mutant program; the fault follows.
pub(crate) const NAME: &str = "mutant-program";

pub(crate) fn main(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    eprintln!("pid {}", std::process::id());
    match arguments.next().as_deref() {
        Some("client-prints-4") => {
            println!("4");
            ExitCode::SUCCESS
        }
        Some("client-fails-silently") => {
            println!("4.0");
            ExitCode::FAILURE
        }
        Some("hangs") => loop {
            std::thread::park();
        },
        other => panic!("no such fault: {other:?}"),
    }
}
