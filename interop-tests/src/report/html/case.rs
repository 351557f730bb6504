//! The details of one trial, with the expected and the observed outcome next to each other.
//!
//! The same template renders the failures on the page and all other trials. Nothing is compared again here: a row
//! is marked as different only if the trial has a mismatch for it. If a table expects a range or a part of a text,
//! the observed text may differ from the expected one without being a mismatch.

use std::collections::BTreeSet;
use std::io;

use minijinja::{Environment, Template, Value, context, value::Serde};
use serde::Serialize;

use crate::outcome::{Grade, Line, Mismatch, VerdictKind, finding::ANY};
use crate::report::html::bytes::{Alignment, Bytes};
use crate::report::html::format::{self, Shown};
use crate::report::{html::wire::Wire, record::trial::TrialRecord};

/// Renders the details of trials.
#[derive(Debug)]
pub(crate) struct Renderer<'a>(Template<'a, 'a>);

impl<'a> Renderer<'a> {
    pub(crate) fn of(environment: &'a Environment<'a>) -> Result<Self, minijinja::Error> {
        environment.get_template("case.html").map(Self)
    }

    /// Renders the details of `trial` as HTML, with about `most` frames.
    pub(crate) fn render(&self, trial: &TrialRecord, most: usize) -> io::Result<String> {
        let commands = [
            ("server", &trial.server_command),
            ("proxy", &trial.proxy_command),
            ("client", &trial.client_command),
            ("reference", &trial.reference_command),
        ];
        let command = |(side, command): (&str, &Option<String>)| {
            Some(Value::from(Serde((side, command.as_deref()?))))
        };
        let case = context! {
            verdict => Serde(Shown::from(trial.verdict)),
            is_failure => trial.verdict.is_failure(),
            why => trial.why.as_deref(),
            link => trial.link.as_deref().filter(|link| is_web(link)),
            grade => trial.grade.map(described),
            duration => format::duration(trial.duration_ms),
            about => about(trial),
            comparison => Serde(Comparison::of(trial)),
            wire => Serde(trial.trace.as_ref().map(|trace| Wire::of(trace, trial, most))),
            commands => commands.into_iter().filter_map(command).collect::<Value>(),
            sent => Serde(&trial.sent),
            logs => Serde(&trial.logs),
            run_again => &*trial.run_again,
        };
        self.0.render(case).map_err(io::Error::other)
    }
}

/// The description of the case without its grade, which is shown separately.
fn about(trial: &TrialRecord) -> Option<&str> {
    let about = trial.about.as_deref()?;
    let grade = trial.grade.map(|grade| grade.to_string()).unwrap_or_default();
    let rest = about.strip_prefix(&*grade).unwrap_or(about);
    Some(rest.trim_start_matches([':', ' ', '\n'])).filter(|rest| !rest.is_empty())
}

/// Whether `link` is a web address. A record is untrusted, so other schemes are not linked.
pub(crate) fn is_web(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://")
}

/// The grade with its meaning.
fn described(grade: Grade) -> &'static str {
    match grade {
        Grade::ClientVisible => {
            "client-visible: a conforming peer, proxy or load balancer can cause this"
        }
        Grade::Edge => {
            "edge: only a peer that violates the protocol or is built for tests causes this"
        }
    }
}

/// One line of the outcome.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'a> {
    what: &'a str,
    expected: Option<&'a str>,
    observed: Option<&'a str>,
    #[serde(flatten)]
    how: How,
    /// The bytes of both messages, if a message differs.
    bytes: Option<Bytes>,
}

/// The result of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct How {
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
}

const DIFFERS: How = How { class: "differs", symbol: "≠", word: "differs" };
const SAME: How = How { class: "same", symbol: "=", word: "as expected" };
const FITS: How = How { class: "same", symbol: "✓", word: "accepted" };
const MISSING: How = How { class: "not-compared", symbol: "·", word: "not observed" };
const MORE: How = How { class: "not-compared", symbol: "·", word: "not compared" };

/// The rows of a trial, and the rows of other accepted outcomes.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison<'a> {
    rows: Vec<Row<'a>>,
    others: Vec<Vec<Row<'a>>>,
}

impl<'a> Comparison<'a> {
    /// The comparison of `trial`; `None` if nothing was compared or observed.
    pub(crate) fn of(trial: &'a TrialRecord) -> Option<Self> {
        let observed = &trial.observation;
        let mut accepted: Vec<_> = trial.expectation.iter().collect();
        // The most similar one comes first.
        accepted.sort_by_key(|expected| distance(expected, observed));
        let mut accepted = accepted.into_iter();
        let mut rows: Vec<_> = trial.mismatches.iter().map(of_mismatch).collect();
        let shown: BTreeSet<_> = trial.mismatches.iter().map(|mismatch| &*mismatch.what).collect();
        let nearest = accepted.next().map_or(&[][..], Vec::as_slice);
        // A mismatch may concern only a part of a line, and then has another name.
        let has_line = |what: &str| nearest.iter().chain(observed).any(|line| line.what == what);
        let is_sure =
            trial.verdict == VerdictKind::Passed || shown.iter().all(|what| has_line(what));
        let rest = aligned(nearest, observed, if is_sure { FITS } else { DIFFERS });
        rows.extend(rest.into_iter().filter(|row| !shown.contains(row.what)));
        rows.sort_by_key(|row| row.how != DIFFERS);
        let others: Vec<_> = accepted.map(|other| aligned(other, observed, DIFFERS)).collect();
        (!rows.is_empty() || !others.is_empty()).then_some(Self { rows, others })
    }
}

fn of_mismatch(mismatch: &Mismatch) -> Row<'_> {
    let bytes = mismatch.messages();
    Row {
        what: &mismatch.what,
        expected: Some(&mismatch.expected),
        observed: Some(&mismatch.observed),
        how: DIFFERS,
        bytes: bytes.map(|(expected, observed)| Alignment::of(&expected, &observed).shown()),
    }
}

/// A row for each line of both outcomes; `other` is the result of lines with different values.
fn aligned<'a>(expected: &'a [Line], observed: &'a [Line], other: How) -> Vec<Row<'a>> {
    let row = |line: &'a Line| {
        let observed = value(observed, &line.what);
        let how = match observed {
            _ if line.value == ANY => FITS,
            None => MISSING,
            Some(value) if value == line.value => SAME,
            Some(_) => other,
        };
        Row { what: &line.what, expected: Some(&line.value), observed, how, bytes: None }
    };
    let more = observed.iter().filter(|line| value(expected, &line.what).is_none());
    let more = more.map(|line| {
        let (expected, observed) = (None, Some(&line.value[..]));
        Row { what: &line.what, expected, observed, how: MORE, bytes: None }
    });
    expected.iter().map(row).chain(more).collect()
}

/// The number of lines that differ.
fn distance(expected: &[Line], observed: &[Line]) -> usize {
    let is_other =
        |line: &&Line| line.value != ANY && value(observed, &line.what) != Some(&line.value);
    let is_new = |line: &&Line| value(expected, &line.what).is_none();
    expected.iter().filter(is_other).count() + observed.iter().filter(is_new).count()
}

fn value<'a>(lines: &'a [Line], what: &str) -> Option<&'a str> {
    lines.iter().find(|line| line.what == what).map(|line| &*line.value)
}
