//! Servers that the tool has not started: trials run against them, they are never ended, and one that is
//! missing is reported.
//!
//! The tests start them as the tool would, and keep them.

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
        ("attach/a-server-in-the-place-of-a-peers", in_the_place_of_a_peers),
        ("attach/a-server-of-a-file", of_a_file),
        ("attach/a-server-on-a-unix-socket", on_a_unix_socket),
        ("attach/a-server-on-port-50051-leaves-the-goldens", on_the_documents_port),
        ("attach/what-it-cannot-do-is-not-supported", what_it_cannot_do),
        ("attach/nobody-is-there", nobody_is_there),
        ("attach/it-goes-away", it_goes_away),
        ("attach/wrong-words", wrong_words),
    ])
}

/// A server that a test has started.
pub(crate) struct Mine {
    server: RunningServer,
    _logs: TempDir,
}

impl Mine {
    /// The server of a mutant as the suite `calls` starts it.
    pub(crate) fn start(mutant: &str, address: &str) -> Self {
        let places = crate::programs::places();
        let path = Path::new(crate::programs::ROOT).join(MUTANTS);
        let peers = Peers::read(Some(&path), &places, &[]).expect("the mutants");
        let server = peers.named(mutant).expect("a mutant").server.clone().expect("a server");
        let logs = tempfile::tempdir().expect("a folder for logs");
        let at = Logs::at(&logs.path().join("server"));
        let server = RunningServer::start(&server.for_calls(), &places, address, at);
        Self { server: server.expect("it starts"), _logs: logs }
    }

    pub(crate) fn address(&self) -> &str {
        &self.server.address
    }

    #[track_caller]
    fn is_alive(&self) {
        assert!(self.server.process.has_exited().is_none(), "nobody has ended it");
    }
}

pub(crate) const ANY: &str = "127.0.0.1:0";

/// Trials of the mutants in which somebody is attached.
fn run(attachment: &str, filter: &str) -> Run {
    Run::of_mutants(filter).with("--attach", attachment)
}

#[track_caller]
fn all_say(ran: &Ran, result: &str) {
    ran.assert(!ran.trials().is_empty(), "something runs");
    ran.assert(ran.trials().values().all(|said| *said == result), &format!("all are {result}"));
}

fn only_the_address_is_known() {
    let mine = Mine::start("rust", ANY);
    // Twice, because a server in a debugger is run against again and again.
    for _ in 0..2 {
        let ran = run(mine.address(), "/root-of-16").and("--skip").and("hangs").finish();
        let names: Vec<_> = ran.trials().into_keys().collect();
        ran.assert(names.contains(&"calls/attached/rust/root-of-16"), "every client asks it");
        let only = names.iter().all(|name| name.starts_with("calls/attached/"));
        ran.assert(only, "no other server takes part");
        ran.says(&format!("attached: the server that listens at {}", mine.address()));
    }
    let health = run(mine.address(), "calls/attached/rust/health").finish();
    all_say(&health, "ignored (not supported: the server of peer `attached` lacks `health`)");
    let compared = run(mine.address(), "server-parity/attached/root-of-")
        .with("--baseline", "golden")
        .with("--goldens", "interop-tests/goldens")
        .finish();
    all_say(&compared, "ok");
    mine.is_alive();
}

fn in_the_place_of_a_peers() {
    let mine = Mine::start("one-wrong-answer", ANY);
    let ran = run(&format!("rust={}", mine.address()), "calls/rust/rust/root-of-").finish();
    ran.assert(ran.failed_cases().contains(&"root-of-2-is-rounded"), "this one is asked");
    ran.assert(ran.trials()["calls/rust/rust/root-of-16"] == "ok", "it answers");
    let address = mine.address();
    ran.says(&format!("the server of peer `rust` is attached at {address}; interop would have"));
    ran.says(&format!("--address {address} --health --reflection --test-behaviour)"));
    ran.says(&format!(
        "  server     attached at {address}; interop would have started it with (cd "
    ));
    let again = format!("--attach rust={address} --exact calls/rust/rust/root-of-2-is-rounded'");
    ran.says(&again);
    mine.is_alive();
}

const FILE: &str = "[[peer]]\nname = \"mine\"\nlanguage = \"x\"\n[peer.server]\nattach = \"HERE\"\n\
                    lacks = [\"health\"]\n\n[[peer]]\nname = \"asks\"\nlanguage = \"y\"\n\
                    agent = { command = [\"{bin}/calculator-agent\"] }\n";

fn of_a_file() {
    let mine = Mine::start("rust", ANY);
    let text = FILE.replace("HERE", mine.address());
    let run = |filter| Run::new().with_file("--peers", "peers.toml", &text).and(filter).finish();
    all_say(&run("calls/mine/asks/root-of-16"), "ok");
    let health = run("calls/mine/asks/health");
    all_say(&health, "ignored (not supported: the server of peer `mine` lacks `health`)");
    mine.is_alive();
}

fn on_a_unix_socket() {
    let folder = tempfile::tempdir().expect("a folder for the socket");
    let mine = Mine::start("rust", &format!("unix:{}", folder.path().join("c.sock").display()));
    all_say(&run(mine.address(), "calls/attached/rust/unix/root-of-16").finish(), "ok");
    let ran = run(mine.address(), "calls/attached/rust/root-of-16").finish();
    let at = mine.address();
    let why = format!(
        "the server of peer `attached` is attached at {at}, so it cannot be started with `plain`"
    );
    all_say(&ran, &format!("ignored (not supported: {why})"));
    mine.is_alive();
}

/// The reference, which has to have the same port, cannot run beside it.
fn on_the_documents_port() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    let mine = Mine::start("rust", "127.0.0.1:50051");
    let run = Run::new().with("--without", "python").with("--without", "python-asyncio");
    let run = run.with("--attach", mine.address()).and("--exact");
    let ran = run.and("server-parity/attached/root-of-2").finish();
    all_say(&ran, "ok");
    ran.says("server-parity compares with the goldens").ends_with_status(0);
    mine.is_alive();
}

fn what_it_cannot_do() {
    let mine = Mine::start("rust", ANY);
    let ran = run(&format!("rust={}", mine.address()), "calls/rust/rust/").finish();
    for what in ["started with `tls`", "started with `max-connection-age`", "killed or measured"] {
        let why = format!(
            "the server of peer `rust` is attached at {}, so it cannot be {what}",
            mine.address()
        );
        let said = format!("ignored (not supported: {why})");
        ran.assert(ran.trials().values().any(|result| *result == said), &said);
    }
    ran.says("0 failed").ends_with_status(0);
    mine.is_alive();
}

fn nobody_is_there() {
    let address = Mine::start("rust", ANY).address().to_owned();
    let ran = run(&address, "root-of-16").finish();
    ran.ends_with_status(2).says("no server responds at ");
    ran.says(&address).says("start it, or exclude the peer with --without attached");
    ran.assert(ran.trials().is_empty(), "nothing runs");
    let ran = run(&format!("rust={address}"), "root-of-16").finish();
    ran.ends_with_status(2).says("interop would have started it with:\n  for calls: (cd ");
    let left_out = run(&format!("rust={address}"), "calls/rust/rust/root-of-16");
    let left_out = left_out.with("--without", "rust").finish();
    all_say(&left_out, "ignored (skipped: --without rust)");
    run(&address, "root-of-16").and("--list").finish().ends_with_status(0);
}

fn it_goes_away() {
    let mine = Mine::start("dies", ANY);
    let run = run(mine.address(), "calls/attached/rust/root-of-").with("--test-threads", "1");
    let ran = run.finish();
    let address = mine.address();
    ran.assert(ran.failed_cases().contains(&"root-of-3-is-rounded"), "who sees it fails");
    ran.says("calls/attached/rust/root-of-3-is-rounded: the server exited during this case, and");
    ran.says(&format!("no server responds at {address}, where it was attached: "));
    ran.says(&format!("the server that is attached at {address} exited in an earlier case"));
    ran.says("1 failed").says("1 set-up error").ends_with_status(101);
}

fn wrong_words() {
    let refused = |attachment: &str, message: &str| {
        let ran = Run::of_mutants("root-of-16").with("--attach", attachment).finish();
        ran.ends_with_status(2).says(message).assert(ran.trials().is_empty(), "nothing runs");
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
        .says("--attach rust=localhost:2: a server is already attached for the peer `rust`");
    let text = FILE.replace("HERE", "here");
    let bad = Run::new().with_file("--peers", "peers.toml", &text).finish();
    bad.ends_with_status(2).says("peers.toml:5: 'here' is not an address");
    for (more, line) in [("command = [\"sh\"]", 6), ("calls = [\"-x\"]", 2)] {
        let text = FILE.replace("\"HERE\"\n", &format!("\"localhost:1\"\n{more}\n"));
        let bad = Run::new().with_file("--peers", "peers.toml", &text).finish();
        bad.ends_with_status(2).says(&format!("peers.toml:{line}: `attach` and"));
    }
}
