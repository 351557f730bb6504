//! A trial as libtest-mimic runs and shows it, judged by the ledger.
//!
//! libtest-mimic knows passed, failed and ignored; which verdict is shown as which stands here.

use std::collections::BTreeSet;
use std::sync::Arc;

use libtest_mimic::{Completion, Failed};

use super::deviation::Ledger;
use super::failure;
use super::record::Record;
use super::trial::Trial;
use super::verdict::Verdict;

/// What a report is judged by, and where the verdict goes.
pub(crate) struct Judge {
    pub(crate) ledger: Ledger,
    pub(crate) record: Record,
    /// The options without which a trial could not be run again.
    pub(crate) options: String,
}

/// The trial as libtest-mimic runs and shows it.
pub(crate) fn as_libtest(
    trial: Trial,
    left_out: &BTreeSet<String>,
    judge: Arc<Judge>,
) -> libtest_mimic::Trial {
    let Trial { name, run, .. } = trial;
    let missing = [&name.server, &name.client].into_iter().find(|peer| left_out.contains(*peer));
    let skipped = missing.map(|peer| format!("--without {peer}"));
    libtest_mimic::Trial::ignorable_test(name.to_string(), move || {
        if let Some(reason) = skipped {
            let shown = format!("skipped: {reason}");
            judge.record.add(name, Verdict::Skipped { reason });
            return Ok(Completion::ignored_with(shown));
        }
        let report = run();
        let verdict = judge.ledger.verdict(&name, &report);
        let evidence = report.evidence;
        let shown = match &verdict {
            Verdict::Passed => Ok(Completion::Completed),
            Verdict::KnownDeviation { reason } => {
                Ok(Completion::ignored_with(format!("known deviation: {reason}")))
            }
            Verdict::NotSupported { reason } => {
                Ok(Completion::ignored_with(format!("not supported: {reason}")))
            }
            Verdict::Skipped { reason } => Ok(Completion::ignored_with(reason)),
            Verdict::Failed { why, mismatches } => {
                Err(Failed::from(failure::block(&name, why, mismatches, &evidence, &judge.options)))
            }
            Verdict::SetUpError { why } => {
                let why = format!("set-up error: {why}");
                Err(Failed::from(failure::block(&name, &why, &[], &evidence, &judge.options)))
            }
        };
        judge.record.add(name, verdict);
        shown
    })
}
