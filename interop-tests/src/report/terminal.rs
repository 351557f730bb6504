//! What a run shows on the terminal: its progress, and the conclusion at its end.
//!
//! The last lines stay on the screen, so they say what matters most: what failed, how often, where to
//! look, and which replacements are ready.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use crate::outcome::TrialName;
use crate::report::matrix;
use crate::report::record::Record;
use crate::report::record::format::{Answer, Counts, readiness_line};

/// How many failures are shown; the others are counted.
const SHOWN: usize = 20;

/// Prints the conclusion of `record`, whose reports are in `folder`, after the `failures` that have not
/// been printed yet.
pub(crate) fn print_conclusion(record: &Record, failures: &[String], folder: &Path) {
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
    anstream::println!("interop: {style}{}{style:#}", readiness_line(&record.readiness));
}

/// How often the bar is drawn when nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// Shows the progress of a run: a bar on a terminal, and elsewhere a line for each trial.
///
/// The lines are libtest-mimic's. With a bar they would only scroll away, so then they go to a log, and the
/// failures are kept to be printed at the end.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Hidden where there are lines instead.
    bar: ProgressBar,
    failures: Mutex<Vec<String>>,
}

impl Progress {
    /// Shows a bar for the number of `trials`, and writes the lines to `log`; unless the options say how trials
    /// are printed, or the output is no terminal.
    pub(crate) fn new(libtest: &mut libtest_mimic::Arguments, log: &Path, trials: usize) -> Self {
        let is_chosen = libtest.quiet || libtest.format.is_some() || libtest.logfile.is_some();
        let is_terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        if is_chosen || !is_terminal {
            return Self { bar: ProgressBar::hidden(), failures: Mutex::default() };
        }
        libtest.logfile = Some(log.to_string_lossy().into_owned());
        let bar = ProgressBar::new(u64::try_from(trials).unwrap_or_default());
        // A template that is not valid would be a defect in this file; the default style will do then.
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed} {wide_msg}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(TICK);
        Self { bar, failures: Mutex::default() }
    }

    /// Shows that a trial has ended; `counts` are those of all trials so far.
    pub(crate) fn ended(&self, trial: &TrialName, counts: Option<Counts>) {
        self.bar.inc(1);
        if let Some(counts) = counts {
            self.bar.set_message(format!("{counts}: {trial}"));
        }
    }

    /// Shows that a trial has failed, and keeps its `description` for the end.
    pub(crate) fn failed(&self, trial: &TrialName, description: &str) {
        if !self.bar.is_hidden() {
            self.bar.println(format!("FAILED {trial}"));
            self.failures.lock().push(description.to_owned());
        }
    }

    /// Removes the bar; returns the descriptions of the failures that have not been printed.
    pub(crate) fn finish(&self) -> Vec<String> {
        self.bar.finish_and_clear();
        std::mem::take(&mut *self.failures.lock())
    }
}
