//! A run that is stopped for a while, as by Ctrl-Z or a sleeping machine, repeats what failed because of it.
//!
//! The mutants stop the tool while they have to respond, and then respond wrongly.

use libtest_mimic::Trial;

use crate::run::{self, Ran, Run};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("suspension/a-trial-is-repeated", a_trial_is_repeated),
        ("suspension/a-failure-is-still-one", a_failure_is_still_one),
        ("suspension/too-often", too_often),
        ("suspension/probes-are-repeated", probes_are_repeated),
    ])
}

const PEERS: &str = r#"
    with = ["rust"]

    [[peer]]
    name = "suspends"
    server = { command = ["{bin}/interop-mutants", "server", "suspends-once", "{address}"], ready = "Listening on {address}" }
    agent = { command = ["{bin}/interop-mutants", "agent", "suspends-once"] }

    [[peer]]
    name = "suspends-and-fails"
    agent = { command = ["{bin}/interop-mutants", "agent", "suspends-once-and-fails"] }

    [[peer]]
    name = "suspends-always"
    agent = { command = ["{bin}/interop-mutants", "agent", "suspends-always"] }
"#;

fn run(filter: &str) -> Ran {
    let run = Run::new().with_file("--peers", "peers.toml", PEERS).and(filter).and("--exact");
    run.with("--baseline", "golden").with("--goldens", "interop-tests/goldens").finish()
}

fn a_trial_is_repeated() {
    let ran = run("calls/rust/suspends/root-of-16");
    ran.prints("interop: the run was suspended for ").prints("was repeated, once");
    ran.ends_with_status(0);
    let notes = ran.record()["notes"].to_string();
    ran.assert(notes.contains("the run was suspended for"), "the reports should mention it");
}

fn a_failure_is_still_one() {
    let ran = run("calls/rust/suspends-and-fails/root-of-16");
    ran.prints("observed   root = ").prints("was repeated, once").ends_with_status(101);
}

fn too_often() {
    let ran = run("calls/rust/suspends-always/root-of-16");
    ran.prints("set-up error: the run was suspended during each of three attempts");
    ran.ends_with_status(101);
}

fn probes_are_repeated() {
    let ran = run("server-parity/suspends/root-of-2");
    ran.prints("the run was suspended for");
    let status = ran.record()["trials"][0]["observation"].to_string();
    ran.assert(!status.contains("suspended"), "the response of the suspension should be forgotten");
    ran.assert(
        status.contains("0d f3 04 b5 3f") || status.contains("0df304b53f"),
        "the right one is compared",
    );
}
