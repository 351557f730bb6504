//! The fourth phase of a run: gives each trial its verdict and converts it for libtest-mimic.
//!
//! libtest-mimic has only passed, failed and ignored trials, so every verdict is mapped to one of these.

use std::any::Any;
use std::collections::BTreeSet;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Instant;

use libtest_mimic::{Completion, Failed};

use crate::outcome::{
    Evidence, Finding, KnownDeviations, Report, Trial, TrialName, Verdict, VerdictKind, evidence,
};
use crate::output::file::replace;
use crate::process::{RunContext, suspension};
use crate::report::record::writer::{RecordWriter, milliseconds};
use crate::report::{record::trial::TrialRecord, terminal::Progress};

/// Runs the trials of a run, determines their verdicts, and records them.
pub(crate) struct Judge {
    pub(crate) context: Arc<RunContext>,
    pub(crate) deviations: KnownDeviations,
    pub(crate) writer: RecordWriter,
    pub(crate) progress: Progress,
    /// Whether the traces of trials that did not fail are kept too.
    pub(crate) keeps_all_traces: bool,
    /// The command that reruns the trial called `{trial}`.
    pub(crate) rerun_command: String,
}

/// The libtest-mimic trial that runs and judges `trial`.
pub(crate) fn as_libtest(
    trial: Trial,
    left_out: &BTreeSet<String>,
    judge: Arc<Judge>,
) -> libtest_mimic::Trial {
    let missing = trial.name.peers().find(|peer| left_out.contains(*peer)).map(str::to_owned);
    libtest_mimic::Trial::ignorable_test(trial.name.to_string(), move || judge.run(trial, missing))
}

impl Judge {
    /// Runs `trial`, or skips it if `--without` excludes its peer `missing`; records the verdict and returns it in
    /// the form of libtest-mimic.
    fn run(&self, trial: Trial, missing: Option<String>) -> Result<Completion, Failed> {
        let Trial { name, mut run, port_user, .. } = trial;
        let port_queue = &self.context.port_queue;
        let began = Instant::now();
        let (verdict, mut evidence) = if let Some(peer) = missing {
            port_user.inspect(|user| port_queue.skip(*user));
            let reason = format!("--without {peer}");
            (Verdict::new(VerdictKind::Skipped, reason), Evidence::default())
        } else {
            let attempt = || {
                let report = panic::catch_unwind(AssertUnwindSafe(&mut run))
                    .unwrap_or_else(|payload| panic_report(&*payload));
                (self.deviations.verdict(&name, &report), report.evidence)
            };
            let has_failed = |(verdict, _): &(Verdict, Evidence)| verdict.kind.is_failure();
            let run = || self.context.suspensions.repeat(attempt, has_failed);
            let (result, is_doubtful) = match port_user {
                Some(user) => port_queue.run(user, run),
                None => run(),
            };
            match result {
                (_, evidence) if is_doubtful => {
                    (Verdict::new(VerdictKind::SetUpError, suspension::REASON), evidence)
                }
                result => result,
            }
        };
        let duration = match verdict.kind {
            VerdictKind::Skipped => 0.0,
            _ => milliseconds(
                evidence.duration.unwrap_or_else(|| evidence.began.unwrap_or(began).elapsed()),
            ),
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
        if let Some(comparison) = evidence.comparison.take() {
            self.writer.add_method(*comparison);
        }
        let trial = TrialRecord::new(&name, verdict, evidence, duration, run_again);
        self.progress.ended(&name, self.writer.add(trial));
        shown
    }

    /// Writes the trace of `trial` to `wire.txt` in the folder of its logs, if the trial failed or all traces are
    /// kept.
    fn keep_trace(&self, trial: &TrialName, verdict: &Verdict, evidence: &mut Evidence) {
        let Some(recorder) = evidence.recorder.take() else { return };
        if !self.keeps_all_traces && !verdict.kind.is_failure() {
            return;
        }
        let trace = recorder.take();
        let file = self.context.logs.join(trial.to_string()).join("wire.txt");
        let text = format!("Frames of {trial}\n\n{trace}");
        evidence.wire = Some(match replace(&file, |out| out.write_all(text.as_bytes())) {
            Ok(()) => file.display().to_string(),
            Err(error) => error.to_string(),
        });
        evidence.trace = Some(trace);
    }
}

/// The report of a trial that panicked. A panic is recorded as a failure.
fn panic_report(payload: &(dyn Any + Send)) -> Report {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
    let finding = Finding::Broken(format!("interop panicked, which is a bug in interop: {text}"));
    Report::new(finding)
}
