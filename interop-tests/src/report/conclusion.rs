//! What a run prints at its end.
//!
//! The last lines stay on the screen, so they say what matters most: what failed, how often, where to
//! look, and which replacements are ready.

use std::path::Path;

use anstyle::{AnsiColor, Style};

use crate::report::matrix;
use crate::report::record::Record;
use crate::report::record::readiness;
use crate::report::record::readiness::Answer;

/// How many failures are shown; the others are counted.
const SHOWN: usize = 20;

/// Prints the conclusion of `record`, whose reports are in `folder`, after the `failures` that have not
/// been printed yet.
pub(crate) fn print(record: &Record, failures: &[String], folder: &Path) {
    anstream::println!("{}\n{}\n", matrix::tables(record), matrix::legend(record));
    for block in failures.iter().take(SHOWN) {
        anstream::println!("{block}\n");
    }
    for note in record.warning().iter().chain(&record.notes) {
        anstream::println!("interop: {note}");
    }
    let red = AnsiColor::Red.on_default().bold();
    for failed in record.failed().take(SHOWN) {
        let verdict = failed.verdict.name();
        anstream::println!(
            "interop: {red}{verdict}{red:#}: {}: {}",
            failed.name,
            failed.in_short()
        );
    }
    let more = record.counts.failures().saturating_sub(SHOWN);
    if more > 0 {
        anstream::println!("interop: and {more} more; the report has all of them");
    }
    anstream::println!("interop: {}", record.counts);
    let files = crate::report::FILES.join(", ");
    anstream::println!("interop: {files} are in {}", folder.display());
    let style = if record.readiness.iter().any(|one| matches!(one.answer, Answer::NotReady { .. }))
    {
        red
    } else if record.readiness.iter().all(|one| matches!(one.answer, Answer::Ready { .. })) {
        AnsiColor::Green.on_default().bold()
    } else {
        Style::new()
    };
    anstream::println!("interop: {style}{}{style:#}", readiness::line(&record.readiness));
}
