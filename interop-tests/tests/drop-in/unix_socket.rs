//! `calculator-server --address unix:PATH`: what it says, and what becomes of the file.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::raw_call::FOUR;
use crate::raw_call::root_of_16;
use crate::support::LIMIT;
use crate::support::Process;
use crate::support::failing_server;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    (folder, path)
}

/// A server that has said that it listens there.
fn start(path: &Path) -> Process {
    let mut command = Command::new(cargo_bin!("calculator-server"));
    let address = format!("unix:{}", path.display());
    let (process, announced) = Process::announced(command.args(["--address", &address]));
    let expected =
        [format!("Starting server. Listening on {address}."), format!("Address: {address}")];
    assert_eq!(announced, expected);
    process
}

fn assert_serves(path: &Path, authority: &str) {
    let connection = UnixStream::connect(path).expect("it listens");
    connection.set_read_timeout(Some(LIMIT)).expect("a limit above zero");
    assert_eq!(root_of_16(connection, authority).expect("an answer"), FOUR);
}

#[test]
fn whatever_a_client_calls_it_it_answers() {
    let (_folder, path) = folder();
    let _server = start(&path);
    assert_serves(&path, "localhost");
    // As grpcio does, which HTTP/2 does not allow.
    assert_serves(&path, "tmp%2Ffolder%2Fsocket");
}

#[test]
fn the_file_goes_with_the_server() {
    for signal in [Signal::INT, Signal::TERM] {
        let (_folder, path) = folder();
        let server = start(&path);
        server.send(signal);
        server.ends_well();
        assert!(!path.exists(), "after {signal:?}");
    }
}

#[test]
fn a_file_that_was_left_behind_is_replaced() {
    let (_folder, path) = folder();
    let mut killed = start(&path);
    killed.send(Signal::KILL);
    killed.ended_within(LIMIT).expect("nobody survives it");
    let refused = UnixStream::connect(&path).map_err(|error| error.kind());
    assert_eq!(refused.map(drop), Err(ErrorKind::ConnectionRefused), "left over");
    let _server = start(&path);
    assert_serves(&path, "localhost");
}

#[test]
fn a_path_that_is_taken_is_an_error_and_stays_as_it_is() {
    let (folder, path) = folder();
    let mut first = start(&path);
    let text = folder.path().join("text");
    fs::write(&text, "a text").expect("a file");
    for (taken, why) in
        [(&path, "another server listens there"), (&text, "there is a file that is no socket")]
    {
        let address = format!("unix:{}", taken.display());
        let refused = failing_server().args(["--address", &address]).assert().code(1).stdout("");
        let stderr = String::from_utf8_lossy(&refused.get_output().stderr);
        let start = format!("calculator-server: cannot listen on {address}: {why}");
        assert!(stderr.starts_with(&start), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    assert_serves(&path, "localhost");
    assert_eq!(fs::read(&text).expect("still there"), b"a text");
    assert_eq!(first.ended_within(Duration::ZERO), None);
}
