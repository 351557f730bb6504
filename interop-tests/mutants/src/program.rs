//! Client and server programs with one fault each, as a person would run them.
//!
//! Those of the suite `programs` need no server, because what they print is what is wrong with them.
//! The others run the real client and spoil what it says, or how it ends.

use std::io::Write;
use std::process::{Command, ExitCode};

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
        Some("client-hangs-after-its-call") => {
            real_client(str::to_owned);
            loop {
                std::thread::park();
            }
        }
        Some("client-says-unknown") => {
            real_client(|stderr| stderr.replace("StatusCode.UNAVAILABLE", "StatusCode.UNKNOWN"))
        }
        Some("client-says-nothing") => real_client(|_| String::new()),
        Some("client-exits-with-3") => {
            real_client(str::to_owned);
            ExitCode::from(3)
        }
        other => panic!("no such fault: {other:?}"),
    }
}

/// Lets the real client make its call, and says what `spoil` makes of what it says on stderr.
fn real_client(spoil: impl Fn(&str) -> String) -> ExitCode {
    let ended =
        Command::new(crate::sibling("calculator-client")).output().expect("the real client");
    std::io::stdout().write_all(&ended.stdout).expect("somebody listens");
    eprint!("{}", spoil(&String::from_utf8_lossy(&ended.stderr)));
    if ended.status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
