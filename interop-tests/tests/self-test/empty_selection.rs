//! Options that leave nothing to run: the exit status is 2, and the message names the option and similar names.

use libtest_mimic::Trial;

use crate::run::{self, Run};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("empty-selection/filter", filter),
        ("empty-selection/skip", skip),
        ("empty-selection/shard", shard),
        ("empty-selection/without", without),
        ("empty-selection/attach", attach),
        ("empty-selection/fuzz", fuzz),
    ])
}

/// A trial of the project's peers file.
const TRIAL: &str = "calls/rust/rust/root-of-16";

/// Asserts that no trial ran or was listed, and that this message was printed.
#[track_caller]
fn refused(run: Run, message: &str) {
    let ran = run.finish();
    ran.ends_with_status(2).prints(&format!("interop: {message}"));
    ran.assert(ran.stdout.is_empty(), "nothing should be printed on stdout");
}

fn filter() {
    let similar =
        "no trial has a name with `calls/rust/pyhton`; similar: calls/rust/python; `interop list`";
    for run in [Run::new(), Run::new().and("--list"), Run::of_command("list")] {
        refused(run.and("calls/rust/pyhton"), similar);
    }
    refused(
        Run::new().with("--exact", "calls/rust/root-of-16"),
        "no trial has the name `calls/rust/root-of-16`; similar: calls/python/rust/root-of-16",
    );
    refused(
        Run::new().and("xylophone"),
        "no trial has a name with `xylophone`; `interop list` prints",
    );
    // The name of a trial begins with its suite, not with its peer.
    let shard = Run::new().with("--shard", "1/2").and("rust/calls/rust/root-of-16");
    refused(
        shard,
        "no trial has a name with `rust/calls/rust/root-of-16`; similar: calls/python/rust/root-of-16",
    );
}

fn skip() {
    let run = |command: &str| Run::of_command(command).and(TRIAL).with("--skip", "rust/root");
    for command in ["run", "list"] {
        refused(run(command), "--skip rust/root omits all 1 trials that the other options select");
    }
}

fn shard() {
    let statuses = ["1/2", "2/2"].map(|shard| {
        let run = |command: &str| {
            Run::of_command(command).with("--exact", TRIAL).with("--shard", shard).finish()
        };
        let (listed, ran) = (run("list"), run("run"));
        assert_eq!(listed.status, ran.status, "{shard}\n{}", ran.stderr);
        if ran.status == Some(2) {
            ran.prints(&format!(
                "--shard {shard}: this shard has none of the 1 trials that the other options select"
            ));
        }
        ran.status
    });
    assert!(statuses == [Some(0), Some(2)] || statuses == [Some(2), Some(0)], "{statuses:?}");
}

fn without() {
    let run = Run::new().with("--exact", TRIAL).with("--without", "python");
    run.finish().prints("1 passed").ends_with_status(0);
    let run = Run::new().with("--exact", TRIAL).with("--without", "rust");
    refused(run, "--without rust skips all 1 trials that the other options select");
    // A list names the trials that a run would report as skipped.
    let list = Run::of_command("list").with("--exact", TRIAL).with("--without", "rust");
    list.finish().prints(TRIAL).ends_with_status(0);
}

fn attach() {
    let server = "[[peer]]\nname = \"alone\"\nlanguage = \"x\"\nserver = { command = [\"sh\", \"{port}\"] }\n";
    let run = || Run::new().with_file("--peers", "peers.toml", server);
    refused(
        run().with("--attach", "localhost:1").and("--list"),
        "--attach localhost:1: no trial calls this server",
    );
    refused(run(), "no trial is possible: the peers of ");
}

fn fuzz() {
    let run = || Run::of_command("fuzz").with("--without", "python-asyncio");
    let message = "no PEER/METHOD has a name with `rust/Calculator.SquareRot`; similar: \
                   rust/Calculator.SquareRoot; the names are:\n  ";
    refused(run().and("rust/Calculator.SquareRot"), message);
    let ran = run().with("--count", "0").finish();
    ran.ends_with_status(2).prints("invalid value '0' for '--count <NUMBER>'");
}
