//! Probes: requests as data, read from the tables of `server-parity` and written as entries of such a table.
//!
//! A probe states no expectation: servers are compared with the response of the reference.

use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Spanned, Table, Value};

use crate::config::Source;
use crate::config::source::{self, check_name};
use crate::http2::{Action, Change, Cut, End, Field, Legal, Message, Piece, Role, Text};
use crate::http2::{body, header_block, header_block::changed};
use crate::outcome::{Grade, Observation, finding::check_unstable};

/// The header list of a minimal legal gRPC request.
///
/// `:authority` is the same for every server, because servers include its length when they report the size of
/// metadata.
pub(crate) const LEGAL: &Legal = &[
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/Calculator/SquareRoot"),
    (":authority", "localhost:50051"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
];

/// The header list of a minimal legal request to the method at `path`.
pub(crate) fn legal(path: &str) -> Vec<Field> {
    let value = |name, value| if name == ":path" { path } else { value };
    LEGAL.iter().map(|(name, it)| ((*name).into(), value(*name, it).into())).collect()
}

/// When the client acknowledges the SETTINGS of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Acknowledge {
    /// Before the request, as on an established connection.
    #[default]
    Before,
    /// After the request, like a client that does not wait for the SETTINGS of the server.
    After,
    /// Not at all.
    Never,
}

/// One `[[probe]]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Probe {
    #[serde(skip_serializing)]
    name: Spanned<String>,
    #[serde(skip_serializing)]
    pub(crate) grade: Grade,
    /// What it tests, if the name does not explain it.
    #[serde(skip_serializing)]
    about: Option<String>,
    /// Why the response of the reference varies.
    #[serde(skip_serializing)]
    unstable: Option<String>,
    /// All responses of the reference, if its response varies.
    #[serde(default, skip_serializing)]
    also: Vec<Observation>,
    /// Changes to the header list of a legal request.
    #[serde(default)]
    pub(crate) headers: Vec<Change>,
    #[serde(default)]
    pub(crate) trailers: Vec<Change>,
    #[serde(default = "body::root_of_16")]
    pub(crate) body: Vec<Piece>,
    #[serde(default)]
    pub(crate) cut: Cut,
    /// The number of padding bytes in each DATA frame.
    pub(crate) pad: Option<u8>,
    /// The number of padding bytes in HEADERS.
    pub(crate) pad_headers: Option<u8>,
    /// Whether HEADERS carries a priority.
    #[serde(default)]
    pub(crate) priority: bool,
    /// The size of the fragments of the header block in HEADERS and CONTINUATION.
    pub(crate) fragments: Option<usize>,
    #[serde(default)]
    pub(crate) end: End,
    #[serde(default)]
    pub(crate) acknowledge_settings: Acknowledge,
    /// Sent instead of the client's preface and SETTINGS.
    pub(crate) preface: Option<Text>,
    /// The actions. The default is one request.
    #[serde(default = "one_request")]
    pub(crate) actions: Vec<Action>,
    /// How often the actions run, each time on a new stream.
    #[serde(default = "once")]
    pub(crate) times: usize,
    /// Whether each action runs on all streams before the next action.
    #[serde(default)]
    pub(crate) together: bool,
}

fn one_request() -> Vec<Action> {
    vec![Action::Headers, Action::Body]
}

fn once() -> usize {
    1
}

impl Probe {
    pub(crate) fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// All responses of the reference, if its response varies.
    pub(crate) fn also(&self) -> &[Observation] {
        &self.also
    }

    /// The description for failure blocks.
    pub(crate) fn description(&self) -> String {
        self.grade.describe(self.about.as_deref(), self.unstable.as_deref())
    }

    /// Whether it makes so many calls at once that it would affect other probes.
    pub(crate) fn is_burst(&self) -> bool {
        const MANY: usize = 50;
        self.times >= MANY
    }

    /// The header list of the requests.
    pub(crate) fn header_list(&self) -> Vec<Field> {
        changed(LEGAL, &self.headers)
    }

    /// The trailers of the requests.
    pub(crate) fn trailer_list(&self) -> Vec<Field> {
        changed(&[], &self.trailers)
    }

    /// Why the response of the reference varies, if it does.
    pub(crate) fn unstable(&self) -> Option<&str> {
        self.unstable.as_deref()
    }

    /// The request to the method at `path`.
    pub(crate) fn request(&self, path: &str) -> Message {
        Message {
            preface: self.preface.clone(),
            settings: Vec::new(),
            headers: header_block::apply(&self.headers, legal(path)),
            body: body::bytes(&self.body),
            trailers: self.trailer_list(),
            end: self.end,
            cut: self.cut.clone(),
            pad: self.pad,
            pad_headers: self.pad_headers,
            priority: self.priority,
            fragments: self.fragments,
        }
    }

    /// Whether `condition` holds for any of its actions.
    pub(crate) fn has(&self, condition: impl Fn(&Action) -> bool) -> bool {
        self.actions.iter().any(condition)
    }

    /// Whether the client announces the end of the connection.
    pub(crate) fn ends_connection(&self) -> bool {
        self.has(|action| matches!(action, Action::Goaway(_) | Action::HalfClose))
    }

    fn check(&self) -> Result<(), String> {
        check_name(self.name())?;
        check_unstable(self.unstable.as_deref(), &self.also)?;
        if self.times == 0 || self.actions.is_empty() {
            let message = "the probe does nothing: `times` must be at least 1, `actions` not empty";
            return Err(message.to_owned());
        }
        if self.end == End::Trailers && self.trailers.is_empty() {
            return Err("end: \"trailers\" needs `trailers`".to_owned());
        }
        self.actions.iter().try_for_each(|action| action.check(Role::Client))?;
        self.headers.iter().try_for_each(|change| change.check(LEGAL))?;
        self.body.iter().try_for_each(Piece::check)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    probe: Vec<Probe>,
}

/// Reads the probes of all `*.toml` files in `directory`.
pub(crate) fn read_all(directory: &Path) -> anyhow::Result<Vec<Probe>> {
    let parse = |source: &Source| source.parse().map(|file: File| file.probe);
    source::read_cases("probe", source::open_all(directory)?, parse, |probe| {
        (&probe.name, probe.check())
    })
}

/// Reads one probe from the text of its entry.
pub(crate) fn from_entry(entry: &str) -> Result<Probe, String> {
    let file: File = toml::from_str(entry).map_err(|error| error.to_string())?;
    let [probe] =
        <[Probe; 1]>::try_from(file.probe).map_err(|_| "expected exactly one probe".to_owned())?;
    probe.check().map(|()| probe)
}

/// `probe` as an entry of a table.
pub(crate) fn entry(probe: &Probe) -> Result<String, String> {
    entry_named(probe, probe.name())
}

/// `probe` as an entry of a table, under another name.
pub(crate) fn entry_named(probe: &Probe, name: &str) -> Result<String, String> {
    let table = |probe: &Probe| Table::try_from(probe).map_err(|error| error.to_string());
    let default = table(&from_entry(&head("default", probe.grade))?)?;
    let unusual = table(probe)?.into_iter().filter(|(key, value)| default.get(key) != Some(value));
    let lines = unusual.map(|(key, value)| format!("{key} = {}\n", shown(&value)));
    Ok(head(name, probe.grade) + &lines.collect::<String>())
}

fn head(name: &str, grade: Grade) -> String {
    format!("[[probe]]\nname = \"{name}\"\ngrade = \"{grade}\"\n")
}

/// `value` as TOML: on one line, or a long list with one line per element.
fn shown(value: &Value) -> String {
    const LONG: usize = 80;
    let line = value.to_string();
    match value {
        Value::Array(items) if line.len() > LONG && items.len() > 1 => {
            let items: Vec<_> = items.iter().map(Value::to_string).collect();
            format!("[\n    {},\n]", items.join(",\n    "))
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::from_entry;
    use crate::probe::target::Target;

    const ENTRY: &str = "[[probe]]\nname = 'mine'\ngrade = 'client-visible'\n";

    #[test]
    fn a_probe_is_one_legal_request_by_default() {
        let probe = from_entry(ENTRY).expect("the probe is invalid");
        let request = probe.request(&Target::calculator().path);
        assert_eq!((request.headers.len(), request.trailers.len()), (6, 0));
        assert_eq!(request.body, b"\0\0\0\0\x05\x0d\0\0\x80\x41");
        assert!(probe.actions.len() == 2 && probe.times == 1 && !probe.ends_connection());
    }

    #[test]
    fn contradictory_probes_are_rejected() {
        for (rest, message) in [
            ("times = 0", "the probe does nothing"),
            ("actions = []", "the probe does nothing"),
            ("actions = ['silence']", "`silence` is an action of a server"),
            ("actions = ['sing']", "unknown variant `sing`"),
            ("end = 'trailers'", "end: \"trailers\" needs `trailers`"),
            ("unstable = 'why'", "`unstable` and `also` need each other"),
            ("headers = [{ set = 'x' }]", "set and remove: the header list has no"),
            ("body = [{ }]", "a piece needs exactly one of"),
            ("colour = 1", "unknown field `colour`"),
        ] {
            let error = from_entry(&format!("{ENTRY}{rest}\n")).expect_err(rest);
            assert!(error.contains(message), "{rest}: {error}");
        }
    }

    use super::entry;
    use crate::probe::table;

    #[test]
    fn an_entry_has_only_keys_without_the_default_value() {
        let usual = "[[probe]]\nname = \"mine\"\ngrade = \"client-visible\"\n";
        let probe = table::from_entry(&format!("{usual}about = \"x\"\nend = \"last-frame\"\n"));
        assert_eq!(
            entry(&probe.expect("the probe is invalid")).expect("the entry is invalid"),
            usual
        );
    }

    #[test]
    fn an_entry_is_read_back_as_it_was_written() {
        let text = r#"[[probe]]
name = "mine"
grade = "edge"
acknowledge-settings = "never"
actions = [
    "headers",
    { body-to = 7 },
    { settings = [[4, 100], [3, 1]] },
    { frame = { flags = 4, payload = "00ff", type = 1 } },
    { goaway = { code = 2 } },
    "next-stream",
]
body = [{ compressed = "raw-deflate", value = "0x41800000" }, { message = "0d" }]
cut = { every = 3 }
end = "empty-frame"
headers = [{ set = ":path", value = '\x00\\"a' }, { add = "x-{n}", times = 3 }]
pad = 5
preface = '\xff'
priority = true
times = 2
"#;
        let probe = table::from_entry(text).expect("the probe is invalid");
        assert_eq!(entry(&probe).expect("the entry is invalid"), text);
    }
}
