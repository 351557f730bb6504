//! The record as a Markdown page for the job summary of a CI system.
//!
//! Texts from peers are escaped, so that text from a server cannot become a heading or a link.

use std::io::{self, Write};

use minijinja::{AutoEscape, Environment, Error, Output, State, Value, context, value::Serde};

use crate::report::matrix::{Cell, Matrix, NO_TRIAL};
use crate::report::record::{KnownDeviation, Record, trial::TrialRecord};
use crate::report::{findings, methods::Methods, proxies, services};

const TEMPLATE: &str = include_str!("templates/summary.md");

/// How many failures are listed. The others are counted.
const SHOWN: usize = 50;

/// Writes the page.
pub(crate) fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
    environment.set_formatter(escaped);
    let template = environment.template_from_str(TEMPLATE).map_err(io::Error::other)?;
    let Record { machine, notes, peers, began, .. } = record;
    let context = context! {
        warning => record.warning(),
        readiness => record.readiness.iter().map(ToString::to_string).collect::<Value>(),
        counts => record.counts.to_string(),
        seconds => format!("{:.0}", record.duration_ms / 1000.0),
        machine => Serde(machine),
        began => &**began,
        problems => Serde(&record.problems),
        services => Methods::all(record).iter().map(services::methods).collect::<Value>(),
        findings => findings::findings(record).iter().map(services::finding).collect::<Value>(),
        proxies => proxies::values(record),
        matrices => Matrix::all(record).iter().map(matrix).collect::<Value>(),
        failures => record.failed().take(SHOWN).map(failure).collect::<Value>(),
        more_failures => record.counts.failures().saturating_sub(SHOWN),
        deviations => record.known_deviations().iter().map(deviation).collect::<Value>(),
        notes => Serde(notes),
        peers => Serde(peers),
    };
    let text = template.render(context).map_err(io::Error::other)?;
    writeln!(out, "{text}")
}

fn matrix(Matrix { suite, axes, columns, rows }: &Matrix) -> Value {
    let text = |cell: &Option<Cell>| {
        cell.as_ref().map_or(NO_TRIAL.to_owned(), |cell| cell.counts.to_string())
    };
    let row = |(name, cells): &(String, Vec<_>)| {
        context! { name => &**name, cells => cells.iter().map(text).collect::<Value>() }
    };
    let rows: Value = rows.iter().map(row).collect();
    context! { suite => &**suite, axes => Serde(axes), columns => Serde(columns), rows }
}

fn failure(trial: &TrialRecord) -> Value {
    context! { name => &*trial.name, verdict => trial.verdict.name(), why => trial.in_short() }
}

fn deviation(KnownDeviation { reason, trials, .. }: &KnownDeviation<'_>) -> Value {
    context! { reason => *reason, trials => trials.len() }
}

/// Writes `value` escaped for Markdown, on one line.
fn escaped(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(markdown("# a\n[b](c) <i>&*"), "\\# a \\[b\\](c) &lt;i>&amp;\\*");
        assert_eq!(markdown("|`x`|"), "\\|\\`x\\`\\|");
    }
}
