//! The record as JUnit XML for CI systems.
//!
//! JUnit has no equivalent of the verdicts "known deviation" and "not supported". Both are reported as skipped
//! with their reason, never as passed.

use std::io::{self, Write};
use std::time::Duration;

use chrono::DateTime;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::outcome::{Mismatch, VerdictKind};
use crate::report::methods;
use crate::report::record::{Record, trial::TrialRecord};

/// Writes the report, with one test suite per group of trials.
pub(crate) fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let mut report = Report::new("interop");
    report.set_time(duration(record.duration_ms));
    if let Ok(began) = DateTime::parse_from_rfc3339(&record.began) {
        report.set_timestamp(began);
    }
    // Trials are sorted by name, so the trials of a group are adjacent.
    for trials in record.trials.chunk_by(|one, other| one.group() == other.group()) {
        let Some(first) = trials.first() else { continue };
        let mut suite = TestSuite::new(first.group());
        suite.add_test_cases(trials.iter().map(|trial| case(trial)));
        let method = record.methods.iter().find(|it| methods::group(it) == first.group());
        if let Some(method) = method {
            suite.add_property(("verdict", &*method.verdict.to_string()));
        }
        report.add_test_suite(suite);
    }
    if !record.problems.is_empty() {
        let mut suite = TestSuite::new("interop");
        suite.add_test_cases(record.problems.iter().map(|problem| {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(problem.clone());
            TestCase::new("problem", status)
        }));
        report.add_test_suite(suite);
    }
    report.serialize(out).map_err(io::Error::other)
}

fn case(trial: &TrialRecord) -> TestCase {
    let mut status = match trial.verdict {
        VerdictKind::Passed => TestCaseStatus::success(),
        VerdictKind::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        VerdictKind::SetUpError => TestCaseStatus::non_success(NonSuccessKind::Error),
        VerdictKind::KnownDeviation | VerdictKind::NotSupported | VerdictKind::Skipped => {
            TestCaseStatus::skipped()
        }
    };
    if trial.verdict != VerdictKind::Passed {
        let why = trial.why.as_deref().unwrap_or_default();
        status.set_type(trial.verdict.name());
        status.set_message(format!("{}: {why}", trial.verdict.name()));
    }
    if trial.verdict.is_failure() {
        let mismatches =
            trial.mismatches.iter().map(|Mismatch { what, expected, observed, .. }| {
                format!("expected {what} = {expected}\nobserved {what} = {observed}")
            });
        let again = format!("run again: {}", trial.run_again);
        status.set_description(mismatches.chain([again]).collect::<Vec<_>>().join("\n"));
    }
    let mut case = TestCase::new(&*trial.case, status);
    case.set_classname(trial.group()).set_time(duration(trial.duration_ms));
    case
}

fn duration(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default()
}
