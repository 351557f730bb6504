//! The command line of `calculator-server`: its output, its addresses and its errors.
//!
//! All tests use `--address`, because concurrent tests cannot share the default port.

use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;

use crate::support::LIMIT;
use crate::support::Process;
use crate::support::Server;
use crate::support::client;
use crate::support::client_of;
use crate::support::failing_server;

/// Asserts that a server at `address` responds with the root of 16.
fn assert_serves(address: SocketAddr) {
    client_of(address).assert().success().stdout("4.0\n").stderr("");
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

#[test]
fn the_first_lines_name_the_port() {
    let server = Server::start_at("127.0.0.1:0");
    assert!(server.address.ip().is_loopback() && server.address.is_ipv4());
    assert_serves(server.address);
}

#[test]
fn the_default_host_supports_ipv4_and_ipv6() {
    let server = Server::start_at("[::]:0");
    let port = server.address.port();
    assert_serves(SocketAddr::from(([127, 0, 0, 1], port)));
    if has_ipv6() {
        assert!(server.address.is_ipv6());
        assert_serves(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    }
}

#[test]
fn the_address_may_have_a_host_name() {
    let server = Server::start_at("localhost:0");
    let address = format!("localhost:{}", server.address.port());
    client().args(["--address", &address]).assert().success().stdout("4.0\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_machine_without_ipv6_uses_ipv4() {
    let Some(python) = crate::python::Python::find() else { return };
    // A host name may still have an IPv6 address, such as that of localhost in /etc/hosts.
    for address in ["[::]:0", "localhost:0"] {
        let mut command = python.command();
        command.args(["-m", "interop.without_ipv6"]).arg(cargo_bin!("calculator-server"));
        command.args(["--address", address]);
        let server = Server::ready(&mut command);
        assert!(server.address.is_ipv4(), "{address}: {}", server.address);
        assert_serves(SocketAddr::from(([127, 0, 0, 1], server.address.port())));
    }
}

#[test]
fn a_port_in_use_is_an_error_that_names_the_address() {
    let first = Server::start();
    let address = first.address.to_string();
    let refused = failing_server().args(["--address", &address]).assert().code(1).stdout("");
    let stderr = String::from_utf8_lossy(&refused.get_output().stderr);
    let start = format!("calculator-server: cannot listen on {address}: ");
    assert!(stderr.starts_with(&start), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "no stack trace: {stderr}");
}

#[test]
fn an_unknown_host_is_an_error_that_names_the_address() {
    // Longer than DNS allows, so no request is sent.
    let address = format!("{}:0", "x".repeat(64));
    let refused = failing_server().args(["--address", &address]).assert().code(1).stdout("");
    let stderr = String::from_utf8_lossy(&refused.get_output().stderr);
    let start = format!("calculator-server: cannot resolve {address}: ");
    assert!(stderr.starts_with(&start), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "no stack trace: {stderr}");
}

#[test]
fn an_invalid_command_line_prints_the_usage() {
    let wrong: [(&[&str], &str); 36] = [
        (&["--address"], "'--address <ADDRESS>'"),
        (&["--address", "localhost:name"], "'localhost:name' is not an address"),
        (&["--address", "http://localhost:1"], "'http://localhost:1' is not an address"),
        (&["--address", "127.0.0.1:65536"], "'127.0.0.1:65536' is not an address"),
        (&["--address", "-1"], "'-1' is not an address"),
        (&["--port", "50051"], "'--port'"),
        (&["--max-connection-age", "0"], "'--max-connection-age <SECONDS>'"),
        (&["--max-connection-age", "0"], "a number of seconds, more than 0"),
        (&["--max-connection-age", "-1"], "a number of seconds, more than 0"),
        (&["--max-connection-age", "inf"], "a number of seconds, at most 1000000000"),
        (&["--max-connection-age", "nan"], "a number of seconds, more than 0"),
        (&["--max-connection-age-grace", "0"], "'--max-connection-age-grace <SECONDS>'"),
        (&["--max-connection-idle", "0"], "'--max-connection-idle <SECONDS>'"),
        (&["--keepalive", "0"], "'--keepalive <SECONDS>'"),
        (&["--keepalive", "1e30"], "a number of seconds, at most 1000000000"),
        (&["--keepalive", "1", "--keepalive-timeout", "0"], "'--keepalive-timeout <SECONDS>'"),
        (&["--keepalive-timeout", "1"], "--keepalive <SECONDS>"),
        (&["--min-ping-interval", "0"], "'--min-ping-interval <SECONDS>'"),
        (&["--max-ping-strikes", "-1"], "'--max-ping-strikes <NUMBER>'"),
        (&["--drain", "0"], "'--drain <SECONDS>'"),
        (&["--drain", "-inf"], "a number of seconds, more than 0"),
        (&["--max-connections", "0"], "a number of connections, 1 or more"),
        (&["--max-connections", "-1"], "'--max-connections <NUMBER>'"),
        (&["--max-connections", "1.5"], "a number of connections, 1 or more"),
        (&["--max-connections", "18446744073709551615"], "files at most"),
        (&["--max-concurrent-streams", "0"], "a number of calls, 1 to 2048"),
        (&["--max-concurrent-streams", "2049"], "a number of calls, 1 to 2048"),
        (&["--max-concurrent-streams", "nan"], "'--max-concurrent-streams <NUMBER>'"),
        (&["--workers", "0"], "a number of threads, 1 or more"),
        (&["--workers", "two"], "a number of threads, 1 or more"),
        (&["--message-memory", "0"], "--message-memory <MIB>': this is a number of MiB, 8 or more"),
        (
            &["--message-memory", "-1"],
            "--message-memory <MIB>': this is a number of MiB, 8 or more",
        ),
        (&["--message-memory", "7"], "--message-memory <MIB>': this is a number of MiB, 8 or more"),
        (&["--message-memory", "999999999"], "--message-memory <MIB>': this machine has "),
        (&["50051"], "'50051'"),
        (&["-5"], "'-5'"),
    ];
    for (arguments, named) in wrong {
        let refused = failing_server().args(arguments).assert().code(2).stdout("");
        let stderr = String::from_utf8_lossy(&refused.get_output().stderr);
        assert!(stderr.starts_with("error: ") && stderr.contains(named), "{stderr}");
        assert!(stderr.contains("\nUsage: calculator-server [OPTIONS]\n"), "{stderr}");
    }
}

#[test]
fn help_and_version() {
    for help in ["--help", "-h"] {
        let shown = failing_server().arg(help).assert().success().stderr("");
        let stdout = String::from_utf8_lossy(&shown.get_output().stdout);
        for option in [
            "Usage: calculator-server",
            "--address",
            "--reuse-port",
            "--streaming",
            "--health",
            "--reflection",
            "--tls-certificate",
            "--tls-key",
            "--tls-client-ca",
            "--max-connections",
            "--max-concurrent-streams",
            "--max-connection-idle",
            "--max-connection-age",
            "--max-connection-age-grace",
            "--keepalive",
            "--keepalive-timeout",
            "--min-ping-interval",
            "--max-ping-strikes",
            "--keepalive-permit-without-calls",
            "--drain",
            "--workers",
            "--message-memory",
            "--test-behaviour",
            "Only for tests",
            "--help",
            "--version",
        ] {
            assert!(stdout.contains(option), "{option} in {stdout}");
        }
    }
    let version = concat!("calculator-server ", env!("CARGO_PKG_VERSION"), "\n");
    failing_server().arg("--version").assert().success().stdout(version).stderr("");
}

#[test]
fn a_closed_stdout_does_not_matter() {
    let (reader, writer) = std::io::pipe().expect("cannot create a pipe");
    drop(reader);
    let mut command = Command::new(cargo_bin!("calculator-server"));
    let server = Process::start(command.args(["--address", "127.0.0.1:0"]).stdout(writer));
    assert_serves(listening_socket(server.id()));
}

/// The address on which a process listens, found without its output.
fn listening_socket(id: u32) -> SocketAddr {
    let deadline = Instant::now() + LIMIT;
    loop {
        let all = listeners::get_all().expect("cannot read the table of sockets");
        let is_its = |one: &&listeners::Listener| {
            one.process.pid == id && one.state == listeners::SocketState::Listen
        };
        if let Some(listener) = all.iter().find(is_its) {
            return listener.socket;
        }
        assert!(Instant::now() < deadline, "process {id} does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
}
