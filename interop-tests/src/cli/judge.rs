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

use crate::outcome::{
    Evidence, Finding, Ledger, Report, Trial, TrialName, Verdict, VerdictKind, evidence,
};
use crate::process::RunContext;
use crate::report::record::trial::TrialRecord;
use crate::report::record::writer::{RecordWriter, milliseconds};
use crate::report::terminal::Progress;

/// Runs and judges the trials of a run, and passes the verdicts on.
pub(crate) struct Judge {
    pub(crate) context: Arc<RunContext>,
    pub(crate) ledger: Ledger,
    pub(crate) writer: RecordWriter,
    pub(crate) progress: Progress,
    /// Whether the traces of trials that did not fail are kept, too.
    pub(crate) keeps_all_traces: bool,
    /// The command that reruns the trial called `{trial}`.
    pub(crate) rerun_command: String,
}

/// Makes a trial of libtest-mimic, which runs `trial` and judges its report.
pub(crate) fn as_libtest(
    trial: Trial,
    left_out: &BTreeSet<String>,
    judge: Arc<Judge>,
) -> libtest_mimic::Trial {
    let missing = trial.name.peers().find(|peer| left_out.contains(*peer)).map(str::to_owned);
    libtest_mimic::Trial::ignorable_test(trial.name.to_string(), move || judge.run(trial, missing))
}

impl Judge {
    /// Runs `trial` unless its peer `missing` is left out, records the verdict, and returns what
    /// libtest-mimic shows.
    fn run(&self, trial: Trial, missing: Option<String>) -> Result<Completion, Failed> {
        let Trial { name, run, port_user, .. } = trial;
        let port_queue = &self.context.port_queue;
        let began = Instant::now();
        let (verdict, mut evidence) = if let Some(peer) = missing {
            port_user.inspect(|user| port_queue.skip(*user));
            let reason = format!("--without {peer}");
            (Verdict::new(VerdictKind::Skipped, reason), Evidence::default())
        } else {
            let run = || match port_user {
                Some(user) => port_queue.run(user, run),
                None => run(),
            };
            let report = panic::catch_unwind(AssertUnwindSafe(run))
                .unwrap_or_else(|payload| panic_report(&*payload));
            (self.ledger.verdict(&name, &report), report.evidence)
        };
        let duration = match verdict.kind {
            VerdictKind::Skipped => 0.0,
            _ => milliseconds(evidence.began.unwrap_or(began).elapsed()),
        };
        self.keep_trace(&name, &verdict, &mut evidence);
        let run_again = self.rerun_command.replace("{trial}", &name.to_string());
        let shown = match verdict.kind {
            VerdictKind::Passed => Ok(Completion::Completed),
            VerdictKind::Failed | VerdictKind::SetUpError => {
                let failure = evidence::block(&name, &verdict, &evidence, &run_again);
                self.progress.failed(&name, &failure);
                Err(Failed::from(failure))
            }
            kind => {
                let why = verdict.why.as_deref().unwrap_or_default();
                Ok(Completion::ignored_with(format!("{}: {why}", kind.name())))
            }
        };
        let trial = TrialRecord::new(&name, verdict, evidence, duration, run_again);
        self.progress.ended(&name, self.writer.add(trial));
        shown
    }

    /// Builds the trace of a trial from its recording and writes it to the folder of the logs, where
    /// everything about the trial is, if it is to be kept.
    fn keep_trace(&self, trial: &TrialName, verdict: &Verdict, evidence: &mut Evidence) {
        let Some(recorder) = evidence.recorder.take() else { return };
        if !self.keeps_all_traces && !verdict.kind.is_failure() {
            return;
        }
        let trace = recorder.take();
        let folder = self.context.logs.join(trial.to_string());
        let file = folder.join("wire.txt");
        let text = format!("What went over the wire in {trial}\n\n{trace}");
        let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, text));
        evidence.wire = Some(match written {
            Ok(()) => file.display().to_string(),
            Err(error) => format!("{} cannot be written: {error}", file.display()),
        });
        evidence.trace = Some(trace);
    }
}

/// The report of a trial that panicked, which is a failure in the record as it is in the exit status.
fn panic_report(payload: &(dyn Any + Send)) -> Report {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
    let finding = Finding::Broken(format!("the tool panicked, which is a defect in it: {text}"));
    Report { finding, evidence: Evidence::default() }
}
