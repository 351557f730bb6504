//! What a run says at its end, on the terminal.
//!
//! The last lines are those that are still on the screen: what failed, how often, where to look, and
//! whether the switch is safe.

use std::path::Path;

use anstyle::{AnsiColor, Style};

use crate::report::matrix;
use crate::report::record::Record;
use crate::report::record::readiness;
use crate::report::record::readiness::Answer;

/// How many failures are told; the rest is counted.
const TOLD: usize = 20;

/// Prints it: `blocks` are those of the failures that have not been told yet, and the reports are in
/// `folder`.
pub(crate) fn print(record: &Record, blocks: &[String], folder: &Path) {
    anstream::println!("{}\n{}\n", matrix::tables(record), matrix::legend(record));
    for block in blocks.iter().take(TOLD) {
        anstream::println!("{block}\n");
    }
    for note in record.warning().iter().chain(&record.notes) {
        anstream::println!("interop: {note}");
    }
    let red = AnsiColor::Red.on_default().bold();
    for failed in record.failed().take(TOLD) {
        let verdict = failed.verdict.name();
        anstream::println!(
            "interop: {red}{verdict}{red:#}: {}: {}",
            failed.name,
            failed.in_short()
        );
    }
    let more = record.counts.failures().saturating_sub(TOLD);
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
