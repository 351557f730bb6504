//! An entry of deviations.toml applies only to the failure that it records.
//!
//! The deviations are faults of mutants, so the tests do not depend on the deviations of the project.

use libtest_mimic::Trial;

use crate::run;
use crate::run::BEYOND_SQUARE_ROOT;
use crate::run::Ran;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("deviations/the-recorded-failure-is-excused", the_recorded_failure_is_excused),
        ("deviations/an-unexpected-pass-fails", an_unexpected_pass_fails),
        ("deviations/another-failure-fails", another_failure_fails),
        ("deviations/an-entry-without-a-trial-fails", an_entry_without_a_trial_fails),
        ("deviations/two-entries-for-a-trial-fail", two_entries_for_a_trial_fail),
        ("deviations/a-recorded-answer-is-excused", a_recorded_answer_is_excused),
        ("deviations/a-server-that-does-not-start-is-not-excused", a_set_up_error_is_not_excused),
    ])
}

fn entry(trials: &str, observed: &str) -> String {
    format!(
        "[[deviation]]\ntrials = [{trials:?}]\nobserved = {{ {observed} }}\n\
         reason = \"it is a mutant\"\nlink = \"https://grpc.io\"\n"
    )
}

fn run(filter: &str, deviations: &str) -> Ran {
    let run = Run::of_mutants(filter).skipping(&BEYOND_SQUARE_ROOT);
    run.with_file("--deviations", "deviations.toml", deviations).finish()
}

const WRONG: &str = "calls/one-wrong-answer/rust/root-of-2-is-rounded";
const OBSERVED: &str = "root = '1.4142137 (0x3fb504f4)'";

fn the_recorded_failure_is_excused() {
    let ran = run("calls/one-wrong-answer/rust/root-of-", &entry(WRONG, OBSERVED));
    ran.ends_with_status(0).prints("1 known deviation").prints("0 failed");
    let result = ran.trials().get(WRONG).copied();
    ran.assert(
        result == Some("ignored (known deviation: it is a mutant)"),
        "a known deviation should not count as passed",
    );
}

fn an_unexpected_pass_fails() {
    let deviations = entry("calls/one-wrong-answer/rust/root-of-16", "root = 'something'");
    let ran = run("calls/one-wrong-answer/rust/root-of-16", &deviations);
    ran.ends_with_status(101)
        .prints("it passed, but deviations.toml lists it as a known deviation");
}

fn another_failure_fails() {
    for observed in ["root = '1.5 (0x3fc00000)'", &format!("{OBSERVED}, status = 'INTERNAL'")] {
        let ran = run(WRONG, &entry(WRONG, observed));
        ran.ends_with_status(101)
            .prints("it differs from the known deviation in deviations.toml, which is: root = ");
        ran.prints("observed   root = 1.4142137 (0x3fb504f4)");
    }
}

fn an_entry_without_a_trial_fails() {
    let ran = run("root-of-16", &entry("calls/rust/rust/root-of-17", OBSERVED));
    ran.ends_with_status(2)
        .prints("deviations.toml:2: trials: `calls/rust/rust/root-of-17` matches no trial");
    ran.assert(ran.trials().is_empty(), "no trial should run");
}

fn two_entries_for_a_trial_fail() {
    let deviations =
        entry(WRONG, OBSERVED) + &entry("calls/one-wrong-answer/*/root-of-2-*", OBSERVED);
    let ran = run(WRONG, &deviations);
    ran.ends_with_status(2).prints("deviations.toml:7: trials: an earlier entry already matches");
}

/// How a mutant, which is plain tonic, responds to the call after a probe.
const NEXT_CALL: &str = "next call = HTTP status 200, grpc-status 0, messages 0d00008040, initial metadata \
                         content-type: application/grpc, end END_STREAM";

/// An entry for a comparison of servers records the entire response.
fn a_recorded_answer_is_excused() {
    let trial = "server-parity/drops-the-sign-of-zero/negative-zero";
    let deviations = |messages: &str| {
        format!(
            "[[deviation]]\ntrials = [{trial:?}]\nanswers = [\"\"\"\n\
             stream 1: HTTP status = 200\nstream 1: grpc-status = 0\n{messages}\
             stream 1: initial metadata = content-type: application/grpc\n\
             stream 1: end = END_STREAM\nconnection = open\n{NEXT_CALL}\n\"\"\"]\n\
             reason = \"it is a mutant\"\nlink = \"https://grpc.io\"\n"
        )
    };
    let run = |messages| {
        Run::of_mutants(trial)
            .with("--baseline", "golden")
            .with("--goldens", "interop-tests/goldens")
            .with_file("--deviations", "deviations.toml", &deviations(messages))
            .finish()
    };
    run("stream 1: messages = empty\n").ends_with_status(0).prints("1 known deviation");
    let other = run("stream 1: messages = 0d00000080\n");
    other
        .ends_with_status(101)
        .prints("it differs from the known deviation in deviations.toml, which is:");
}

fn a_set_up_error_is_not_excused() {
    let trial = "calls/exits-at-once/rust/root-of-16";
    let ran = run(trial, &entry(trial, "root = 'none', status = 'UNAVAILABLE'"));
    ran.ends_with_status(101).prints("set-up error: the server did not start");
}
