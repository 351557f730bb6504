//! How far a run has come, while it goes on: a bar on a terminal, and a line for each trial elsewhere.
//!
//! The lines are libtest-mimic's. Beside a bar they would only scroll away, so there they go to a log,
//! and what failed is kept to be told at the end.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::outcome::trial::TrialName;
use crate::report::record::counts::Counts;

/// How often the bar is drawn when nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    blocks: Mutex<Vec<String>>,
}

impl Progress {
    /// Progress on the way to so many trials, unless the options say how it is to be shown, or nobody
    /// looks; the lines go to `log` then.
    pub(crate) fn new(libtest: &mut libtest_mimic::Arguments, log: &Path) -> Self {
        let is_told = libtest.quiet || libtest.format.is_some() || libtest.logfile.is_some();
        let is_seen = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        if is_told || !is_seen {
            return Self::default();
        }
        libtest.logfile = Some(log.to_string_lossy().into_owned());
        let bar = ProgressBar::no_length();
        // A template that does not fit would be a fault of this file; the default does as well.
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed} {wide_msg}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar: Some(bar), blocks: Mutex::default() }
    }

    /// So many trials are going to be run.
    pub(crate) fn expect(&self, trials: usize) {
        if let Some(bar) = &self.bar {
            bar.set_length(u64::try_from(trials).unwrap_or_default());
            bar.enable_steady_tick(TICK);
        }
    }

    /// A trial has ended; `counts` are those of all so far.
    pub(crate) fn ended(&self, trial: &TrialName, counts: Option<Counts>) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
            if let Some(counts) = counts {
                bar.set_message(format!("{counts}: {trial}"));
            }
        }
    }

    /// A trial has failed; `block` tells everything about it.
    pub(crate) fn failed(&self, trial: &TrialName, block: &str) {
        if let Some(bar) = &self.bar {
            bar.println(format!("FAILED {trial}"));
            self.blocks.lock().unwrap_or_else(PoisonError::into_inner).push(block.to_owned());
        }
    }

    /// Takes the bar away; gives what nobody has been told of the failures.
    pub(crate) fn finish(&self) -> Vec<String> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        std::mem::take(&mut *self.blocks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
