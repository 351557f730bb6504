//! The visible page, which does not need JavaScript.
//!
//! The most important information comes first: whether the run is complete, the readiness of replacements, and the
//! failures.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::{io, thread};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use minijinja::{Value, context, value::Serde};
use serde::Serialize;

use crate::outcome::{BaselineKind, Grade};
use crate::report::html::case::{Renderer, is_web};
use crate::report::html::format::{Shown, VERDICTS, counted, duration, grouped, plural};
use crate::report::matrix::{self, Matrix};
use crate::report::record::format::{Answer, Readiness};
use crate::report::record::{KnownDeviation, Record, trial::TrialRecord};
use crate::report::{findings, methods::Methods, proxies, services};

const STYLE: &str = include_str!("../templates/report.css");
const SCRIPT: &str = include_str!("../templates/report.js");

/// How many failures are shown in full on the page. The list of trials contains all of them.
const FAILURES: usize = 50;

/// How many frames are shown of each failure on the page. The view of a trial shows all.
const EVENTS: usize = 40;

/// How many of the slowest trials are shown.
const SLOWEST: usize = 20;

/// The values of the template.
pub(crate) fn context(record: &Record, renderer: &Renderer<'_>) -> io::Result<Value> {
    let Record { arguments, goldens, notes, machine, peers, .. } = record;
    Ok(context! {
        // The browser accepts only scripts and styles with this nonce.
        nonce => format!("{:032x}", fastrand::u128(..)),
        style => STYLE,
        script => SCRIPT,
        warning => record.warning(),
        readiness => record.readiness.iter().map(readiness).collect::<Value>(),
        counts => Serde(counted(record.counts)),
        trials => plural(record.trials.len(), "trial"),
        is_everything => record.selection.is_everything(),
        all => grouped(record.selection.all),
        duration => duration(record.duration_ms),
        began => &*record.began,
        machine => Serde(machine),
        arguments => Serde(arguments),
        goldens => Serde(goldens),
        notes => Serde(notes),
        peers => Serde(peers),
        problems => Serde(&record.problems),
        services => Methods::all(record).iter().map(services::methods).collect::<Value>(),
        findings => findings::findings(record).iter().map(services::finding).collect::<Value>(),
        unstable => services::unstable(record),
        proxies => proxies::values(record),
        matrices => Matrix::all(record).iter().map(matrix).collect::<Value>(),
        failures => failures(record, renderer)?,
        more_failures => record.counts.failures().saturating_sub(FAILURES),
        deviations => record.known_deviations().iter().map(deviation).collect::<Value>(),
        deviating => grouped(record.counts.known_deviations),
        slowest => slowest(record),
        index => index(record)?,
        cells => details(record, renderer)?,
    })
}

/// Whether a peer can replace the reference.
fn readiness(Readiness { peer, role, reference, answer }: &Readiness) -> Value {
    let (class, symbol, worst) = match answer {
        Answer::Ready { deviations: 0, .. } => ("passed", "✓", None),
        Answer::Ready { .. } => ("known-deviation", "✓", None),
        Answer::NotReady { worst, .. } => ("failed", "✗", Some(&**worst)),
        Answer::NotJudged { .. } => ("skipped", "?", None),
    };
    let subject = format!("The {peer} {role} in place of the {reference} {role}");
    context! { class, symbol, subject, answer => answer.to_string(), worst }
}

fn matrix(Matrix { suite, axes, columns, rows }: &Matrix) -> Value {
    let view = |(column, cell): (&String, &Option<matrix::Cell>), row: &[Option<matrix::Cell>]| {
        let matrix::Cell { counts, group } = cell.as_ref()?;
        // Another cell can have the same group, for another baseline.
        let is_same = |other: &&matrix::Cell| other.group == *group;
        let is_alone = row.iter().flatten().filter(is_same).count() == 1;
        let query = match axes {
            _ if is_alone => String::new(),
            [_, "cases"] => format!("?text={column}."),
            _ => format!("?baseline={column}"),
        };
        let counts = counted(*counts);
        // The first count is of the most severe verdict.
        let class = counts.first().map_or("", |count| count.class);
        Some(context! { name => &**group, query, class, counts => Serde(counts) })
    };
    let row = |(name, cells): &(String, Vec<_>)| {
        let cells: Value = columns.iter().zip(cells).map(|cell| view(cell, cells)).collect();
        Value::from(vec![Value::from(&**name), cells])
    };
    let rows: Value = rows.iter().map(row).collect();
    context! { suite => &**suite, axes => Serde(axes), columns => Serde(columns), rows }
}

/// The details of the first failures.
fn failures(record: &Record, renderer: &Renderer<'_>) -> io::Result<Value> {
    let mut groups = BTreeSet::new();
    let failure = |trial: &TrialRecord| {
        let group = trial.group();
        Ok(context! {
            name => &*trial.name,
            // Without JavaScript, the link to a group leads to its first failure.
            opens => groups.insert(group.to_owned()).then_some(group),
            verdict => Serde(Shown::from(trial.verdict)),
            short => trial.in_short(),
            details => Value::from_safe_string(renderer.render(trial, EVENTS)?),
        })
    };
    let failures = record.failed().take(FAILURES).map(failure);
    failures.collect::<io::Result<Vec<_>>>().map(Value::from)
}

/// All trials with the same known deviation.
fn deviation(KnownDeviation { reason, link, trials }: &KnownDeviation<'_>) -> Value {
    context! {
        reason => *reason,
        link => link.filter(|link| is_web(link)),
        number => grouped(trials.len()),
        grades => grades(trials),
        trials => trials.iter().map(|trial| &*trial.name).collect::<Value>(),
    }
}

/// The number of trials of each grade.
fn grades(trials: &[&TrialRecord]) -> String {
    let counted = |(grade, name): (Option<Grade>, &str)| {
        let number = trials.iter().filter(|trial| trial.grade == grade).count();
        (number > 0).then(|| format!("{} {name}", grouped(number)))
    };
    let (visible, edge) = (Some(Grade::ClientVisible), Some(Grade::Edge));
    let grades = [(visible, "client-visible"), (edge, "edge"), (None, "not graded")];
    grades.into_iter().filter_map(counted).collect::<Vec<_>>().join(", ")
}

fn slowest(record: &Record) -> Value {
    let mut trials: Vec<_> = record.trials().collect();
    trials.sort_by(|one, other| other.duration_ms.total_cmp(&one.duration_ms));
    let slow = |trial: &TrialRecord| {
        let verdict = Serde(Shown::from(trial.verdict));
        context! { name => &*trial.name, verdict, duration => duration(trial.duration_ms) }
    };
    trials.into_iter().take(SLOWEST).map(slow).collect()
}

/// The index for the search and the lists of the page.
#[derive(Serialize)]
struct Index<'a> {
    verdicts: [Shown; VERDICTS.len()],
    cells: Vec<(&'a str, Vec<Entry<'a>>)>,
}

/// The case, the position of the verdict in the index, the duration in milliseconds, and the baseline.
type Entry<'a> = (&'a str, usize, f64, BaselineKind);

/// The groups: for each its name and the compressed details of its trials. All processors render them, because this
/// takes most of the time after the last trial.
pub(crate) fn details(record: &Record, renderer: &Renderer<'_>) -> io::Result<Value> {
    let groups: Vec<_> = groups(record).collect();
    let details = |&(name, trials): &(&str, &[Arc<TrialRecord>])| -> io::Result<Value> {
        let details = trials.iter().map(|trial| renderer.render(trial, usize::MAX));
        let details: Vec<_> = details.collect::<io::Result<_>>()?;
        Ok(context! { name, details => packed(&details)? })
    };
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let every_nth = &|first| {
        let mine = groups.iter().enumerate().skip(first).step_by(processors);
        mine.map(|(number, group)| Ok((number, details(group)?))).collect()
    };
    let mut numbered: Vec<_> = thread::scope(|scope| {
        let start = |first| scope.spawn(move || every_nth(first));
        let threads: Vec<_> = (0..processors).map(start).collect();
        let parts = threads.into_iter().map(|it| it.join().unwrap_or_else(|it| resume_unwind(it)));
        parts.collect::<io::Result<Vec<Vec<_>>>>()
    })?
    .concat();
    numbered.sort_by_key(|(number, _)| *number);
    Ok(numbered.into_iter().map(|(_, details)| details).collect())
}

/// The index of all trials.
pub(crate) fn index(record: &Record) -> io::Result<String> {
    fn entry(trial: &TrialRecord) -> Entry<'_> {
        let verdict = VERDICTS.iter().position(|verdict| *verdict == trial.verdict);
        let milliseconds = (trial.duration_ms * 10.0).round() / 10.0;
        (&trial.case, verdict.unwrap_or_default(), milliseconds, trial.baseline)
    }
    let cells = groups(record)
        .map(|(name, trials)| (name, trials.iter().map(|trial| entry(trial)).collect()))
        .collect();
    packed(&Index { verdicts: VERDICTS.map(Shown::from), cells })
}

/// The groups of trials. The trials of a group are adjacent because trials are sorted by name.
fn groups(record: &Record) -> impl Iterator<Item = (&str, &[Arc<TrialRecord>])> {
    let groups = record.trials.chunk_by(|one, other| one.group() == other.group());
    groups.filter_map(|trials| Some((trials.first()?.group(), trials)))
}

/// `value` as JSON, compressed and encoded for the script of the page.
fn packed(value: &impl Serialize) -> io::Result<String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(&mut encoder, value)?;
    Ok(STANDARD.encode(encoder.finish()?))
}
