//! The fourth phase of a run: the verdict on each trial, and how libtest-mimic shows it.
//!
//! libtest-mimic knows only passed, failed and ignored trials, so every other verdict is shown as one of
//! these.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Instant;

use libtest_mimic::{Completion, Failed};

use crate::cli::options::Rerun;
use crate::outcome::deviations::Ledger;
use crate::outcome::evidence::{Evidence, Report};
use crate::outcome::failure;
use crate::outcome::finding::Finding;
use crate::outcome::trial::{Trial, TrialName};
use crate::outcome::verdict::{Verdict, VerdictKind};
use crate::process::context::RunContext;
use crate::report::progress::Progress;
use crate::report::record::trial::TrialRecord;
use crate::report::record::writer::{RecordWriter, milliseconds};
use crate::report::trace_archive::Archive;

/// Judges the trials of a run, and passes the verdicts on.
pub(crate) struct Judge {
    pub(crate) context: Arc<RunContext>,
    pub(crate) ledger: Ledger,
    pub(crate) writer: RecordWriter,
    pub(crate) progress: Progress,
    pub(crate) traces: Archive,
    /// Makes the command that reruns a trial.
    pub(crate) rerun: Rerun,
}

/// Makes a trial of libtest-mimic, which runs `trial` and judges its report.
pub(crate) fn as_libtest(
    trial: Trial,
    left_out: &BTreeSet<String>,
    judge: Arc<Judge>,
) -> libtest_mimic::Trial {
    let Trial { name, run, port_user, .. } = trial;
    let missing = name.peers().find(|peer| left_out.contains(*peer));
    let skipped = missing.map(|peer| format!("--without {peer}"));
    libtest_mimic::Trial::ignorable_test(name.to_string(), move || {
        let port_queue = &judge.context.port_queue;
        if let Some(reason) = skipped {
            port_user.inspect(|user| port_queue.skip(*user));
            let shown = format!("skipped: {reason}");
            let verdict = Verdict::new(VerdictKind::Skipped, reason);
            judge.record(&name, verdict, Evidence::default(), 0.0);
            return Ok(Completion::ignored_with(shown));
        }
        let began = Instant::now();
        let run = || match port_user {
            Some(user) => port_queue.run(user, run),
            None => run(),
        };
        let report = panic::catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|payload| panic_report(&*payload));
        let duration = report.evidence.began.unwrap_or(began).elapsed();
        let verdict = judge.ledger.verdict(&name, &report);
        let mut evidence = report.evidence;
        judge.traces.keep(&name, &verdict, &mut evidence);
        let shown = match verdict.kind {
            VerdictKind::Passed => Ok(Completion::Completed),
            VerdictKind::Failed | VerdictKind::SetUpError => {
                let run_again = judge.rerun.command(&name);
                Err(Failed::from(failure::block(&name, &verdict, &evidence, &run_again)))
            }
            kind => {
                let why = verdict.why.as_deref().unwrap_or_default();
                Ok(Completion::ignored_with(format!("{}: {why}", kind.name())))
            }
        };
        if let Err(failed) = &shown {
            judge.progress.failed(&name, failed.message().unwrap_or_default());
        }
        judge.record(&name, verdict, evidence, milliseconds(duration));
        shown
    })
}

impl Judge {
    fn record(&self, name: &TrialName, verdict: Verdict, evidence: Evidence, duration_ms: f64) {
        let run_again = self.rerun.command(name);
        let trial = TrialRecord::new(name, verdict, evidence, duration_ms, run_again);
        let counts = self.writer.add(trial);
        self.progress.ended(name, counts);
    }
}

/// The report of a trial that panicked, which is a failure in the record as it is in the exit status.
fn panic_report(payload: &(dyn Any + Send)) -> Report {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
    let finding = Finding::Broken(format!("the tool panicked, which is a defect in it: {text}"));
    Report { finding, evidence: Evidence::default() }
}
