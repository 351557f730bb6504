//! The behaviours: what a server does to a client, as data, read from the tables of `client-parity`.
//!
//! Mostly a behaviour states no expectation: the outcome at the reference client is what other clients
//! are compared with.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::config::Source;
use crate::config::source::{self, check_name};
use crate::http2::body;
use crate::http2::header_block::changed;
use crate::http2::{Action, Change, Cut, End, Legal, Message, Piece, Role, Text};
use crate::outcome::{Grade, Mismatch, Observation};
use crate::parity::baseline::Case;
use crate::parity::client::call::Call;
use crate::parity::client::family;

/// The headers of a legal response, as the tutorial's server sends them at least.
const HEADERS: &Legal = &[(":status", "200"), ("content-type", "application/grpc")];

/// Legal trailers.
const TRAILERS: &Legal = &[("grpc-status", "0")];

/// The message of a legal response, whose value is 4.
const ROOT_OF_16: &[u8] = &[0x0d, 0x00, 0x00, 0x80, 0x40];

/// The prefix of the names of client programs' trials, which tells them from those of agents.
pub(crate) const PROGRAM_PREFIX: &str = "program-";

/// What differs for client programs; the key `programs`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ProgramOverrides {
    pub(crate) why: String,
    /// Whether they are run.
    #[serde(default = "yes")]
    pub(crate) run: bool,
    /// Observations of the reference program other than the present one.
    #[serde(default)]
    pub(crate) also: Vec<Observation>,
}

fn yes() -> bool {
    true
}

impl ProgramOverrides {
    fn check(&self) -> Result<(), String> {
        if self.why.trim().is_empty() || self.run == self.also.is_empty() {
            return Err("programs: `why`, and either `run = false` or `also`".to_owned());
        }
        Ok(())
    }
}

/// One `[[behaviour]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Behaviour {
    name: Spanned<String>,
    #[serde(default)]
    grade: Grade,
    /// What it is about, where the name does not say it.
    about: Option<String>,
    /// Why the outcomes at the reference vary.
    unstable: Option<String>,
    /// Outcomes at the reference other than the present one.
    #[serde(default)]
    also: Vec<Observation>,
    /// The expectation that does not depend on the reference.
    #[serde(default)]
    pub(crate) expect: Stated,
    /// What differs for client programs.
    pub(crate) programs: Option<ProgramOverrides>,
    #[serde(default)]
    pub(crate) call: Call,
    /// Whether what the client sent is compared in full: it is the same whatever the server does, so
    /// a difference in it would show everywhere.
    #[serde(default)]
    pub(crate) sent: bool,
    /// There is no server at the address that is called.
    #[serde(default)]
    pub(crate) nobody_listens: bool,
    /// Sent instead of the server's SETTINGS.
    pub(crate) preface: Option<Text>,
    /// The identifiers and values of the server's first SETTINGS.
    #[serde(default)]
    pub(crate) settings: Vec<(u16, u32)>,
    /// Changes of the header list of a legal response.
    #[serde(default)]
    pub(crate) headers: Vec<Change>,
    #[serde(default = "root_of_16")]
    pub(crate) body: Vec<Piece>,
    #[serde(default)]
    pub(crate) cut: Cut,
    /// How many bytes of padding each DATA frame has.
    pub(crate) pad: Option<u8>,
    /// How many bytes of padding each HEADERS frame has.
    pub(crate) pad_headers: Option<u8>,
    /// Changes of legal trailers.
    #[serde(default)]
    pub(crate) trailers: Vec<Change>,
    /// One HEADERS frame with the headers and the trailers.
    #[serde(default)]
    pub(crate) trailers_only: bool,
    /// The size of the fragments of header blocks, which continue in CONTINUATION.
    pub(crate) fragments: Option<usize>,
    /// Where END_STREAM of the response is.
    #[serde(default = "on_trailers")]
    end: End,
    /// What happens, unless it is one response.
    actions: Option<Vec<Action>>,
    /// What happens on every later connection or request, if something else.
    then: Option<Vec<Action>>,
}

fn on_trailers() -> End {
    End::Trailers
}

fn root_of_16() -> Vec<Piece> {
    vec![Piece::of(ROOT_OF_16)]
}

impl Behaviour {
    /// The actions after `attempts` connections or requests.
    pub(crate) fn actions(&self, attempts: usize) -> Vec<Action> {
        match &self.then {
            Some(then) if attempts > 0 => then.clone(),
            _ => self.actions.clone().unwrap_or_else(|| self.one_response()),
        }
    }

    fn one_response(&self) -> Vec<Action> {
        use Action::{Body, Headers, Preface, Request, Trailers};
        match self.end() {
            End::Headers => vec![Preface, Request, Headers],
            End::LastFrame | End::EmptyFrame => vec![Preface, Request, Headers, Body],
            End::Trailers | End::Never => vec![Preface, Request, Headers, Body, Trailers],
        }
    }

    fn end(&self) -> End {
        if self.trailers_only { End::Headers } else { self.end }
    }

    /// Whether the script waits for the first request; otherwise it is chance how much of it arrives.
    pub(crate) fn waits_for_request(&self) -> bool {
        !self.nobody_listens && self.actions(0).iter().any(|it| matches!(it, Action::Request))
    }

    /// Whether the script waits until all PINGs have been acknowledged.
    pub(crate) fn waits_for_pings(&self) -> bool {
        self.actions(0).iter().any(|it| matches!(it, Action::PingsAcknowledged))
    }

    /// The response.
    pub(crate) fn response(&self) -> Message {
        let mut headers = changed(HEADERS, &self.headers);
        let trailers = changed(TRAILERS, &self.trailers);
        if self.trailers_only {
            headers.extend(trailers.clone());
        }
        Message {
            preface: self.preface.clone(),
            settings: self.settings.clone(),
            headers,
            body: body::bytes(&self.body),
            trailers,
            end: self.end(),
            cut: self.cut.clone(),
            pad: self.pad,
            pad_headers: self.pad_headers,
            priority: false,
            fragments: self.fragments,
        }
    }

    fn check(&self) -> Result<(), String> {
        check_name(self.name())?;
        if self.name().starts_with(PROGRAM_PREFIX) {
            return Err(format!(
                "`{PROGRAM_PREFIX}` is how the names of client programs' trials begin"
            ));
        }
        self.programs.iter().try_for_each(ProgramOverrides::check)?;
        if self.unstable.is_some() == self.also.is_empty() {
            return Err("`unstable` says why, and `also` what else is done".to_owned());
        }
        self.call.check()?;
        let mut actions = self.actions.iter().chain(&self.then).flatten();
        actions.try_for_each(|action| action.check(Role::Server))?;
        self.headers.iter().try_for_each(|change| change.check(HEADERS))?;
        self.trailers.iter().try_for_each(|change| change.check(TRAILERS))?;
        self.body.iter().try_for_each(Piece::check)
    }
}

impl Case for Behaviour {
    fn name(&self) -> &str {
        self.name.get_ref()
    }

    fn also(&self) -> &[Observation] {
        &self.also
    }

    fn description(&self) -> String {
        self.grade.describe(self.about.as_deref(), self.unstable.as_deref())
    }

    fn grade(&self) -> Grade {
        self.grade
    }

    fn contradictions(&self, observation: &Observation) -> Vec<Mismatch> {
        self.expect.contradictions(observation)
    }

    fn has_expectation(&self) -> bool {
        !self.expect.is_empty()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    behaviour: Vec<Behaviour>,
}

/// Reads the behaviours of all `*.toml` files in `directory`.
pub(crate) fn read_all(directory: &Path) -> anyhow::Result<Vec<Behaviour>> {
    let parse = |source: &Source| {
        let file: File = source.parse_changed(|document| family::expand(document, "behaviour"))?;
        Ok(file.behaviour)
    };
    let sources = source::open_all(directory)?;
    source::read_cases("behaviour", sources, parse, |behaviour| {
        (&behaviour.name, behaviour.check())
    })
}

/// What is stated of lines of the observation, by their names; the key `expect`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Stated(BTreeMap<String, Demand>);

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Demand {
    Is(String),
    IsNot { not: String },
}

/// The line that a program which succeeds does not have.
const STATUS: &str = "status";

impl Stated {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a line of `observation` is missing or differs from the stated one, in any of the calls.
    pub(crate) fn contradictions(&self, observation: &Observation) -> Vec<Mismatch> {
        const NONE: &str = "(none)";
        let mut contradictions = Vec::new();
        for (what, demand) in &self.0 {
            let mut values = observation.values(what);
            if values.is_empty() {
                let succeeds = what == STATUS && observation.values("end") == ["status 0"];
                values.push(if succeeds { "OK" } else { NONE });
            }
            for value in values {
                let (is_met, expected) = match demand {
                    Demand::Is(right) => (value == right, right.clone()),
                    Demand::IsNot { not } => (value != not && value != NONE, format!("not {not}")),
                };
                if !is_met {
                    contradictions.push(Mismatch::new(&format!("stated {what}"), expected, value));
                }
            }
        }
        contradictions
    }
}
