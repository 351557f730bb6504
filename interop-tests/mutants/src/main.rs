//! `interop-mutants`: servers, agents and programs with one fault each, for the tests of the interop tool.
//!
//! One program, whose first argument chooses the kind of mutant. The calculator on plain tonic is among
//! them: to a client of grpcio it is one long list of faults.

#![allow(
    clippy::expect_used,
    reason = "a mutant that cannot do its part fails the test by panicking"
)]

mod agent;
mod plain_tonic_agent;
mod program;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("server") => server::main(arguments),
        Some("agent") => agent::main(arguments),
        Some("program") => program::main(arguments),
        Some("plain-tonic-server") => plain_tonic_server(arguments),
        Some("plain-tonic-agent") => plain_tonic_agent::main(),
        other => panic!("no such mutant: {other:?}"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn plain_tonic_server(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let address = arguments.next().expect("an address").parse().expect("an address");
    interop_rivals::plain_tonic::serve(address).await.expect("the transport works");
    ExitCode::SUCCESS
}

/// One of the calculator's own programs, which are built into the same folder.
fn sibling(name: &str) -> PathBuf {
    std::env::current_exe().expect("this program").with_file_name(name)
}
