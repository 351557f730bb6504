//! The probes: requests as data, read from the suite's tables.
//!
//! A probe states no expectation: what is right is what the reference answers.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::config::source;
use crate::config::source::{ConfigError, Source};
use crate::http2::body::{Cut, Piece};
use crate::http2::header_list::Change;
use crate::http2::text::Text;
use crate::outcome::grade;
use crate::outcome::grade::Grade;
use crate::outcome::observation::Observation;
use crate::parity::baseline::case::Case;
use crate::parity::baseline::naming;
use crate::parity::server::action::Action;
use crate::parity::server::request;

/// When the server's SETTINGS are acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Acknowledge {
    /// Before the request, as a client does that keeps its connection.
    #[default]
    Before,
    /// After the request, as a client does that does not wait for the server's preface.
    After,
    Never,
}

/// How a request ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    /// END_STREAM is on the last frame of the body.
    #[default]
    LastFrame,
    /// END_STREAM is on an empty DATA frame of its own.
    EmptyFrame,
    /// END_STREAM is on HEADERS; no body is sent.
    Headers,
    /// END_STREAM is on trailers.
    Trailers,
    Never,
}

/// One `[[probe]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Probe {
    name: Spanned<String>,
    pub(crate) grade: Grade,
    /// What it is about, where the name does not say it.
    about: Option<String>,
    /// Why the reference answers now so and now otherwise.
    unstable: Option<String>,
    /// What it has been seen to answer, beside what it answers now.
    #[serde(default)]
    also: Vec<Observation>,
    /// Changes of the header list of a legal request.
    #[serde(default)]
    pub(crate) headers: Vec<Change>,
    #[serde(default)]
    pub(crate) trailers: Vec<Change>,
    #[serde(default = "root_of_16")]
    pub(crate) body: Vec<Piece>,
    #[serde(default = "uncut")]
    pub(crate) cut: Cut,
    /// How many bytes of padding each DATA frame has.
    pub(crate) pad: Option<u8>,
    /// How many bytes of padding HEADERS has.
    pub(crate) pad_headers: Option<u8>,
    /// Whether HEADERS carries a priority.
    #[serde(default)]
    pub(crate) priority: bool,
    /// HEADERS is cut into fragments of this many bytes, which go on in CONTINUATION.
    pub(crate) fragments: Option<usize>,
    #[serde(default)]
    pub(crate) end: End,
    #[serde(default)]
    pub(crate) acknowledge_settings: Acknowledge,
    /// What is sent instead of the client's preface, up to its SETTINGS.
    pub(crate) preface: Option<Text>,
    /// What happens, if not just one request.
    #[serde(default = "one_request")]
    pub(crate) actions: Vec<Action>,
    /// How often the actions are played, each time on a stream of its own.
    #[serde(default = "once")]
    pub(crate) times: usize,
    /// Each action is played for all streams before the next one is.
    #[serde(default)]
    pub(crate) together: bool,
}

pub(crate) fn root_of_16() -> Vec<Piece> {
    vec![Piece::root_of_16()]
}

fn uncut() -> Cut {
    Cut::Sizes(Vec::new())
}

pub(crate) fn one_request() -> Vec<Action> {
    vec![Action::Headers, Action::Body]
}

fn once() -> usize {
    1
}

impl Probe {
    /// Whether it asks so much at once that other probes would see a busy server.
    pub(crate) fn is_burst(&self) -> bool {
        const MANY: usize = 50;
        self.times >= MANY
    }

    /// The same requests under another name, of which nothing is known.
    pub(crate) fn renamed(&self, name: &str) -> Self {
        Self {
            name: Spanned::new(0..0, name.to_owned()),
            about: None,
            unstable: None,
            also: Vec::new(),
            ..self.clone()
        }
    }

    fn check(&self) -> Result<(), String> {
        naming::check(self.name())?;
        if self.unstable.is_some() == self.also.is_empty() {
            return Err("`unstable` says why, and `also` what else is answered".to_owned());
        }
        if self.times == 0 || self.actions.is_empty() {
            return Err("a probe does something".to_owned());
        }
        if self.end == End::Trailers && self.trailers.is_empty() {
            return Err("`end` is \"trailers\", and there are none".to_owned());
        }
        self.headers.iter().try_for_each(|change| change.check(request::LEGAL))?;
        self.body.iter().try_for_each(Piece::check)
    }
}

impl Case for Probe {
    fn name(&self) -> &str {
        self.name.get_ref()
    }

    fn also(&self) -> &[Observation] {
        &self.also
    }

    /// Its grade, what it is about, and what has to be known about the reference.
    fn description(&self) -> String {
        grade::described(self.grade, self.about.as_deref(), self.unstable.as_deref())
    }

    fn grade(&self) -> Grade {
        self.grade
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    probe: Vec<Probe>,
}

/// Reads all `*.toml` files in `directory`, in the order of their names.
pub(crate) fn read_all(directory: &Path) -> anyhow::Result<Vec<Probe>> {
    let mut probes = Vec::new();
    let mut names = BTreeSet::new();
    for path in &source::tables_in(directory)? {
        probes.extend(read(path, &mut names)?);
    }
    Ok(probes)
}

/// Reads one probe from the text of its entry; the error says what is wrong with it.
pub(crate) fn from_entry(entry: &str) -> Result<Probe, String> {
    let file: File = toml::from_str(entry).map_err(|error| error.to_string())?;
    let [probe] = <[Probe; 1]>::try_from(file.probe).map_err(|_| "not one probe".to_owned())?;
    probe.check().map(|()| probe)
}

fn read(path: &Path, names: &mut BTreeSet<String>) -> Result<Vec<Probe>, ConfigError> {
    let (file, source): (File, _) = Source::read(path)?;
    let cases = file.probe.iter().map(|probe| (&probe.name, probe.check()));
    naming::take_up("probe", cases, &source, names)?;
    Ok(file.probe)
}
