//! Attached servers, which the tool did not start: it runs trials against them, never terminates them, and reports a
//! missing one.
//!
//! The tests start the servers like the tool does.

use std::path::Path;
use std::sync::PoisonError;

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::mutants::PORT;
use crate::run;
use crate::run::MUTANTS;
use crate::run::Ran;
use crate::run::Run;
use grpc_interop::config::Peers;
use grpc_interop::process::{Logs, RunningServer};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("attach/a-server-of-which-only-the-address-is-known", only_the_address_is_known),
        ("attach/a-server-instead-of-that-of-a-peer", instead_of_that_of_a_peer),
        ("attach/a-server-of-a-file", of_a_file),
        ("attach/a-server-on-a-unix-socket", on_a_unix_socket),
        ("attach/a-server-on-port-50051-requires-goldens", on_port_50051),
        ("attach/options-are-not-supported", options_are_not_supported),
        ("attach/no-server", no_server),
        ("attach/a-server-that-exits", a_server_that_exits),
        ("attach/invalid-arguments", invalid_arguments),
    ])
}

/// A server that was started by a test.
pub(crate) struct Mine {
    server: RunningServer,
    _logs: TempDir,
}

impl Mine {
    /// Starts the server of a mutant like the suite `calls` does.
    pub(crate) fn start(mutant: &str, address: &str) -> Self {
        let places = crate::programs::places();
        let path = Path::new(crate::programs::ROOT).join(MUTANTS);
        let peers = Peers::read(Some(&path), &places, &[], &[]).expect("cannot read mutants.toml");
        let server = peers
            .named(mutant)
            .expect("there is no such mutant")
            .server
            .clone()
            .expect("the mutant has no server");
        let logs = tempfile::tempdir().expect("cannot create a folder for logs");
        let at = Logs::at(&logs.path().join("server"));
        let server = RunningServer::start(&server.for_calls(), &places, address, at);
        Self { server: server.expect("the server did not start"), _logs: logs }
    }

    pub(crate) fn address(&self) -> &str {
        &self.server.address
    }

    #[track_caller]
    fn is_alive(&self) {
        assert!(self.server.process.has_exited().is_none(), "the server should not be terminated");
    }
}

/// An address with a free port.
pub(crate) const ANY: &str = "127.0.0.1:0";

/// A run of the mutants with an attached server.
fn run(attachment: &str, filter: &str) -> Run {
    Run::of_mutants(filter).with("--attach", attachment)
}

#[track_caller]
fn all_results_are(ran: &Ran, result: &str) {
    ran.assert(!ran.trials().is_empty(), "at least one trial should run");
    ran.assert(
        ran.trials().values().all(|found| *found == result),
        &format!("all results should be: {result}"),
    );
}

fn only_the_address_is_known() {
    let mine = Mine::start("rust", ANY);
    // Twice, because a server in a debugger is tested repeatedly.
    for _ in 0..2 {
        let ran = run(mine.address(), "/root-of-16").and("--skip").and("hangs").finish();
        let names: Vec<_> = ran.trials().into_keys().collect();
        ran.assert(
            names.contains(&"calls/attached/rust/root-of-16"),
            "every client should call it",
        );
        let only = names.iter().all(|name| name.starts_with("calls/attached/"));
        ran.assert(only, "no other server should take part");
        ran.prints(&format!("attached: the server that listens at {}", mine.address()));
    }
    let health = run(mine.address(), "calls/attached/rust/health").finish();
    all_results_are(
        &health,
        "ignored (not supported: the server of peer `attached` lacks `health`)",
    );
    let compared = run(mine.address(), "server-parity/attached/root-of-")
        .with("--baseline", "golden")
        .with("--goldens", "interop-tests/goldens")
        .finish();
    all_results_are(&compared, "ok");
    mine.is_alive();
}

fn instead_of_that_of_a_peer() {
    let mine = Mine::start("one-wrong-answer", ANY);
    let ran = run(&format!("rust={}", mine.address()), "calls/rust/rust/root-of-").finish();
    ran.assert(
        ran.failed_cases().contains(&"root-of-2-is-rounded"),
        "the attached server should be called",
    );
    ran.assert(
        ran.trials()["calls/rust/rust/root-of-16"] == "ok",
        "the attached server should respond",
    );
    let address = mine.address();
    ran.prints(&format!("the server of peer `rust` is attached at {address}; interop would have"));
    ran.prints(&format!("--address {address} --streaming --health --reflection --test-behaviour)"));
    ran.prints(&format!(
        "  server     attached at {address}; interop would have started it with (cd "
    ));
    let again = format!("--attach rust={address} --exact calls/rust/rust/root-of-2-is-rounded'");
    ran.prints(&again);
    mine.is_alive();
}

const FILE: &str = "[[peer]]\nname = \"mine\"\nlanguage = \"x\"\n[peer.server]\nattach = \"HERE\"\n\
                    lacks = [\"health\"]\n\n[[peer]]\nname = \"asks\"\nlanguage = \"y\"\n\
                    agent = { command = [\"{bin}/calculator-agent\"] }\n";

fn of_a_file() {
    let mine = Mine::start("rust", ANY);
    let text = FILE.replace("HERE", mine.address());
    let run = |filter| Run::new().with_file("--peers", "peers.toml", &text).and(filter).finish();
    all_results_are(&run("calls/mine/asks/root-of-16"), "ok");
    let health = run("calls/mine/asks/health");
    all_results_are(&health, "ignored (not supported: the server of peer `mine` lacks `health`)");
    mine.is_alive();
}

fn on_a_unix_socket() {
    // Not in TMPDIR, which may be too long for the path of a socket.
    let folder = tempfile::tempdir_in("/tmp").expect("cannot create a folder for the socket");
    let mine = Mine::start("rust", &format!("unix:{}", folder.path().join("c.sock").display()));
    all_results_are(&run(mine.address(), "calls/attached/rust/unix/root-of-16").finish(), "ok");
    let ran = run(mine.address(), "calls/attached/rust/root-of-16").finish();
    let at = mine.address();
    let why = format!(
        "the server of peer `attached` is attached at {at}, so it cannot be started with `plain`"
    );
    all_results_are(&ran, &format!("ignored (not supported: {why})"));
    mine.is_alive();
}

/// The reference needs the same port, so it cannot run at the same time.
fn on_port_50051() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    let mine = Mine::start("rust", "127.0.0.1:50051");
    let run = Run::new().with("--without", "python").with("--without", "python-asyncio");
    let run = run.with("--attach", mine.address()).and("--exact");
    let ran = run.and("server-parity/attached/root-of-2").finish();
    all_results_are(&ran, "ok");
    ran.prints("server-parity compares with the goldens").ends_with_status(0);
    mine.is_alive();
}

fn options_are_not_supported() {
    let mine = Mine::start("rust", ANY);
    let ran = run(&format!("rust={}", mine.address()), "calls/rust/rust/").finish();
    for what in ["started with `tls`", "started with `max-connection-age`", "killed or measured"] {
        let why = format!(
            "the server of peer `rust` is attached at {}, so it cannot be {what}",
            mine.address()
        );
        let expected = format!("ignored (not supported: {why})");
        ran.assert(ran.trials().values().any(|result| *result == expected), &expected);
    }
    ran.prints("0 failed").ends_with_status(0);
    mine.is_alive();
}

fn no_server() {
    let address = Mine::start("rust", ANY).address().to_owned();
    let ran = run(&address, "root-of-16").finish();
    ran.ends_with_status(2).prints("no server responds at ");
    ran.prints(&address).prints("start it, or exclude the peer with --without attached");
    ran.assert(ran.trials().is_empty(), "no trial should run");
    let ran = run(&format!("rust={address}"), "root-of-16").finish();
    ran.ends_with_status(2).prints("interop would have started it with:\n  for calls: (cd ");
    let skipped = run(&format!("rust={address}"), "calls/rust/rust/root-of-16");
    let skipped = skipped.with("--without", "rust").finish();
    skipped.ends_with_status(2).prints("interop: --without rust skips all 1 trials");
    run(&address, "root-of-16").and("--list").finish().ends_with_status(0);
}

fn a_server_that_exits() {
    let mine = Mine::start("dies", ANY);
    let run = run(mine.address(), "calls/attached/rust/root-of-").with("--test-threads", "1");
    let ran = run.finish();
    let address = mine.address();
    ran.assert(ran.failed_cases().contains(&"root-of-3-is-rounded"), "the case should fail");
    ran.prints("calls/attached/rust/root-of-3-is-rounded: the server exited during this case, and");
    ran.prints(&format!("no server responds at {address}, where it was attached: "));
    ran.prints(&format!("the server that is attached at {address} exited in an earlier case"));
    ran.prints("1 failed").prints("1 set-up error").ends_with_status(101);
}

fn invalid_arguments() {
    let refused = |attachment: &str, message: &str| {
        let ran = Run::of_mutants("root-of-16").with("--attach", attachment).finish();
        ran.ends_with_status(2)
            .prints(message)
            .assert(ran.trials().is_empty(), "no trial should run");
    };
    refused("localhost", "'localhost' is not an address: use HOST:PORT");
    refused("http://localhost:1", "'http://localhost:1' is not an address");
    refused("rust=", "'' is not an address");
    refused("=localhost:1", "the name of the peer before `=` is empty");
    refused("nobody=localhost:1", "--attach nobody=localhost:1: there is no peer `nobody`; the");
    refused("cannot=localhost:1", "--attach cannot=localhost:1: the peer `cannot` has no `server`");
    let twice = run("rust=localhost:1", "").with("--attach", "rust=localhost:2").finish();
    twice
        .ends_with_status(2)
        .prints("--attach rust=localhost:2: a server is already attached for the peer `rust`");
    let text = FILE.replace("HERE", "here");
    let bad = Run::new().with_file("--peers", "peers.toml", &text).finish();
    bad.ends_with_status(2).prints("peers.toml:5: 'here' is not an address");
    for (more, line) in [("command = [\"sh\"]", 6), ("calls = [\"-x\"]", 2)] {
        let text = FILE.replace("\"HERE\"\n", &format!("\"localhost:1\"\n{more}\n"));
        let bad = Run::new().with_file("--peers", "peers.toml", &text).finish();
        bad.ends_with_status(2).prints(&format!("peers.toml:{line}: `attach` and"));
    }
}
