//! The behaviours: what a server does to a client as data, read from the suite's tables.
//!
//! Mostly a behaviour states no expectation: what is right is what the reference client makes of it.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::config::source;
use crate::config::source::{ConfigError, Source};
use crate::http2::body::{Cut, Piece};
use crate::http2::header_list::Change;
use crate::http2::text::Text;
use crate::outcome::finding::Mismatch;
use crate::outcome::grade;
use crate::outcome::grade::Grade;
use crate::outcome::observation::Observation;
use crate::parity::baseline::case::Case;
use crate::parity::baseline::naming;
use crate::parity::client::action::Action;
use crate::parity::client::call::Call;
use crate::parity::client::family;
use crate::parity::client::programs::case::{PREFIX, Special};
use crate::parity::client::response::{HEADERS, ROOT_OF_16, TRAILERS};
use crate::parity::client::stated::Stated;

/// Where END_STREAM of the response is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    Headers,
    /// On the last frame of the body.
    Body,
    #[default]
    Trailers,
    Never,
}

/// One `[[behaviour]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Behaviour {
    name: Spanned<String>,
    #[serde(default = "client_visible")]
    grade: Grade,
    /// What it is about, where the name does not say it.
    about: Option<String>,
    /// Why the reference does now this and now that.
    unstable: Option<String>,
    /// What it has been seen to do, beside what it does now.
    #[serde(default)]
    also: Vec<Observation>,
    /// What is stated of it, whatever the reference does.
    #[serde(default)]
    pub(crate) expect: Stated,
    /// What is special about client programs with it.
    pub(crate) programs: Option<Special>,
    #[serde(default)]
    pub(crate) call: Call,
    /// Whether what the client sent is compared in full: it is the same whatever the server does, so
    /// a difference in it would show everywhere.
    #[serde(default)]
    pub(crate) sent: bool,
    /// Nobody listens at the address that is called.
    #[serde(default)]
    pub(crate) nobody_listens: bool,
    /// What the server says first, instead of SETTINGS.
    pub(crate) preface: Option<Text>,
    /// What the server's first SETTINGS say, as identifiers and values.
    #[serde(default)]
    pub(crate) settings: Vec<(u16, u32)>,
    /// Changes of the header list of a legal response.
    #[serde(default)]
    pub(crate) headers: Vec<Change>,
    #[serde(default = "root_of_16")]
    pub(crate) body: Vec<Piece>,
    #[serde(default = "uncut")]
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
    /// HEADERS are cut into fragments of this many bytes, which go on in CONTINUATION.
    pub(crate) fragments: Option<usize>,
    #[serde(default)]
    pub(crate) end: End,
    /// What happens, if not just one response.
    actions: Option<Vec<Action>>,
    /// What happens with every later connection or request, if something else.
    then: Option<Vec<Action>>,
}

fn client_visible() -> Grade {
    Grade::ClientVisible
}

fn root_of_16() -> Vec<Piece> {
    vec![Piece::of(ROOT_OF_16)]
}

fn uncut() -> Cut {
    Cut::Sizes(Vec::new())
}

impl Behaviour {
    /// What happens when the client has tried `attempts` times before.
    pub(crate) fn actions(&self, attempts: usize) -> Vec<Action> {
        match &self.then {
            Some(then) if attempts > 0 => then.clone(),
            _ => self.actions.clone().unwrap_or_else(|| self.one_response()),
        }
    }

    fn one_response(&self) -> Vec<Action> {
        use Action::{Body, Headers, Preface, Request, Trailers};
        match self.end {
            _ if self.trailers_only => vec![Preface, Request, Headers],
            End::Headers => vec![Preface, Request, Headers],
            End::Body => vec![Preface, Request, Headers, Body],
            End::Trailers | End::Never => vec![Preface, Request, Headers, Body, Trailers],
        }
    }

    /// Whether the first request is waited for: without that, it is chance what of it has come.
    pub(crate) fn waits_for_request(&self) -> bool {
        !self.nobody_listens
            && self.actions(0).iter().any(|action| matches!(action, Action::Request))
    }

    /// Whether the script waits until all PINGs have been acknowledged.
    pub(crate) fn waits_for_pings(&self) -> bool {
        self.actions(0).iter().any(|action| matches!(action, Action::PingsAcknowledged))
    }

    fn check(&self) -> Result<(), String> {
        naming::check(self.name())?;
        if self.name().starts_with(PREFIX) {
            return Err(format!("`{PREFIX}` is how the names of client programs' trials begin"));
        }
        self.programs.iter().try_for_each(Special::check)?;
        if self.unstable.is_some() == self.also.is_empty() {
            return Err("`unstable` says why, and `also` what else is done".to_owned());
        }
        self.call.check()?;
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
        grade::described(self.grade, self.about.as_deref(), self.unstable.as_deref())
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
struct Entry {
    #[serde(default)]
    behaviour: Vec<Behaviour>,
}

/// Reads all `*.toml` files in `directory`, in the order of their names.
pub(crate) fn read_all(directory: &Path) -> anyhow::Result<Vec<Behaviour>> {
    let mut behaviours = Vec::new();
    let mut names = BTreeSet::new();
    for path in &source::tables_in(directory)? {
        for entry in family::entries(&Source::open(path)?)? {
            behaviours.extend(read(&entry, &mut names)?);
        }
    }
    Ok(behaviours)
}

fn read(source: &Source, names: &mut BTreeSet<String>) -> Result<Vec<Behaviour>, ConfigError> {
    let entry: Entry = source.parse()?;
    let cases = entry.behaviour.iter().map(|behaviour| (&behaviour.name, behaviour.check()));
    naming::take_up("behaviour", cases, source, names)?;
    Ok(entry.behaviour)
}
