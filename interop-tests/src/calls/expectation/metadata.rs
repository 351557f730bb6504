//! The metadata of a response, and the report about another call in it.
//!
//! A request can ask a server to observe another call. The server reports how that call ended in the trailing
//! metadata of a later call.

use grpc_interop_protocol::Metadata;
use serde::Deserialize;

use crate::calls::expectation::comparison::{Comparison, Range};
use crate::outcome::Mismatch;

/// Keys that are not compared: they are optional, and their values differ in every call.
const MASKED: [&str; 1] = ["date"];

/// The keys of a report about another call: how it ended, and its deadline on arrival.
pub(crate) const OBSERVED_KEYS: [&str; 2] =
    ["x-interop-observed-end", "x-interop-observed-deadline-ms"];

/// `metadata` with `{trial}` replaced by the unique name of the trial.
pub(crate) fn for_trial(metadata: &[(String, String)], trial: &str) -> Metadata {
    let filled = |(key, value): &(String, String)| (key.clone(), value.replace("{trial}", trial));
    metadata.iter().map(filled).collect()
}

/// Compares metadata without the `masked` keys. The order of the values of one key matters; the order of keys does
/// not.
pub(crate) fn compare(
    what: &str,
    expected: &[(String, String)],
    observed: &[(String, String)],
    masked: &[&str],
    comparison: &mut Comparison,
) {
    comparison.add(what, Some(shown(expected)), Some(shown(observed)), true);
    let [expected, observed] = [expected, observed].map(|entries| {
        let mut compared = entries.to_vec();
        compared.retain(|(key, _)| !MASKED.iter().chain(masked).any(|masked| key == masked));
        compared.sort_by(|(one, _), (other, _)| one.cmp(other));
        shown(&compared)
    });
    if expected != observed {
        comparison.mismatches.push(Mismatch::new(what, expected, observed));
    }
}

/// The metadata as text for people.
pub(crate) fn shown(entries: &[(String, String)]) -> String {
    if entries.is_empty() {
        return "none".to_owned();
    }
    entries.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(", ")
}

/// The expected report of the server about another call: how it ended, and its deadline on arrival.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObservedCall {
    end: ObservedEnd,
    /// The time until the deadline in milliseconds; without it, the call must have no deadline.
    deadline_ms: Option<Range<f64>>,
}

#[derive(Clone, Copy, Debug, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
enum ObservedEnd {
    Completed,
    Cancelled,
}

impl ObservedCall {
    /// Compares this with the report in the `trailing` metadata.
    pub(crate) fn compare(&self, trailing: &[(String, String)], comparison: &mut Comparison) {
        let [end, deadline] = OBSERVED_KEYS.map(|key| {
            let entries = trailing.iter().filter(|(name, _)| name == key);
            entries.map(|(_, value)| value.clone()).reduce(|all, value| format!("{all}, {value}"))
        });
        let expected = Some(self.end.to_string());
        let is_match = end == expected;
        comparison.add("observed end", expected, end, is_match);
        let is_match = match (self.deadline_ms, &deadline) {
            (Some(range), Some(text)) => text.parse().is_ok_and(|time| range.contains(&time)),
            (range, text) => range.is_none() && text.is_none(),
        };
        let expected = self.deadline_ms.map(|range| format!("{range} ms"));
        comparison.add("observed deadline", expected, deadline, is_match);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries<const N: usize>(entries: [(&str, &str); N]) -> Metadata {
        entries.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
    }

    #[test]
    fn the_order_of_values_matters_and_that_of_keys_does_not() {
        let expected = entries([("a", "1"), ("b", "1"), ("b", "2")]);
        let other_keys = entries([("b", "1"), ("date", "today"), ("b", "2"), ("a", "1")]);
        let mismatches = |observed: &Metadata| {
            let mut comparison = Comparison::default();
            compare("metadata", &expected, observed, &["other"], &mut comparison);
            comparison.mismatches
        };
        assert_eq!(mismatches(&other_keys), []);
        let other_values = entries([("a", "1"), ("b", "2"), ("b", "1"), ("other", "x")]);
        let found = mismatches(&other_values).remove(0);
        assert_eq!((&*found.expected, &*found.observed), ("a: 1, b: 1, b: 2", "a: 1, b: 2, b: 1"));
    }

    #[test]
    fn a_report_about_another_call_is_compared() {
        let expected: ObservedCall =
            toml::from_str("end = \"cancelled\"\ndeadline_ms = [100, 210]").unwrap();
        let mismatches = |trailing: &Metadata| {
            let mut comparison = Comparison::default();
            expected.compare(trailing, &mut comparison);
            comparison.mismatches
        };
        let report = |end, deadline| {
            let [end_key, deadline_key] = OBSERVED_KEYS;
            let trailing = entries([(end_key, end), (deadline_key, deadline), ("other", "x")]);
            mismatches(&trailing).into_iter().map(|it| it.what).collect::<Vec<_>>()
        };
        assert_eq!(report("cancelled", "150.5"), [""; 0]);
        assert_eq!(report("completed", "150.5"), ["observed end"]);
        assert_eq!(report("cancelled", "250"), ["observed deadline"]);
        assert_eq!(report("cancelled", "soon"), ["observed deadline"]);
        let missing = mismatches(&Vec::new());
        assert_eq!(missing.iter().map(|m| &*m.observed).collect::<Vec<_>>(), ["none", "none"]);
    }
}
