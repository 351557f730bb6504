//! Terminal output of a run: its progress, and the conclusion at the end.
//!
//! The last lines stay visible, so they contain the most important information: the failures, the counts, the
//! location of the reports, and whether each replacement is ready.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use crate::compare;
use crate::outcome::comparison::Example;
use crate::outcome::{TrialName, VerdictKind};
use crate::output::out;
use crate::report::record::format::{Answer, Counts, readiness_line};
use crate::report::record::{Record, trial::TrialRecord};
use crate::report::{findings, matrix, methods, proxies};

/// How many failures are printed. The others are counted.
const SHOWN: usize = 20;

/// How many problems are printed. The others are counted.
const SHOWN_PROBLEMS: usize = 5;

/// Prints the matrices, the failure blocks in `failures`, and the conclusion of `record`, whose reports `written` are in
/// `folder`.
pub(crate) fn print_conclusion(
    record: &Record,
    failures: &[String],
    written: &[&str],
    folder: &Path,
) {
    out!("{}\n{}\n", matrix::tables(record), matrix::legend(record));
    for block in failures.iter().take(SHOWN) {
        out!("{block}\n");
    }
    print_services(record);
    let effects = proxies::table(record);
    if !effects.is_empty() {
        out!("{effects}");
    }
    for note in record.warning().iter().chain(&record.notes) {
        out!("interop: {note}");
    }
    let red = AnsiColor::Red.on_default().bold();
    for problem in record.problems.iter().take(SHOWN_PROBLEMS) {
        out!("interop: {red}{problem}{red:#}");
    }
    if let Some(more @ 1..) = record.problems.len().checked_sub(SHOWN_PROBLEMS) {
        out!("interop: {red}and {more} more, which summary.md lists{red:#}");
    }
    // The findings explain the failures of methods.
    let has_findings = !record.methods.is_empty();
    let listed = || {
        let is_listed = |it: &&TrialRecord| {
            !(has_findings && it.suite == compare::SUITE && it.verdict == VerdictKind::Failed)
        };
        record.failed().filter(is_listed)
    };
    for failed in listed().take(SHOWN) {
        let (verdict, name, why) = (failed.verdict.name(), &failed.name, failed.in_short());
        out!("interop: {red}{verdict}{red:#}: {name}: {why}");
    }
    let more = listed().count().saturating_sub(SHOWN);
    if more > 0 {
        out!("interop: and {more} more failures; report.html lists all of them");
    }
    out!("interop: {}", record.counts);
    if !written.is_empty() {
        let verb = if written.len() == 1 { "is" } else { "are" };
        out!("interop: {} {verb} in {}", written.join(", "), folder.display());
    }
    let style = if record.readiness.iter().any(|one| matches!(one.answer, Answer::NotReady { .. }))
    {
        red
    } else if record.readiness.iter().all(|one| matches!(one.answer, Answer::Ready { .. })) {
        AnsiColor::Green.on_default().bold()
    } else {
        Style::new()
    };
    out!("interop: {style}{}{style:#}", readiness_line(&record.readiness));
}

/// Prints how the methods of each peer compare with the reference, and the findings.
fn print_services(record: &Record) {
    /// How many findings are printed in full. The others have only a title.
    const IN_FULL: usize = 10;
    if record.methods.is_empty() {
        return;
    }
    out!("{}", methods::tables(record));
    let findings = findings::findings(record);
    let bold = Style::new().bold();
    for (index, finding) in findings.iter().enumerate() {
        let (number, peer, title) = (index + 1, finding.peer, finding.title());
        out!("{bold}finding {number} of {peer}: {title}{bold:#}");
        let line = |label: &str, text: &str| out!("  {label:<10} {text}");
        if let Some(note) = finding.note() {
            line("note", &note);
        }
        if index >= IN_FULL {
            continue;
        }
        let Example { trial, case, place, reference, candidate, request, grpcurl } =
            finding.example;
        line("case", &format!("{case} of {trial}"));
        line("reference", &format!("{place} = {reference}"));
        line("candidate", &format!("{place} = {candidate}"));
        for message in request {
            line("request", message);
        }
        line("remedy", &finding.remedy);
        line("run again", finding.run_again);
        if let Some(grpcurl) = grpcurl {
            line("or", grpcurl);
        }
    }
    if findings.len() > IN_FULL {
        out!("report.html has the details of all {} findings", findings.len());
    }
    out!("");
}

/// How often the bar is redrawn if no trial ends.
const TICK: Duration = Duration::from_millis(200);

/// Shows the progress of a run: a progress bar on a terminal, otherwise one line per trial.
///
/// libtest-mimic writes the lines. With a progress bar they go to a log file instead, and the failure blocks are
/// printed at the end.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Hidden if there are lines instead.
    bar: ProgressBar,
    failures: Mutex<Vec<String>>,
}

impl Progress {
    /// Starts a progress bar for this number of `trials` and writes the lines to `log`. If the options set an output
    /// format or the output is not a terminal, there is no bar and the lines are printed.
    pub(crate) fn new(libtest: &mut libtest_mimic::Arguments, log: &Path, trials: usize) -> Self {
        let is_chosen = libtest.quiet || libtest.format.is_some() || libtest.logfile.is_some();
        let is_terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        if is_chosen || !is_terminal {
            return Self { bar: ProgressBar::hidden(), failures: Mutex::default() };
        }
        libtest.logfile = Some(log.to_string_lossy().into_owned());
        let bar = ProgressBar::new(u64::try_from(trials).unwrap_or_default());
        // An invalid template would be a bug in this file; the default style is used then.
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed} {wide_msg}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(TICK);
        Self { bar, failures: Mutex::default() }
    }

    /// Reports that a trial has ended; `counts` are the counts so far.
    pub(crate) fn ended(&self, trial: &TrialName, counts: Option<Counts>) {
        self.bar.inc(1);
        if let Some(counts) = counts {
            self.bar.set_message(format!("{counts}: {trial}"));
        }
    }

    /// Reports that a trial has failed, and keeps its failure block, `description`, for the end.
    pub(crate) fn failed(&self, trial: &TrialName, description: &str) {
        if !self.bar.is_hidden() {
            self.bar.println(format!("FAILED {trial}"));
            self.failures.lock().push(description.to_owned());
        }
    }

    /// Removes the bar; returns the failure blocks that have not been printed.
    pub(crate) fn finish(&self) -> Vec<String> {
        self.bar.finish_and_clear();
        std::mem::take(&mut *self.failures.lock())
    }
}
