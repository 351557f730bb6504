//! Each mutant gets the correct verdict, and no other case fails.
//!
//! Where it is fast, all cases of a mutant run, so a test also fails if the tool reports a failure of a case that the
//! fault does not affect.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::run;
use crate::run::BEYOND_SQUARE_ROOT;
use crate::run::MUTANTS;
use crate::run::Ran;
use crate::run::Run;

/// Held while a test uses port 50051.
pub(crate) static PORT: Mutex<()> = Mutex::new(());

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        // The longest test is first; it mostly waits.
        ("mutants/hangs", hangs),
        ("mutants/faultless-peers-pass", faultless_peers_pass),
        ("mutants/drops-the-sign-of-zero", drops_the_sign_of_zero),
        ("mutants/one-wrong-answer", one_wrong_answer),
        ("mutants/dies", dies),
        ("mutants/never-listens", never_listens),
        ("mutants/breaks-the-protocol", breaks_the_protocol),
        ("mutants/says-unknown", says_unknown),
        ("mutants/cannot", cannot),
        ("mutants/programs", programs),
    ])
}

/// The trials of SquareRoot over plain connections, without large messages.
fn run(filter: &str) -> Ran {
    Run::of_mutants(filter).skipping(&["message-"]).skipping(&BEYOND_SQUARE_ROOT).finish()
}

/// Gives `run` only these tables of the project.
pub(crate) fn with_tables(run: Run, names: &[&str]) -> Run {
    let tables = run.path().join("tables");
    std::fs::create_dir_all(tables.join("calls")).expect("cannot create a folder");
    std::fs::write(tables.join("programs.toml"), "case = []\n").expect("cannot write a file");
    let from = crate::programs::in_package("scenarios/calls");
    for name in names {
        std::fs::copy(from.join(name), tables.join("calls").join(name))
            .expect("cannot copy the table");
    }
    run.with("--scenarios", &tables.to_string_lossy())
}

/// Asserts that exactly these cases failed.
#[track_caller]
fn fails(ran: &Ran, cases: &[&str]) {
    ran.assert(ran.failed_cases() == cases, &format!("exactly {cases:?} should fail"));
    ran.ends_with_status(101);
}

fn faultless_peers_pass() {
    // The known deviations of the project do not apply to these peers.
    let ran = Run::of_mutants("calls/rust/rust/").and("--skip").and("unknown-").finish();
    let unexpected: Vec<_> = ran
        .failed_cases()
        .into_iter()
        .filter(|case| !["message-over-4-mib", "method-in-the-wrong-case"].contains(case))
        .collect();
    ran.assert(unexpected.is_empty(), "peers without a fault should pass");
    ran.assert(ran.trials().len() > 40, "there should be more than 40 scenarios");
}

fn drops_the_sign_of_zero() {
    for filter in ["calls/drops-the-sign-of-zero/rust/", "calls/rust/drops-the-sign-of-zero/"] {
        let run = with_tables(Run::of_mutants(filter), &["values.toml", "errors.toml"]);
        // Excludes cases with other deviations from grpcio.
        let run = run.skipping(&["unknown-", "wrong-case"]);
        let ran = run.skipping(&BEYOND_SQUARE_ROOT).finish();
        fails(&ran, &["negative-zero"]);
        ran.prints("expected   root = -0.0 (0x80000000)")
            .prints("observed   root = 0.0 (0x00000000)");
    }
}

fn one_wrong_answer() {
    for pairing in ["calls/one-wrong-answer/rust", "calls/rust/one-wrong-answer"] {
        let ran = run(&format!("{pairing}/root-of-"));
        fails(&ran, &["root-of-2-is-rounded"]);
        ran.prints("expected   root = 1.4142135 (0x3fb504f3)");
        ran.prints("observed   root = 1.4142137 (0x3fb504f4)");
        let again = format!("--peers {MUTANTS} --exact {pairing}/root-of-2-is-rounded");
        ran.prints(&format!("make interop ARGS='{again}'"));
    }
}

fn hangs() {
    let server = run("calls/hangs/rust/root-of-16");
    fails(&server, &["root-of-16"]);
    server.prints("observed   status = DEADLINE_EXCEEDED");
    // Every case that needs the agent fails, but only the first ones wait for it.
    let start = Instant::now();
    let agent = run("calls/rust/hangs/root-of-");
    agent.assert(
        start.elapsed() < Duration::from_secs(45),
        "only three cases should wait for the agent",
    );
    agent.assert(agent.trials().values().all(|result| *result == "FAILED"), "no trial should pass");
    agent.prints("the agent hangs: it reported no outcome within 10.0s");
    agent.prints("the agent failed 3 times in a row and is not started again");
    agent.ends_with_status(101);
}

fn dies() {
    let server = run("calls/dies/rust/root-of-");
    fails(&server, &["root-of-3-is-rounded", "root-of-a-tenth-is-rounded"]);
    server.prints("the server exited during this case, with status 3");
    let agent = run("calls/rust/dies/root-of-1");
    fails(&agent, &["root-of-1", "root-of-16"]);
    agent.prints(
        "the agent exited with status 3 before it reported an outcome; the end of its stderr:",
    );
    agent.prints("out of luck");
}

fn never_listens() {
    let silent = run("calls/never-listens/rust/root-of-");
    silent
        .assert(silent.trials().values().all(|result| *result == "FAILED"), "no trial should pass");
    silent.prints("set-up error: the server did not start: it did not print a line with");
    silent.prints("set-up errors").prints("0 failed");
    let gone = run("calls/exits-at-once/rust/root-of-16");
    fails(&gone, &["root-of-16"]);
    gone.prints("it exited with status 7 before it was ready; the end of its output:");
    gone.prints("no calculator today");
}

fn breaks_the_protocol() {
    let rubbish = run("calls/rust/prints-rubbish/root-of-16");
    fails(&rubbish, &["root-of-16"]);
    rubbish.prints("the agent printed a line that is not an outcome");
    rubbish.prints("DEBUG about to answer");
    let skipped = run("calls/rust/skips-a-call/64-calls-at-once-on-one-channel");
    fails(&skipped, &["64-calls-at-once-on-one-channel"]);
    skipped.prints("expected   number of calls = 64").prints("observed   number of calls = 63");
}

fn says_unknown() {
    let ran = run("calls/rust/says-unknown/nobody-listens");
    fails(&ran, &["nobody-listens"]);
    ran.prints("expected   status = UNAVAILABLE").prints("observed   status = UNKNOWN");
}

fn cannot() {
    let ran = run("calls/rust/cannot/root-of-");
    let result = "ignored (not supported: no calls on Sundays)";
    ran.assert(
        ran.trials().values().all(|found| *found == result),
        "all trials should be not supported",
    );
    ran.prints("0 passed").ends_with_status(0);
}

fn programs() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    let prints = run("programs/rust/prints-rubbish/root-of-16");
    fails(&prints, &["root-of-16"]);
    prints.prints(r#"expected   client stdout = "4.0\n""#);
    prints.prints(r#"observed   client stdout = "4\n""#);
    let silent = run("programs/rust/fails-silently/root-of-16");
    fails(&silent, &["root-of-16"]);
    silent.prints("expected   client exit = status 0").prints("observed   client exit = status 1");
    let hangs = run("programs/rust/hangs/root-of-16");
    fails(&hangs, &["root-of-16"]);
    hangs.prints("the client did not exit within 10s");
    let server = run("programs/never-listens/rust/root-of-16");
    fails(&server, &["root-of-16"]);
    server.prints("set-up error: the server did not start: nothing listened on port 50051");
}
