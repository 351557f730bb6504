//! Tables and goldens that a test writes to the folder of its run.
//!
//! They show failures that the tables of the project do not have.

use std::path::Path;

use crate::run::Run;

/// Gives `run` these `behaviours` and no other cases, and the goldens in `files`, by their names.
pub(crate) fn with(run: Run, behaviours: &str, files: &[(&str, &str)]) -> Run {
    let (tables, goldens) = (run.path().join("tables"), run.path().join("goldens"));
    write(&tables.join("programs.toml"), "case = []\n");
    write(&tables.join("client-parity/mine.toml"), behaviours);
    std::fs::create_dir_all(tables.join("calls")).expect("cannot create a folder");
    for (name, text) in files {
        write(&goldens.join(name), text);
    }
    run.with("--scenarios", &tables.to_string_lossy()).with("--goldens", &goldens.to_string_lossy())
}

/// Gives `run` these `scenarios` and no other cases.
pub(crate) fn with_scenarios(run: Run, scenarios: &str) -> Run {
    let tables = run.path().join("tables");
    write(&tables.join("programs.toml"), "case = []\n");
    write(&tables.join("calls/mine.toml"), scenarios);
    run.with("--scenarios", &tables.to_string_lossy())
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("the path has no parent"))
        .expect("cannot create a folder");
    std::fs::write(path, text).expect("cannot write a file");
}
