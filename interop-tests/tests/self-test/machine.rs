//! Machines with an unusual folder for temporary files.

use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::run::{self, Run};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([("machine/temporary-folders", temporary_folders)])
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
