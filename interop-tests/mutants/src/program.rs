//! Client and server programs with one fault each, as users run them.
//!
//! Those for the suite `programs` need no server, because only their output is wrong. The others run the real client
//! and falsify its stderr or its exit status.

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
        other => panic!("unknown fault of a program: {other:?}"),
    }
}

/// Runs the real client and prints its stderr as changed by `falsify`.
fn real_client(falsify: impl Fn(&str) -> String) -> ExitCode {
    let ended = Command::new(crate::sibling("calculator-client"))
        .output()
        .expect("cannot run calculator-client");
    std::io::stdout().write_all(&ended.stdout).expect("cannot write to stdout");
    eprint!("{}", falsify(&String::from_utf8_lossy(&ended.stderr)));
    if ended.status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
