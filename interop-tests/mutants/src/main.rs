//! `interop-mutants`: servers, agents and programs with one fault each, and a proxy, for the tests of the interop tool.
//!
//! The first argument selects the kind of mutant. The calculator with plain tonic is one of them, because it differs
//! from grpcio in many ways.

#![allow(
    clippy::expect_used,
    reason = "a mutant that cannot do its work must panic, which makes the test fail"
)]

mod agent;
mod plain_tonic_agent;
mod program;
mod proxy;
mod server;
mod suspend;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("server") => server::main(arguments),
        Some("agent") => agent::main(arguments),
        Some("program") => program::main(arguments),
        Some("proxy") => proxy::main(arguments),
        Some("plain-tonic-server") => plain_tonic_server(arguments),
        Some("plain-tonic-agent") => plain_tonic_agent::main(),
        other => panic!("unknown kind of mutant: {other:?}"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn plain_tonic_server(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let address =
        arguments.next().expect("the address is missing").parse().expect("the address is invalid");
    interop_rivals::plain_tonic::serve(address).await.expect("the server failed");
    ExitCode::SUCCESS
}

/// The path of another program of the project, which is in the same directory.
fn sibling(name: &str) -> PathBuf {
    std::env::current_exe().expect("the path of this program is unknown").with_file_name(name)
}
