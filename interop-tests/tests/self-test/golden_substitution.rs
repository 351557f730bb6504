//! Goldens replace the client program of the reference only if they were recorded with the same versions.
//!
//! The reference of these tests is the Rust client with a made-up version. Some goldens differ from it, to show which
//! of the two was used.

use std::sync::PoisonError;

use libtest_mimic::Trial;

use crate::mutants::PORT;
use crate::run;
use crate::run::Ran;
use crate::run::Run;
use crate::tables;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        (
            "golden-substitution/goldens-of-these-versions-are-used",
            goldens_of_these_versions_are_used,
        ),
        (
            "golden-substitution/goldens-of-other-versions-are-not-used",
            goldens_of_other_versions_are_not_used,
        ),
        ("golden-substitution/the-sample-is-run", the_sample_is_run),
        ("golden-substitution/a-case-without-a-golden-is-run", a_case_without_a_golden_is_run),
    ])
}

const PEERS: &str = r#"
[[peer]]
name = "one"
language = "the reference"
reference = true
server-program = { command = ["{bin}/calculator-server"] }
client-program = { command = ["{bin}/calculator-client"] }
versions = { command = ["echo", "one 1"] }

[[peer]]
name = "two"
language = "the same"
client-program = { command = ["{bin}/calculator-client"] }
"#;

/// Two behaviours whose names are not in the sample, and one that is always in the sample.
const BEHAVIOURS: &str = "[[behaviour]]\nname = \"plain\"\n\n[[behaviour]]\nname = \"other\"\n\n\
                          [[behaviour]]\nname = \"stated\"\nexpect = { status = \"OK\" }\n";

/// The golden that agrees with the Rust client.
const RIGHT: &str = "end = status 0\nstdout = \"4.0\\n\"\nrequests = 1\n";

fn run(filter: &str, version: &str, plain: &str) -> Run {
    let goldens =
        format!("version {version}\n\n[program-plain]\n{plain}\n[program-stated]\n{RIGHT}");
    let run = Run::new().and(filter).with_file("--peers", "peers.toml", PEERS);
    tables::with(run, BEHAVIOURS, &[("client-programs.txt", &goldens), ("client-parity.txt", "")])
}

fn finish(run: Run) -> Ran {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    run.finish()
}

/// Asserts that all trials of the peer `two` were compared with this baseline.
fn is_compared_with(ran: &Ran, baseline: &str) {
    let record = ran.record();
    let trials = record["trials"].as_array().expect("not an array");
    let mut trials = trials.iter().filter(|trial| trial["client"] == "two").peekable();
    assert!(trials.peek().is_some(), "the peer `two` should have trials");
    assert!(trials.all(|trial| trial["baseline"] == baseline), "{record:#}");
}

fn goldens_of_these_versions_are_used() {
    let ran = finish(run("program-plain", "one 1", RIGHT));
    ran.prints("client-parity/two/program-plain").prints("1 passed").ends_with_status(0);
    is_compared_with(&ran, "golden");
    ran.prints("goldens replaced the client program of the reference in 1 of 3 cases");
    ran.prints("because both have the same versions (one 1)");
    // The golden is the only baseline.
    let wrong = RIGHT.replace("4.0", "5.0");
    let ran = finish(run("program-plain", "one 1", &wrong));
    ran.prints(r#"expected   stdout = "5.0\n""#).prints("1 failed").ends_with_status(101);
    let live = finish(run("two/program-plain", "one 1", &wrong).with("--baseline", "live"));
    live.prints("client-parity/two/program-plain").prints("1 passed").ends_with_status(0);
    is_compared_with(&live, "live");
    let alias = finish(run("two/program-plain", "one 1", &wrong).with("--reference", "live"));
    is_compared_with(&alias, "live");
}

fn goldens_of_other_versions_are_not_used() {
    let ran = finish(run("two/program-plain", "one 2", RIGHT));
    ran.prints("client-parity/two/program-plain").prints("1 passed").ends_with_status(0);
    is_compared_with(&ran, "live");
    ran.prints("goldens did not replace the client program of the reference");
    ran.prints("they were recorded from one 2, but the reference is one 1");
}

fn the_sample_is_run() {
    let ran = finish(run("program-stated", "one 1", RIGHT));
    ran.prints("client-parity/two/program-stated")
        .prints("client-parity/one/golden/program-stated");
    is_compared_with(&ran, "live");
    ran.prints("2 passed").ends_with_status(0);
}

fn a_case_without_a_golden_is_run() {
    let ran = finish(run("two/program-other", "one 1", RIGHT));
    ran.prints("client-parity/two/program-other").prints("1 passed").ends_with_status(0);
    is_compared_with(&ran, "live");
}
