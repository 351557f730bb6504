//! Behaviours: what a server does to a client, as data, read from the tables of `client-parity`.
//!
//! Most behaviours state no expectation: clients are compared with the outcome of the reference client.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::config::Source;
use crate::config::source::{self, check_name};
use crate::http2::{Action, Change, Cut, End, Legal, Message, Piece, Role, Text};
use crate::http2::{body, header_block::changed};
use crate::outcome::finding::check_unstable;
use crate::outcome::{Grade, Mismatch, Observation};
use crate::parity::baseline::Case;
use crate::parity::client::{call::Call, family};

/// The headers of a minimal legal response.
const HEADERS: &Legal = &[(":status", "200"), ("content-type", "application/grpc")];

/// The trailers of a legal response.
const TRAILERS: &Legal = &[("grpc-status", "0")];

/// The message of a legal response with the value 4.
const ROOT_OF_16: &[u8] = &[0x0d, 0x00, 0x00, 0x80, 0x40];

/// The prefix of the cases of client programs, which distinguishes them from the cases of agents.
pub(crate) const PROGRAM_PREFIX: &str = "program-";

/// Differences for client programs: the key `programs`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ProgramOverrides {
    /// The reason for the differences.
    pub(crate) why: String,
    /// Whether client programs run in this behaviour.
    #[serde(default = "yes")]
    pub(crate) run: bool,
    /// All outcomes of the reference program, if its outcome varies.
    #[serde(default)]
    pub(crate) also: Vec<Observation>,
}

fn yes() -> bool {
    true
}

impl ProgramOverrides {
    fn check(&self) -> Result<(), String> {
        if self.why.trim().is_empty() || self.run == self.also.is_empty() {
            return Err("programs: needs `why`, and either `run = false` or `also`".to_owned());
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
    /// What it tests, if the name does not explain it.
    about: Option<String>,
    /// Why the outcome of the reference varies.
    unstable: Option<String>,
    /// All outcomes of the reference, if its outcome varies.
    #[serde(default)]
    also: Vec<Observation>,
    /// Expectations in addition to the outcome of the reference.
    #[serde(default)]
    pub(crate) expect: Stated,
    /// Differences for client programs.
    pub(crate) programs: Option<ProgramOverrides>,
    #[serde(default)]
    pub(crate) call: Call,
    /// Whether the request of the client is compared in full. It does not depend on the server, so a difference in it
    /// would otherwise appear in every behaviour.
    #[serde(default)]
    pub(crate) sent: bool,
    /// Whether no server listens at the address that is called.
    #[serde(default)]
    pub(crate) nobody_listens: bool,
    /// Sent instead of the server's SETTINGS.
    pub(crate) preface: Option<Text>,
    /// The identifiers and values in the first SETTINGS of the server.
    #[serde(default)]
    pub(crate) settings: Vec<(u16, u32)>,
    /// Changes to the headers of a legal response.
    #[serde(default)]
    pub(crate) headers: Vec<Change>,
    #[serde(default = "root_of_16")]
    pub(crate) body: Vec<Piece>,
    #[serde(default)]
    pub(crate) cut: Cut,
    /// The number of padding bytes in each DATA frame.
    pub(crate) pad: Option<u8>,
    /// The number of padding bytes in each HEADERS frame.
    pub(crate) pad_headers: Option<u8>,
    /// Changes to the trailers of a legal response.
    #[serde(default)]
    pub(crate) trailers: Vec<Change>,
    /// Whether one HEADERS frame contains both headers and trailers.
    #[serde(default)]
    pub(crate) trailers_only: bool,
    /// The size of the fragments of header blocks in HEADERS and CONTINUATION.
    pub(crate) fragments: Option<usize>,
    /// Which frame of the response has END_STREAM.
    #[serde(default = "on_trailers")]
    end: End,
    /// The actions. The default is one response.
    actions: Option<Vec<Action>>,
    /// The actions on every later connection or request. The default is the same actions.
    then: Option<Vec<Action>>,
}

fn on_trailers() -> End {
    End::Trailers
}

fn root_of_16() -> Vec<Piece> {
    vec![Piece::of(ROOT_OF_16)]
}

impl Behaviour {
    /// The actions after `attempts` earlier connections or requests.
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

    /// Whether the script waits for the first request. Otherwise it varies how much of the request arrives.
    pub(crate) fn waits_for_request(&self) -> bool {
        !self.nobody_listens && self.actions(0).iter().any(|it| matches!(it, Action::Request))
    }

    /// Whether the script waits until all PINGs have been acknowledged.
    pub(crate) fn waits_for_pings(&self) -> bool {
        self.actions(0).iter().any(|it| matches!(it, Action::PingsAcknowledged))
    }

    /// The response of the scripted server.
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
                "the prefix `{PROGRAM_PREFIX}` is reserved for the trials of client programs; choose another name"
            ));
        }
        self.programs.iter().try_for_each(ProgramOverrides::check)?;
        check_unstable(self.unstable.as_deref(), &self.also)?;
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

/// The expected values of lines of the observation, by name: the key `expect`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Stated(BTreeMap<String, Demand>);

/// The expected value of a line, or a value that it must not have.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Demand {
    Is(String),
    IsNot { not: String },
}

/// The line that is missing if a client program succeeds.
const STATUS: &str = "status";

impl Stated {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines of `observation` that are missing or differ from the stated ones, in any of the calls.
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
                    Demand::Is(expected) => (value == expected, expected.clone()),
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
