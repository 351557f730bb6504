//! The verdict on a replacement: it is ready only if all trials ran and passed or are known deviations.

use libtest_mimic::Trial;

use crate::run;
use crate::run::Ran;
use crate::run::Run;
use crate::tables;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("readiness/ready", ready),
        ("readiness/ready-with-recorded-deviations", ready_with_recorded_deviations),
        ("readiness/not-ready", not_ready),
        ("readiness/not-supported-is-not-ready", not_supported_is_not_ready),
        ("readiness/a-partial-run-is-not-judged", a_partial_run_is_not_judged),
        ("readiness/a-reference-that-fails", a_reference_that_fails),
        ("readiness/no-reference", no_reference),
    ])
}

const SCENARIOS: &str = "[[scenario]]\nname = \"root-of-16\"\ncall = { ask = 16.0 }\nexpect = { root = 4.0 }\n\
                         [[scenario]]\nname = \"root-of-2\"\ncall = { ask = 2.0 }\n\
                         expect = { root = 1.4142135381698608 }\n";

/// A run with the Rust peer as the reference, another peer, and two cases.
fn run(other: &str, rest: impl FnOnce(Run) -> Run) -> Ran {
    with_scenarios(SCENARIOS, other, rest)
}

fn with_scenarios(scenarios: &str, other: &str, rest: impl FnOnce(Run) -> Run) -> Ran {
    let peers = format!(
        "[[peer]]\nname = \"rust\"\nlanguage = \"Rust\"\nreference = true\n\
         server = {{ command = [\"{{bin}}/calculator-server\", \"--streaming\", \"--address\", \
         \"{{address}}\"], \
         ready = \"Address: {{address}}\" }}\n\
         agent = {{ command = [\"{{bin}}/calculator-agent\"] }}\n\
         server-program = {{ command = [\"{{bin}}/calculator-server\"] }}\n{other}"
    );
    let run = tables::with_scenarios(Run::new(), scenarios);
    rest(run.with_file("--peers", "peers.toml", &peers)).finish()
}

fn server(name: &str) -> String {
    format!(
        "[[peer]]\nname = \"{name}\"\nlanguage = \"a mutant\"\n\
         server = {{ command = [\"{{bin}}/interop-mutants\", \"server\", \"{name}\", \"{{address}}\"], \
         ready = \"Listening on {{address}}\" }}\n"
    )
}

fn agent(name: &str) -> String {
    format!(
        "[[peer]]\nname = \"{name}\"\nlanguage = \"a mutant\"\n\
         agent = {{ command = [\"{{bin}}/interop-mutants\", \"agent\", \"{name}\"] }}\n"
    )
}

/// Asserts that the last line of the output is this conclusion.
#[track_caller]
fn concludes(ran: &Ran, text: &str) {
    let last = ran.stdout.lines().last().unwrap_or_default();
    ran.assert(last == format!("interop: {text}"), &format!("the last line should be: {text}"));
}

fn ready() {
    // No case of this run is affected by the fault.
    let ran = run(&server("drops-the-sign-of-zero"), |run| run);
    concludes(&ran, "the drops-the-sign-of-zero server in place of the rust server: ready");
    let record = ran.record();
    assert_eq!(record["readiness"][0]["answer"]["is"], "ready");
    let summary =
        std::fs::read_to_string(ran.reports().join("summary.md")).expect("cannot read the summary");
    assert!(summary.contains("in place of the rust server: ready\n"), "{summary}");
}

fn ready_with_recorded_deviations() {
    let deviations = "[[deviation]]\ntrials = [\"calls/one-wrong-answer/*/root-of-2\"]\n\
                  observed = { root = '1.4142137 (0x3fb504f4)' }\nreason = \"it is a mutant\"\n\
                  link = \"https://grpc.io\"\n";
    let ran = run(&server("one-wrong-answer"), |run| {
        run.with_file("--deviations", "deviations.toml", deviations)
    });
    concludes(
        &ran,
        "the one-wrong-answer server in place of the rust server: ready with 1 known deviation \
         (1 client-visible)",
    );
}

fn not_ready() {
    let ran = run(&server("one-wrong-answer"), |run| run);
    ran.ends_with_status(101);
    concludes(
        &ran,
        "the one-wrong-answer server in place of the rust server: not ready: 1 trial failed or is \
         not supported: calls/one-wrong-answer/rust/root-of-2: root = 1.4142137 (0x3fb504f4) instead of \
         1.4142135 (0x3fb504f3)",
    );
    // The example is a trial with a set-up error.
    let ran = run(&server("exits-at-once"), |run| run);
    ran.prints("not ready: 2 trials failed or are not supported, for example calls/exits-at-once/rust/root-of-");
}

fn not_supported_is_not_ready() {
    let ran = run(&agent("cannot"), |run| run);
    ran.ends_with_status(0);
    concludes(
        &ran,
        "the cannot client in place of the rust client: not ready: 2 trials failed or are \
         not supported, for example calls/rust/cannot/root-of-2: no calls on Sundays",
    );
    // It does not affect the readiness of a server that it calls.
    let both = format!("{}{}", agent("cannot"), server("drops-the-sign-of-zero"));
    run(&both, |run| run)
        .prints("the drops-the-sign-of-zero server in place of the rust server: ready\n");
}

fn a_partial_run_is_not_judged() {
    let ran = run(&server("drops-the-sign-of-zero"), |run| run.and("root-of-16"));
    concludes(
        &ran,
        "the drops-the-sign-of-zero server in place of the rust server: not judged: only 2 of 4 trials \
         ran",
    );
    let ran = run(&server("drops-the-sign-of-zero"), |run| {
        run.with("--without", "drops-the-sign-of-zero")
    });
    ran.prints(
        "not judged: trials were skipped, for example calls/drops-the-sign-of-zero/rust/root-of-",
    );
    // Failed trials are reported even if not all trials ran.
    let ran = run(&server("one-wrong-answer"), |run| run.and("root-of-2"));
    ran.prints("not ready: 1 trial failed or is not supported: ");
}

fn a_reference_that_fails() {
    let wrong = "[[scenario]]\nname = \"zero\"\ncall = { ask = -0.0 }\nexpect = { root = 0.0 }\n";
    let ran = with_scenarios(wrong, &server("drops-the-sign-of-zero"), |run| run);
    ran.ends_with_status(101);
    concludes(
        &ran,
        "the drops-the-sign-of-zero server in place of the rust server: not judged: rust itself failed in \
         calls/rust/rust/zero: root = -0.0 (0x80000000) instead of 0.0 (0x00000000)",
    );
}

fn no_reference() {
    let ran = Run::of_mutants("calls/rust/rust/root-of-16").finish();
    concludes(&ran, "no peer was compared with a reference, so no replacement is assessed");
}
