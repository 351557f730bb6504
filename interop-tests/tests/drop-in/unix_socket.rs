//! `calculator-server --address unix:PATH`: its output, and its socket file.

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
    // Not in TMPDIR, which may be too long for the path of a socket.
    let folder = tempfile::tempdir_in("/tmp").expect("cannot create a folder");
    let path = folder.path().join("socket");
    (folder, path)
}

/// Starts a server and waits until it listens at `path`.
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
    let connection = UnixStream::connect(path).expect("cannot connect");
    connection.set_read_timeout(Some(LIMIT)).expect("cannot set the timeout");
    assert_eq!(root_of_16(connection, authority).expect("the call failed"), FOUR);
}

#[test]
fn any_authority_is_accepted() {
    let (_folder, path) = folder();
    let _server = start(&path);
    assert_serves(&path, "localhost");
    // The authority of grpcio, which is invalid in HTTP/2.
    assert_serves(&path, "tmp%2Ffolder%2Fsocket");
}

#[test]
fn the_file_is_deleted_on_exit() {
    for signal in [Signal::INT, Signal::TERM] {
        let (_folder, path) = folder();
        let server = start(&path);
        server.send(signal);
        server.ends_well();
        assert!(!path.exists(), "after {signal:?}");
    }
}

#[test]
fn a_leftover_file_is_replaced() {
    let (_folder, path) = folder();
    let mut killed = start(&path);
    killed.send(Signal::KILL);
    killed.ended_within(LIMIT).expect("the server did not exit after SIGKILL");
    let refused = UnixStream::connect(&path).map_err(|error| error.kind());
    assert_eq!(
        refused.map(drop),
        Err(ErrorKind::ConnectionRefused),
        "nothing should listen on the leftover file"
    );
    let _server = start(&path);
    assert_serves(&path, "localhost");
}

#[test]
fn a_path_in_use_is_an_error_and_is_not_changed() {
    let (folder, path) = folder();
    let mut first = start(&path);
    let text = folder.path().join("text");
    fs::write(&text, "a text").expect("cannot write a file");
    for (used, why) in
        [(&path, "another server listens there"), (&text, "there is a file that is no socket")]
    {
        let address = format!("unix:{}", used.display());
        let refused = failing_server().args(["--address", &address]).assert().code(1).stdout("");
        let stderr = String::from_utf8_lossy(&refused.get_output().stderr);
        let start = format!("calculator-server: cannot listen on {address}: {why}");
        assert!(stderr.starts_with(&start), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    assert_serves(&path, "localhost");
    assert_eq!(fs::read(&text).expect("cannot read the file"), b"a text");
    assert_eq!(first.ended_within(Duration::ZERO), None);
}
