//! The scenarios of the suite `calls`: what is asked and what is right, as data.
//!
//! An expectation stands here, once for all languages; it is what grpcio does, because that is what
//! callers of the Python server rely on.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::config::{self, ConfigError, Source};
use super::expectation::Expectation;
use super::payload;
use super::protocol;
use super::value::Values;

/// One `[[scenario]]`: a call with its expectation, or steps of which each is one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    name: Spanned<String>,
    /// What it is about, where the name does not say it.
    pub(crate) about: Option<String>,
    call: Option<Call>,
    expect: Option<Expectation>,
    #[serde(default)]
    steps: Vec<Step>,
}

/// Something that happens in a scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) call: Option<Call>,
    pub(crate) expect: Option<Expectation>,
    /// What happens to the server instead of a call.
    pub(crate) server: Option<ServerAction>,
    /// The call is repeated for this long until it ends as expected.
    pub(crate) eventually_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ServerAction {
    /// The server's process is killed.
    Kill,
    /// It is started again, at the address that it had.
    Start,
}

/// Who is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    /// The server of the pairing.
    #[default]
    Server,
    /// A port where nothing listens.
    Nobody,
    /// A port that takes connections and says nothing.
    Silence,
}

/// One call, or several at once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    /// The numbers to ask for, through the generated stub: one call each.
    ask: Option<Values>,
    /// A request's bytes in hex, sent as they are.
    message: Option<String>,
    /// The request is padded with an unknown field to this many bytes.
    size: Option<usize>,
    #[serde(default = "square_root")]
    method: String,
    #[serde(default = "default_timeout")]
    timeout_ms: f64,
    #[serde(default)]
    metadata: Vec<(String, String)>,
    /// The calls are spread over this many connections.
    #[serde(default = "one")]
    channels: usize,
    /// Each of the calls is made this many times.
    #[serde(default = "one")]
    times: usize,
    #[serde(default)]
    pub(crate) to: Target,
}

fn square_root() -> String {
    "/Calculator/SquareRoot".to_owned()
}

fn default_timeout() -> f64 {
    5_000.0
}

fn one() -> usize {
    1
}

impl Scenario {
    pub(crate) fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// What happens, in order.
    pub(crate) fn steps(&self) -> Vec<Step> {
        match (&self.call, &self.expect) {
            (Some(call), Some(expect)) => vec![Step {
                call: Some(call.clone()),
                expect: Some(expect.clone()),
                server: None,
                eventually_ms: None,
            }],
            _ => self.steps.clone(),
        }
    }

    /// Whether a server has to be started for this scenario alone, because it will be killed.
    pub(crate) fn needs_own_server(&self) -> bool {
        self.steps.iter().any(|step| step.server.is_some())
    }

    fn check(&self) -> Result<(), String> {
        if self.name().is_empty() || self.name().contains(['/', '*', ' ']) {
            return Err("a name is a part of a path: not empty, no `/`, `*` or space".to_owned());
        }
        match (&self.call, &self.expect, self.steps.is_empty()) {
            (Some(_), Some(_), true) | (None, None, false) => {}
            _ => return Err("a scenario has `call` and `expect`, or `steps`".to_owned()),
        }
        for step in self.steps() {
            match (&step.call, &step.expect, &step.server) {
                (None, None, Some(_)) => {}
                (Some(call), Some(expect), None) => {
                    expect.check()?;
                    call.payloads()?;
                }
                _ => return Err("a step has `call` and `expect`, or `server`".to_owned()),
            }
        }
        Ok(())
    }
}

impl Call {
    /// The line that an agent gets to make these calls at `address`.
    pub(crate) fn request(&self, address: &str, keep_channels: bool) -> protocol::Request {
        let payloads = self.payloads().unwrap_or_default();
        let call = |(value, message)| protocol::Call {
            method: self.method.clone(),
            value,
            message,
            timeout_ms: Some(self.timeout_ms),
            metadata: self.metadata.clone(),
        };
        protocol::Request {
            address: address.to_owned(),
            channels: self.channels,
            keep_channels,
            calls: payloads.into_iter().map(call).collect(),
        }
    }

    /// For each call its `value` or its `message`.
    fn payloads(&self) -> Result<Vec<Payload>, String> {
        let once = match (&self.ask, &self.message, self.size) {
            (Some(Values(values)), None, None) if !values.is_empty() => {
                values.iter().map(|value| (Some(value.hex()), None)).collect()
            }
            (Some(Values(values)), None, Some(size)) => values
                .iter()
                .map(|value| Ok((None, Some(payload::hex(&payload::padded(*value, size)?)))))
                .collect::<Result<Vec<_>, String>>()?,
            (None, Some(message), None) => vec![(None, Some(message.clone()))],
            _ => return Err("a call has `ask`, `ask` and `size`, or `message`".to_owned()),
        };
        Ok(std::iter::repeat_n(once, self.times).flatten().collect())
    }
}

/// The `value` and the `message` of a call, one of which is there.
type Payload = (Option<String>, Option<String>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    scenario: Vec<Scenario>,
}

/// Reads all `*.toml` files below `directory`, in the order of their names.
pub(crate) fn read_all(directory: &Path) -> anyhow::Result<Vec<Scenario>> {
    let mut scenarios = Vec::new();
    let mut names = BTreeSet::new();
    for path in &config::tables_in(directory)? {
        scenarios.extend(read(path, &mut names)?);
    }
    Ok(scenarios)
}

fn read(path: &Path, names: &mut BTreeSet<String>) -> Result<Vec<Scenario>, ConfigError> {
    let (file, source): (File, _) = Source::read(path)?;
    for scenario in &file.scenario {
        let wrong = |message: String| Err(source.error(Some(scenario.name.span()), message));
        if let Err(message) = scenario.check() {
            return wrong(format!("scenario `{}`: {message}", scenario.name()));
        }
        if !names.insert(scenario.name().to_owned()) {
            return wrong(format!("there already is a scenario `{}`", scenario.name()));
        }
    }
    Ok(file.scenario)
}
