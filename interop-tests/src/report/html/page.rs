//! What can be read at once, also without JavaScript.
//!
//! The most important first: whether the run has ended, whether the switch is safe, what failed.

use std::collections::BTreeSet;
use std::io;

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use crate::outcome::grade::Grade;
use crate::report::html::case::{Renderer, is_web};
use crate::report::html::cell;
use crate::report::html::cell::Cell;
use crate::report::html::shown::{Count, Shown, counted, duration, grouped, plural};
use crate::report::html::{SCRIPT, STYLE};
use crate::report::matrix;
use crate::report::matrix::Matrix;
use crate::report::record::participant::Participant;
use crate::report::record::readiness::{Answer, Readiness};
use crate::report::record::trial::TrialRecord;
use crate::report::record::{KnownDeviation, Machine, Record};

/// How many failures are told in full; all of them are among the trials.
const TOLD: usize = 50;

/// How many events on the wire are told of them; a trial that is unpacked has all.
const EVENTS: usize = 40;

/// How many of the slowest trials are told.
const SLOWEST: usize = 20;

/// What the template knows.
#[derive(Serialize)]
struct Page<'a> {
    /// What the browser tells the page's own script and style by.
    nonce: String,
    style: &'static str,
    script: &'static str,
    warning: Option<String>,
    readiness: Vec<Verdict>,
    counts: Vec<Count>,
    trials: String,
    is_everything: bool,
    all: String,
    duration: String,
    began: &'a str,
    machine: &'a Machine,
    arguments: &'a [String],
    goldens: &'a [String],
    notes: &'a [String],
    peers: &'a [Participant],
    matrices: Vec<MatrixView>,
    failures: Vec<Failure<'a>>,
    more_failures: usize,
    deviations: Vec<Deviation<'a>>,
    deviating: String,
    slowest: Vec<Slow<'a>>,
    index: String,
    cells: Vec<Cell>,
}

/// Whether a peer can be replaced.
#[derive(Serialize)]
struct Verdict {
    class: &'static str,
    symbol: &'static str,
    subject: String,
    answer: String,
    /// The trial that says it most clearly.
    worst: Option<String>,
}

#[derive(Serialize)]
struct MatrixView {
    suite: String,
    axes: [&'static str; 2],
    columns: Vec<String>,
    rows: Vec<(String, Vec<Option<CellView>>)>,
}

/// A cell of a matrix.
#[derive(Serialize)]
struct CellView {
    name: String,
    /// What picks its trials where others have names that begin so.
    query: String,
    /// That of the worst verdict in it.
    class: &'static str,
    counts: Vec<Count>,
}

#[derive(Serialize)]
struct Failure<'a> {
    name: &'a str,
    /// The cell of which it is the first, where a link to the cell leads without JavaScript.
    opens: Option<String>,
    verdict: Shown,
    short: String,
    details: Value,
}

/// Known deviations with the same reason.
#[derive(Serialize)]
struct Deviation<'a> {
    reason: &'a str,
    link: Option<&'a str>,
    number: String,
    grades: String,
    trials: Vec<&'a str>,
}

#[derive(Serialize)]
struct Slow<'a> {
    name: &'a str,
    verdict: Shown,
    duration: String,
}

pub(crate) fn context(record: &Record, renderer: &Renderer<'_>) -> io::Result<Value> {
    Ok(Serde(Page {
        nonce: format!("{:032x}", fastrand::u128(..)),
        style: STYLE,
        script: SCRIPT,
        warning: record.warning(),
        readiness: record.readiness.iter().map(Verdict::from).collect(),
        counts: counted(record.counts),
        trials: plural(record.trials.len(), "trial"),
        is_everything: record.selection.is_everything(),
        all: grouped(record.selection.all),
        duration: duration(record.duration_ms),
        began: &record.began,
        machine: &record.machine,
        arguments: &record.arguments,
        goldens: &record.goldens,
        notes: &record.notes,
        peers: &record.peers,
        matrices: Matrix::all(record).into_iter().map(MatrixView::from).collect(),
        failures: failures(record, renderer)?,
        more_failures: record.counts.failures().saturating_sub(TOLD),
        deviations: deviations(record),
        deviating: grouped(record.counts.known_deviations),
        slowest: slowest(record),
        index: cell::index(record)?,
        cells: cell::all(record, renderer)?,
    })
    .into())
}

impl From<&Readiness> for Verdict {
    fn from(readiness: &Readiness) -> Self {
        let Readiness { peer, role, reference, answer } = readiness;
        let (class, symbol, worst) = match answer {
            Answer::Ready { deviations: 0, .. } => ("passed", "✓", None),
            Answer::Ready { .. } => ("known-deviation", "✓", None),
            Answer::NotReady { worst, .. } => ("failed", "✗", Some(worst.clone())),
            Answer::NotJudged { .. } => ("skipped", "?", None),
        };
        let subject = format!("The {peer} {role} in place of the {reference} {role}");
        Self { class, symbol, subject, answer: answer.to_string(), worst }
    }
}

impl From<Matrix> for MatrixView {
    fn from(matrix: Matrix) -> Self {
        let Matrix { suite, axes, columns, rows } = matrix;
        let view = |(column, cell): (&String, &Option<matrix::Cell>), row: &[_]| {
            let matrix::Cell { counts, group } = cell.clone()?;
            let is_same = |other: &&matrix::Cell| other.group == group;
            let is_alone = row.iter().flatten().filter(is_same).count() == 1;
            let query = if is_alone { String::new() } else { format!("?baseline={column}") };
            let counts = counted(counts);
            let class = counts.first().map_or("", |count| count.class);
            Some(CellView { name: group, query, class, counts })
        };
        let row = |(name, cells): (String, Vec<_>)| {
            let views = columns.iter().zip(&cells).map(|cell| view(cell, &cells)).collect();
            (name, views)
        };
        let rows = rows.into_iter().map(row).collect();
        Self { suite, axes, columns, rows }
    }
}

/// The first of those that failed, in full.
fn failures<'a>(record: &'a Record, renderer: &Renderer<'_>) -> io::Result<Vec<Failure<'a>>> {
    let mut cells = BTreeSet::new();
    let failure = |trial: &'a TrialRecord| {
        let cell = trial.group().to_owned();
        let details = Value::from_safe_string(renderer.render(trial, EVENTS)?);
        Ok(Failure {
            name: &trial.name,
            opens: cells.insert(cell.clone()).then_some(cell),
            verdict: trial.verdict.into(),
            short: trial.in_short(),
            details,
        })
    };
    record.failed().take(TOLD).map(failure).collect()
}

fn deviations(record: &Record) -> Vec<Deviation<'_>> {
    let known = record.known_deviations().into_iter();
    known
        .map(|KnownDeviation { reason, link, trials }| Deviation {
            reason,
            link: link.filter(|link| is_web(link)),
            number: grouped(trials.len()),
            grades: grades(&trials),
            trials: trials.iter().map(|trial| &*trial.name).collect(),
        })
        .collect()
}

/// How many of the trials are of which grade.
fn grades(trials: &[&TrialRecord]) -> String {
    let of = |grade: Option<Grade>, name: &str| {
        let number = trials.iter().filter(|trial| trial.grade == grade).count();
        (number > 0).then(|| format!("{} {name}", grouped(number)))
    };
    let parts = [
        of(Some(Grade::ClientVisible), "client-visible"),
        of(Some(Grade::Edge), "edge"),
        of(None, "not graded"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn slowest(record: &Record) -> Vec<Slow<'_>> {
    let mut trials: Vec<_> = record.trials().collect();
    trials.sort_by(|one, other| other.duration_ms.total_cmp(&one.duration_ms));
    trials.truncate(SLOWEST);
    let mut slowest = Vec::new();
    for TrialRecord { name, verdict, duration_ms, .. } in trials {
        slowest.push(Slow { name, verdict: (*verdict).into(), duration: duration(*duration_ms) });
    }
    slowest
}
