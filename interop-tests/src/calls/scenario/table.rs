//! The files of scenarios, with what they say for all scenarios in them.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::calls::scenario::Scenario;
use crate::config::axes::Vary;
use crate::config::source;
use crate::config::source::{ConfigError, Source};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What all scenarios of the file vary over, unless they say something else.
    #[serde(default)]
    vary: Vary,
    scenario: Vec<Scenario>,
}

/// Reads all `*.toml` files below `directory`, in the order of their names.
pub(crate) fn read_all(directory: &Path) -> anyhow::Result<Vec<Scenario>> {
    let mut scenarios = Vec::new();
    let mut names = BTreeSet::new();
    for path in &source::tables_in(directory)? {
        scenarios.extend(read(path, &mut names)?);
    }
    Ok(scenarios)
}

fn read(path: &Path, names: &mut BTreeSet<String>) -> Result<Vec<Scenario>, ConfigError> {
    let (mut file, source): (File, _) = Source::read(path)?;
    for scenario in &mut file.scenario {
        scenario.vary = scenario.vary.or(&file.vary);
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
