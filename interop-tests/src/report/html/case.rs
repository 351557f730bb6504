//! The details of one trial, with everything that is known of it.
//!
//! One template makes them for the failures on the page and for all other trials, so that both look the
//! same.

use std::io;

use minijinja::value::Serde;
use minijinja::{Environment, Template, Value, context};

use crate::outcome::verdict::Grade;
use crate::report::html::comparison::Comparison;
use crate::report::html::format;
use crate::report::html::format::Shown;
use crate::report::html::wire::Wire;
use crate::report::record::trial::TrialRecord;

/// Renders the details of trials.
#[derive(Debug)]
pub(crate) struct Renderer<'a>(Template<'a, 'a>);

impl<'a> Renderer<'a> {
    pub(crate) fn of(environment: &'a Environment<'a>) -> Result<Self, minijinja::Error> {
        environment.get_template("case.html").map(Self)
    }

    /// The details of a trial in HTML, with about so many events on the wire at `most`.
    pub(crate) fn render(&self, trial: &TrialRecord, most: usize) -> io::Result<String> {
        let commands = [
            ("server", &trial.server_command),
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

/// What the case is about, without the grade, which is shown elsewhere.
fn about(trial: &TrialRecord) -> Option<&str> {
    let about = trial.about.as_deref()?;
    let grade = trial.grade.map(|grade| grade.to_string()).unwrap_or_default();
    let rest = about.strip_prefix(&*grade).unwrap_or(about);
    Some(rest.trim_start_matches([':', ' ', '\n'])).filter(|rest| !rest.is_empty())
}

/// Whether `link` may be followed: a record may come from anywhere.
pub(crate) fn is_web(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://")
}

/// The grade with its meaning.
fn described(grade: Grade) -> &'static str {
    match grade {
        Grade::ClientVisible => "client-visible: a legal peer, proxy or load balancer can do this",
        Grade::Edge => "edge: only a peer made by hand does this",
    }
}
