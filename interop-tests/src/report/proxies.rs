//! What proxies do to calls, whatever the server: one row for each proxy, case and effect.
//!
//! It is a property of the proxy, so the trials do not fail. Users of the proxy have to know it nevertheless.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{ContentArrangement, Table, presets};
use minijinja::{Value, context};

use crate::outcome::{Mismatch, VerdictKind};
use crate::report::record::{Record, trial::TrialRecord};

/// How many rows are printed. The reports list all.
const SHOWN: usize = 40;

/// An effect of a proxy on a case.
#[derive(Debug)]
pub(crate) struct Effect<'a> {
    pub(crate) proxy: &'a str,
    pub(crate) case: &'a str,
    /// What differs, and the observed value.
    pub(crate) observed: String,
    pub(crate) expected: String,
    pub(crate) servers: BTreeSet<&'a str>,
    pub(crate) clients: BTreeSet<&'a str>,
    /// The servers with which the case passes behind the proxy.
    pub(crate) passes_with: BTreeSet<&'a str>,
    /// One of the trials.
    pub(crate) example: &'a str,
}

/// The effects of all proxies, sorted by proxy and case.
pub(crate) fn effects(record: &Record) -> Vec<Effect<'_>> {
    let mut effects: BTreeMap<(&str, &str, String), Effect<'_>> = BTreeMap::new();
    for trial in record.trials() {
        let (Some(proxy), Some(server), Some(client)) =
            (trial.changed_by(), trial.server.as_deref(), trial.client.as_deref())
        else {
            continue;
        };
        let [expected, observed] = sides(trial);
        let key = (proxy, &*trial.case, observed.clone());
        let effect = effects.entry(key).or_insert_with(|| Effect {
            proxy,
            case: &trial.case,
            observed,
            expected,
            servers: BTreeSet::new(),
            clients: BTreeSet::new(),
            passes_with: BTreeSet::new(),
            example: &trial.name,
        });
        effect.servers.insert(server);
        effect.clients.insert(client);
    }
    let mut effects: Vec<_> = effects.into_values().collect();
    let passed = record.trials().filter(|trial| trial.verdict == VerdictKind::Passed);
    for trial in passed.filter(|trial| trial.via.is_some()) {
        let is_of = |effect: &&mut Effect<'_>| {
            let of_client = |client: &str| effect.clients.contains(client);
            trial.via.as_deref() == Some(effect.proxy)
                && trial.case == effect.case
                && trial.client.as_deref().is_some_and(of_client)
        };
        for effect in effects.iter_mut().filter(is_of) {
            effect.passes_with.extend(trial.server.as_deref());
        }
    }
    effects
}

/// The expected and the observed values of all differences, each once, without the texts of the client's library.
fn sides(trial: &TrialRecord) -> [String; 2] {
    let stated = trial.mismatches.iter().filter(|mismatch| mismatch.expected != "any");
    // Without the numbers of steps and calls: `step 1: call 2: status`.
    let what =
        |mismatch: &Mismatch| mismatch.what.rsplit(": ").next().unwrap_or_default().to_owned();
    let (mut seen, mut expected, mut observed) = (BTreeSet::new(), Vec::new(), Vec::new());
    for mismatch in stated {
        let (what, values) = (what(mismatch), [&mismatch.expected, &mismatch.observed]);
        if seen.insert((what.clone(), values)) {
            expected.push(format!("{what} = {}", values[0]));
            observed.push(format!("{what} = {}", values[1]));
        }
    }
    [expected.join("; "), observed.join("; ")]
}

impl Effect<'_> {
    /// The servers with which the proxy does this.
    pub(crate) fn with(&self) -> String {
        let listed = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join(", ");
        if self.passes_with.is_empty() {
            return listed(&self.servers);
        }
        format!("{} (not {})", listed(&self.servers), listed(&self.passes_with))
    }

    fn clients(&self) -> String {
        self.clients.iter().copied().collect::<Vec<_>>().join(", ")
    }
}

/// The table for a terminal; empty if there are no effects.
pub(crate) fn table(record: &Record) -> String {
    let effects = effects(record);
    if effects.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(presets::ASCII_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(120);
    table.set_header(["proxy", "case", "observed", "instead of", "servers", "clients"]);
    for effect in effects.iter().take(SHOWN) {
        let Effect { proxy, case, observed, expected, .. } = effect;
        table.add_row([proxy, case, &**observed, &**expected, &effect.with(), &effect.clients()]);
    }
    let more = match effects.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("and {more} more, which the reports list\n"),
        _ => String::new(),
    };
    format!("What proxies do, whatever the server:\n{table}\n{more}")
}

/// The effects for the templates of the HTML page and of the Markdown summary.
pub(crate) fn values(record: &Record) -> Value {
    let value = |effect: &Effect<'_>| {
        context! {
            proxy => effect.proxy,
            case => effect.case,
            observed => &*effect.observed,
            expected => &*effect.expected,
            servers => effect.with(),
            clients => effect.clients(),
            example => effect.example,
        }
    };
    effects(record).iter().map(value).collect()
}
