//! The table of several runs has a row for each run and counts the differences of the reference from the goldens.

use libtest_mimic::Trial;

use crate::run;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("versions-table/a-row-for-each-run", a_row_for_each_run),
        ("versions-table/a-missing-file", a_missing_file),
    ])
}

fn a_row_for_each_run() {
    let first = Run::of_mutants("calls/one-wrong-answer/rust/root-of-2-is-rounded").finish();
    let record = first.folder.path().join("output/report.json");
    let text = first.folder.path().join("why.txt");
    std::fs::write(&text, "does not install: it is too old\n").expect("cannot write a file");
    let rows = [("new", &record), ("old", &text)];
    let rows = rows.map(|(name, file)| format!("{name}={}", file.display()));
    let ran = Run::of_command("table").and(&rows[0]).and(&rows[1]).finish();
    ran.ends_with_status(0).prints("| new ").prints("0 passed").prints("1 failed").prints("none");
    ran.prints("| old ").prints("does not install: it is too old");
    ran.prints("0 differences from the goldens are listed in ");
}

fn a_missing_file() {
    Run::of_command("table").and("new=no.json").finish().ends_with_status(2).prints("no.json");
    Run::of_command("table").and("new=no.txt").finish().ends_with_status(2).prints("no.txt");
}
