//! The table of several runs shows each, and what the reference did otherwise than the goldens.

use libtest_mimic::Trial;

use crate::run;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("versions-table/a-row-for-each", a_row_for_each),
        ("versions-table/a-file-that-is-not-there", a_file_that_is_not_there),
    ])
}

fn a_row_for_each() {
    let first = Run::of_mutants("calls/one-wrong-answer/rust/root-of-2-is-rounded").finish();
    let record = first.folder.path().join("output/report.json");
    let text = first.folder.path().join("why.txt");
    std::fs::write(&text, "does not install: it is too old\n").expect("a file");
    let rows = [("new", &record), ("old", &text)];
    let rows = rows.map(|(name, file)| format!("{name}={}", file.display()));
    let ran = Run::of_command("table").and(&rows[0]).and(&rows[1]).finish();
    ran.ends_with_status(0).says("| new ").says("0 passed").says("1 failed").says("none");
    ran.says("| old ").says("does not install: it is too old");
    ran.says("0 differences from the goldens are listed in ");
}

fn a_file_that_is_not_there() {
    Run::of_command("table").and("new=no.json").finish().ends_with_status(2).says("no.json");
    Run::of_command("table").and("new=no.txt").finish().ends_with_status(2).says("no.txt");
}
