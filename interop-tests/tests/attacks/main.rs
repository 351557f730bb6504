//! Holds calculator-server to bounds while it is attacked.
//!
//! Each attack has a server of its own, so that its peak of memory shows what this attack causes. How fast the server is
//! meanwhile depends on the machine, so only the benchmark measures it.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use grpc_interop::attack::{self, Attack, Outcome, table};
use grpc_interop::config::{Places, Program, Source};
use grpc_interop::process::{Exit, Logs, RunningServer};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use serde::Deserialize;

/// How long an attack lasts. The server uses most memory within a part of it.
const DURATION: Duration = Duration::from_millis(1200);

/// The most memory that the server may use, in MiB: three times its `--message-memory`.
const MAX_MEMORY: usize = 96;

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
    allow_connections();
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

/// A thousand connections need more open files than the usual limit permits.
fn allow_connections() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    setrlimit(Resource::Nofile, raised).expect("cannot raise the limit of open files");
}

/// What is wrong with the server during this attack, and after it.
fn problems(attack: &Attack) -> Vec<String> {
    let logs = tempfile::tempdir().expect("cannot create a folder");
    let mut server = start(logs.path());
    let address: SocketAddr = server.address.parse().expect("the server printed no address");
    if let Some(files) = attack.open_files {
        let limit = Rlimit { current: Some(files), maximum: Some(files) };
        prlimit(Some(server.process.pid()), Resource::Nofile, limit).expect("cannot limit files");
    }
    let Outcome { sent, calls, mut failures, .. } =
        attack::run(attack, address, DURATION).expect("cannot attack the server");
    let peak = peak_memory(server.process.pid());
    if peak > MAX_MEMORY {
        failures.push(format!("the server used {peak} MiB, more than {MAX_MEMORY}"));
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

/// The most memory that the process has used, in MiB.
fn peak_memory(process: Pid) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero()));
    let status = status.expect("the server has exited");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<usize>().ok()).expect("VmHWM is missing") / 1024
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
