//! Machines with an unusual folder for temporary files, and with low limits.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;

use crate::run::{self, Ran, Run};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("machine/temporary-folders", temporary_folders),
        ("machine/a-low-soft-limit-is-raised", a_low_soft_limit_is_raised),
        ("machine/a-low-limit-is-reported-once", a_low_limit_is_reported_once),
    ])
}

/// A trial that needs a Unix socket.
const UNIX: &str = "calls/rust/rust/unix/root-of-16";

fn temporary_folders() {
    let base = tempfile::tempdir().expect("cannot create a folder");
    let below = |name: &str| -> PathBuf {
        let path = base.path().join(name);
        fs::create_dir_all(&path).expect("cannot create a folder");
        path
    };
    let missing = base.path().join("missing");
    let relative = Path::new("relative").to_owned();
    for folder in [below(&"long".repeat(40)), below("a b%20c"), missing, relative] {
        let run = Run::new().and(UNIX);
        let mut command = run.command();
        command.env("TMPDIR", &folder);
        let ran = run.finish_command(command);
        ran.ends_with_status(0).prints("1 passed");
    }
}

/// Runs the tool below a shell that first runs `limit`.
fn limited(limit: &str, run: Run) -> Ran {
    let tool = run.command();
    let mut shell = Command::new("sh");
    shell.current_dir(tool.get_current_dir().expect("it has a working directory"));
    shell.args(["-c", &format!("{limit} && exec \"$0\" \"$@\"")]);
    shell.arg(tool.get_program()).args(tool.get_args());
    run.finish_command(shell)
}

fn a_low_soft_limit_is_raised() {
    let ran = limited("ulimit -S -n 40", Run::of_mutants("calls/rust/rust/root"));
    ran.ends_with_status(0).assert(!ran.stderr.contains("ulimit"), "no limit should be reported");
}

fn a_low_limit_is_reported_once() {
    // Its server keeps a port, which takes two files.
    let run = || Run::of_mutants("--exact").and("calls/rust/rust/wait-for-ready");
    let ran = limited("ulimit -n 64", run());
    ran.ends_with_status(2)
        .prints("interop: a process may have only 64 files open, and this run may need 258");
    ran.prints("`ulimit -n 258`").assert(ran.trials().is_empty(), "no trial should run");
    let ran = limited("ulimit -n 256", run());
    ran.ends_with_status(0).prints("1 passed");
    let reported = ran.stderr.matches("only 256 files open, and this run may need 258").count();
    ran.assert(reported == 1, "the limit should be reported once");
}
