//! Holds calculator-server to bounds while it is attacked.
//!
//! Each attack has a server of its own, so that its peak of memory shows what this attack causes. How fast the server is
//! meanwhile depends on the machine, so only the benchmark measures it.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use grpc_interop::attack::{self, Attack, Outcome, table};
use grpc_interop::config::{Places, Program, Source};
use grpc_interop::process::{Exit, Logs, RunningServer, open_files, peak_memory_mib};
use serde::Deserialize;

/// How long an attack lasts. The server uses most memory within a part of it.
const DURATION: Duration = Duration::from_millis(1200);

/// The most memory that the server may use, in MiB: three times its `--message-memory`.
const MAX_MEMORY: f64 = 96.0;

/// How long the server may take to exit after an attack.
const MAX_DRAIN: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
struct Table {
    server: Program,
}

fn tables() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop-tests/scenarios/attacks")
}

/// Runs all attacks in the table `name`, one after the other.
fn withstands(name: &str) {
    // A thousand connections need more open files than the usual limit permits.
    open_files::allow_many();
    let attacks = table::read(&tables().join(name)).expect("the table is invalid");
    let failures: Vec<_> = attacks
        .iter()
        .flat_map(|attack| {
            let wrong = problems(attack).into_iter();
            wrong.map(|problem| format!("{} ({}): {problem}", attack.name(), attack.about()))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What is wrong with the server during this attack, and after it.
fn problems(attack: &Attack) -> Vec<String> {
    let logs = tempfile::tempdir().expect("cannot create a folder");
    let mut server = start(logs.path());
    let address: SocketAddr = server.address.parse().expect("the server printed no address");
    if let Some(files) = attack.open_files {
        match open_files::limit(server.process.pid(), files) {
            Err(error) if error.kind() == ErrorKind::Unsupported => return Vec::new(),
            limited => limited.expect("cannot limit files"),
        }
    }
    let Outcome { sent, calls, mut failures, .. } =
        attack::run(attack, address, DURATION).expect("cannot attack the server");
    match peak_memory_mib(server.process.pid()) {
        Some(peak) if peak > MAX_MEMORY => {
            failures.push(format!("the server used {peak:.0} MiB, more than {MAX_MEMORY}"));
        }
        None if cfg!(target_os = "linux") => failures.push("the server has exited".to_owned()),
        _ => {}
    }
    if calls == 0 {
        failures.push("the other client made no call".to_owned());
    }
    if sent == 0 && !attack.is_silent() {
        failures.push("the attacker sent nothing".to_owned());
    }
    server.process.interrupt();
    match server.process.wait(MAX_DRAIN, &mut String::new()) {
        Some(Exit::Status(0)) => {}
        Some(exit) => failures.push(format!("afterwards the server ended with {exit}")),
        None => failures.push(format!("the server did not exit within {MAX_DRAIN:?}")),
    }
    let stderr = server.process.logs.end_of_stderr();
    if !stderr.is_empty() {
        failures.push(format!("the server printed {stderr:?}"));
    }
    failures
}

fn start(logs: &Path) -> RunningServer {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bin = cargo_bin!("calculator-server").parent().expect("a program is in a folder");
    let places = Places::new(Some(root.to_owned()), bin.to_owned());
    let table = root.join("interop-tests/tests/attacks/server.toml");
    let (Table { server }, _) = Source::read(&table).expect("the entry is invalid");
    let logs = Logs::at(&logs.join("server"));
    RunningServer::start(&server, &places, "127.0.0.1:0", logs).expect("the server did not start")
}

/// One test for each table, and one that there is a test for each table.
macro_rules! tests {
    ($($test:ident: $table:literal,)*) => {
        $(
            #[test]
            fn $test() {
                withstands($table);
            }
        )*

        #[test]
        fn every_table_has_a_test() {
            let found = table::files_in(&tables()).expect("cannot read the folder");
            let names: Vec<_> = found.iter().filter_map(|path| path.file_name()?.to_str()).collect();
            assert_eq!(names, [$($table),*]);
        }
    };
}

tests! {
    connections: "connections.toml",
    floods: "floods.toml",
    header_blocks: "header-blocks.toml",
    messages: "messages.toml",
    resets: "resets.toml",
    slow_clients: "slow-clients.toml",
    windows: "windows.toml",
}
