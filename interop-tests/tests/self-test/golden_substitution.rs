//! Goldens replace the reference's client program only where they were recorded from the same versions.
//!
//! The reference here is the Rust client, which says that it is of a version; what it does with a
//! behaviour is in the goldens, or something else where it matters who was asked.

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
        ("golden-substitution/goldens-of-other-versions-do-not", goldens_of_other_versions_do_not),
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

/// Two of which none is in the sample by its name, and one that always is.
const BEHAVIOURS: &str = "[[behaviour]]\nname = \"plain\"\n\n[[behaviour]]\nname = \"other\"\n\n\
                          [[behaviour]]\nname = \"stated\"\nexpect = { status = \"OK\" }\n";

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

/// Whether all trials of the peer `two` were compared with this.
fn is_compared_with(ran: &Ran, baseline: &str) {
    let record = ran.record();
    let trials = record["trials"].as_array().expect("a list");
    let mut trials = trials.iter().filter(|trial| trial["client"] == "two").peekable();
    assert!(trials.peek().is_some(), "the peer has trials");
    assert!(trials.all(|trial| trial["baseline"] == baseline), "{record:#}");
}

fn goldens_of_these_versions_are_used() {
    let ran = finish(run("program-plain", "one 1", RIGHT));
    ran.says("client-parity/two/program-plain").says("1 passed").ends_with_status(0);
    is_compared_with(&ran, "golden");
    ran.says("goldens replaced the client program of the reference in 1 of 3 cases");
    ran.says("because both have the same versions (one 1)");
    // Nothing else says what is right.
    let wrong = RIGHT.replace("4.0", "5.0");
    let ran = finish(run("program-plain", "one 1", &wrong));
    ran.says(r#"expected   stdout = "5.0\n""#).says("1 failed").ends_with_status(101);
    let live = finish(run("two/program-plain", "one 1", &wrong).with("--baseline", "live"));
    live.says("client-parity/two/program-plain").says("1 passed").ends_with_status(0);
    is_compared_with(&live, "live");
    let alias = finish(run("two/program-plain", "one 1", &wrong).with("--reference", "live"));
    is_compared_with(&alias, "live");
}

fn goldens_of_other_versions_do_not() {
    let ran = finish(run("two/program-plain", "one 2", RIGHT));
    ran.says("client-parity/two/program-plain").says("1 passed").ends_with_status(0);
    is_compared_with(&ran, "live");
    ran.says("goldens did not replace the client program of the reference");
    ran.says("they were recorded from one 2, but the reference is one 1");
}

fn the_sample_is_run() {
    let ran = finish(run("program-stated", "one 1", RIGHT));
    ran.says("client-parity/two/program-stated").says("client-parity/one/golden/program-stated");
    is_compared_with(&ran, "live");
    ran.says("2 passed").ends_with_status(0);
}

fn a_case_without_a_golden_is_run() {
    let ran = finish(run("two/program-other", "one 1", RIGHT));
    ran.says("client-parity/two/program-other").says("1 passed").ends_with_status(0);
    is_compared_with(&ran, "live");
}
