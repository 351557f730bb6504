//! One trial with all that a person needs to look into it.
//!
//! There is one template for it, so that a failure on the page and a trial that is unpacked are told
//! in the same way.

use std::io;

use minijinja::value::Serde;
use minijinja::{Environment, Template};
use serde::Serialize;

use crate::outcome::grade::Grade;
use crate::report::html::comparison::Comparison;
use crate::report::html::shown;
use crate::report::html::shown::Shown;
use crate::report::html::wire::Wire;
use crate::report::record::trial::TrialRecord;

/// See the module.
#[derive(Debug)]
pub(crate) struct Renderer<'a>(Template<'a, 'a>);

/// What the template knows.
#[derive(Serialize)]
struct Case<'a> {
    verdict: Shown,
    is_failure: bool,
    why: Option<&'a str>,
    link: Option<&'a str>,
    grade: Option<&'static str>,
    duration: String,
    about: Option<&'a str>,
    /// Whether there is one to show, which a template cannot ask for.
    is_compared: bool,
    comparison: Comparison<'a>,
    wire: Option<Wire>,
    commands: Vec<(&'static str, &'a str)>,
    sent: &'a [String],
    logs: &'a [String],
    run_again: &'a str,
}

impl<'a> Renderer<'a> {
    pub(crate) fn of(environment: &'a Environment<'a>) -> Result<Self, minijinja::Error> {
        environment.get_template("case.html").map(Self)
    }

    /// The details of a trial in HTML, with about so many events on the wire at `most`.
    pub(crate) fn render(&self, trial: &TrialRecord, most: usize) -> io::Result<String> {
        let comparison = Comparison::of(trial);
        let commands = [
            ("server", &trial.server_command),
            ("client", &trial.client_command),
            ("reference", &trial.reference_command),
        ];
        let commands =
            commands.into_iter().filter_map(|(who, command)| Some((who, &**command.as_ref()?)));
        let case = Case {
            verdict: trial.verdict.into(),
            is_failure: trial.verdict.is_failure(),
            why: trial.why.as_deref(),
            link: trial.link.as_deref().filter(|link| is_web(link)),
            grade: trial.grade.map(described),
            duration: shown::duration(trial.duration_ms),
            about: about(trial),
            is_compared: !comparison.is_empty(),
            comparison,
            wire: trial.trace.as_ref().map(|trace| Wire::of(trace, trial, most)),
            commands: commands.collect(),
            sent: &trial.sent,
            logs: &trial.logs,
            run_again: &trial.run_again,
        };
        self.0.render(Serde(case)).map_err(io::Error::other)
    }
}

/// What the case is about, without the grade, which stands elsewhere.
fn about(trial: &TrialRecord) -> Option<&str> {
    let about = trial.about.as_deref()?;
    let grade = trial.grade.map(|grade| grade.to_string()).unwrap_or_default();
    let rest = about.strip_prefix(&*grade).unwrap_or(about);
    Some(rest.trim_start_matches([':', ' ', '\n'])).filter(|rest| !rest.is_empty())
}

/// Whether it is a link that may be followed: a record may come from anywhere.
pub(crate) fn is_web(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://")
}

/// The grade with what it means.
pub(crate) fn described(grade: Grade) -> &'static str {
    match grade {
        Grade::ClientVisible => "client-visible: a legal peer, proxy or load balancer can do this",
        Grade::Edge => "edge: only a peer made by hand does this",
    }
}
