//! The record in a page of Markdown, for a CI system's job page.
//!
//! Texts of peers are escaped: what a broken server says must not become a heading or a link.

use std::io::{self, Write};

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Output, State, Value};
use serde::Serialize;

use crate::report::matrix::{Cell, Matrix, NO_TRIAL};
use crate::report::record::participant::Participant;
use crate::report::record::{Machine, Record};

const TEMPLATE: &str = include_str!("templates/summary.md");

/// How many failures are told; the rest is counted.
const TOLD: usize = 50;

#[derive(Serialize)]
struct MatrixView {
    suite: String,
    axes: [&'static str; 2],
    columns: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    cells: Vec<String>,
}

#[derive(Serialize)]
struct Failure<'a> {
    name: &'a str,
    verdict: &'static str,
    why: String,
}

#[derive(Serialize)]
struct Deviation<'a> {
    reason: &'a str,
    trials: usize,
}

/// What the template knows.
#[derive(Serialize)]
struct Context<'a> {
    warning: Option<String>,
    readiness: Vec<String>,
    counts: String,
    seconds: String,
    machine: &'a Machine,
    began: &'a str,
    matrices: Vec<MatrixView>,
    failures: Vec<Failure<'a>>,
    more_failures: usize,
    deviations: Vec<Deviation<'a>>,
    notes: &'a [String],
    peers: &'a [Participant],
}

/// Writes it.
pub(crate) fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
    environment.set_formatter(escaped);
    let template = environment.template_from_str(TEMPLATE).map_err(io::Error::other)?;
    let failures = record.failed().take(TOLD).map(|trial| Failure {
        name: &trial.name,
        verdict: trial.verdict.name(),
        why: trial.in_short(),
    });
    let deviations = record.known_deviations().into_iter();
    let deviations =
        deviations.map(|known| Deviation { reason: known.reason, trials: known.trials.len() });
    let context = Context {
        warning: record.warning(),
        readiness: record.readiness.iter().map(ToString::to_string).collect(),
        counts: record.counts.to_string(),
        seconds: format!("{:.0}", record.duration_ms / 1000.0),
        machine: &record.machine,
        began: &record.began,
        matrices: Matrix::all(record).into_iter().map(MatrixView::from).collect(),
        failures: failures.collect(),
        more_failures: record.counts.failures().saturating_sub(TOLD),
        deviations: deviations.collect(),
        notes: &record.notes,
        peers: &record.peers,
    };
    let text = template.render(Serde(context)).map_err(io::Error::other)?;
    writeln!(out, "{text}")
}

impl From<Matrix> for MatrixView {
    fn from(matrix: Matrix) -> Self {
        let Matrix { suite, axes, columns, rows } = matrix;
        let cell =
            |cell: Option<Cell>| cell.map_or(NO_TRIAL.to_owned(), |cell| cell.counts.to_string());
        let row = |(name, cells): (String, Vec<Option<Cell>>)| Row {
            name,
            cells: cells.into_iter().map(cell).collect(),
        };
        Self { suite, axes, columns, rows: rows.into_iter().map(row).collect() }
    }
}

/// Writes a value so that Markdown shows it as it is, in one line.
fn escaped(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    if value.is_safe() {
        return minijinja::escape_formatter(out, state, value);
    }
    Ok(out.write_str(&markdown(&value.to_string()))?)
}

fn markdown(text: &str) -> String {
    const SPECIAL: &str = "\\`*_[]|#!~";
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => escaped.push(' '),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            _ => {
                escaped.extend(SPECIAL.contains(character).then_some('\\'));
                escaped.push(character);
            }
        }
    }
    escaped
}
