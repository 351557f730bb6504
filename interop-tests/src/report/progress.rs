//! The progress of a run: a bar on a terminal, and a line for each trial elsewhere.
//!
//! The lines are libtest-mimic's. Beside a bar they would only scroll away, so there they go to a log,
//! and failures are kept to be printed at the end.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use crate::outcome::trial::TrialName;
use crate::report::record::counts::Counts;

/// How often the bar is drawn when nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// Shows the progress of a run.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    failures: Mutex<Vec<String>>,
}

impl Progress {
    /// Shows a bar, and writes the lines to `log`; unless the options say how trials are printed, or the
    /// output is no terminal.
    pub(crate) fn new(libtest: &mut libtest_mimic::Arguments, log: &Path) -> Self {
        let is_chosen = libtest.quiet || libtest.format.is_some() || libtest.logfile.is_some();
        let is_terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        if is_chosen || !is_terminal {
            return Self::default();
        }
        libtest.logfile = Some(log.to_string_lossy().into_owned());
        let bar = ProgressBar::no_length();
        // A template that is not valid would be a defect in this file; the default style will do then.
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed} {wide_msg}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar: Some(bar), failures: Mutex::default() }
    }

    /// Sets how many trials the run has.
    pub(crate) fn expect(&self, trials: usize) {
        if let Some(bar) = &self.bar {
            bar.set_length(u64::try_from(trials).unwrap_or_default());
            bar.enable_steady_tick(TICK);
        }
    }

    /// Shows that a trial has ended; `counts` are those of all trials so far.
    pub(crate) fn ended(&self, trial: &TrialName, counts: Option<Counts>) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
            if let Some(counts) = counts {
                bar.set_message(format!("{counts}: {trial}"));
            }
        }
    }

    /// Shows that a trial has failed, and keeps its `description` for the end.
    pub(crate) fn failed(&self, trial: &TrialName, description: &str) {
        if let Some(bar) = &self.bar {
            bar.println(format!("FAILED {trial}"));
            self.failures.lock().push(description.to_owned());
        }
    }

    /// Removes the bar; returns the descriptions of the failures that have not been printed.
    pub(crate) fn finish(&self) -> Vec<String> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        std::mem::take(&mut *self.failures.lock())
    }
}
