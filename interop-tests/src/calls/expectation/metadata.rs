//! The metadata of a response, and what it reports about another call.
//!
//! A server that is asked to observe a call reports how that call ended in the trailing metadata of a
//! later one.

use serde::Deserialize;

use crate::calls::expectation::range::Range;
use crate::outcome::finding::Mismatch;
use grpc_interop_protocol::Metadata;

/// Keys that are not compared: a server may send them or not, and their values differ in every call.
const MASKED: [&str; 1] = ["date"];

const OBSERVED_END: &str = "x-interop-observed-end";
const OBSERVED_DEADLINE: &str = "x-interop-observed-deadline-ms";

/// `metadata` with the unique name of the trial in the place of `{trial}`.
pub(crate) fn for_trial(metadata: &[(String, String)], trial: &str) -> Metadata {
    let filled = |(key, value): &(String, String)| (key.clone(), value.replace("{trial}", trial));
    metadata.iter().map(filled).collect()
}

/// How `observed` differs. The order of the values of a key matters, that of the keys does not.
pub(crate) fn mismatch(
    what: &str,
    expected: &[(String, String)],
    observed: &[(String, String)],
) -> Option<Mismatch> {
    let compared = |entries: &[(String, String)]| {
        let mut compared = entries.to_vec();
        compared.retain(|(key, _)| !MASKED.contains(&key.as_str()));
        compared.sort_by(|(one, _), (other, _)| one.cmp(other));
        shown(&compared)
    };
    let (expected, observed) = (compared(expected), compared(observed));
    (expected != observed).then(|| Mismatch::new(what, expected, observed))
}

/// The metadata as a line for people.
pub(crate) fn shown(entries: &[(String, String)]) -> String {
    if entries.is_empty() {
        return "none".to_owned();
    }
    entries.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(", ")
}

/// What the server reports about another call: how it ended, and the deadline that it arrived with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObservedCall {
    end: ObservedEnd,
    /// The time until the deadline in milliseconds; without it the call had none.
    deadline_ms: Option<Range<f64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ObservedEnd {
    Completed,
    Cancelled,
}

impl ObservedCall {
    /// Removes the report from `trailing` and returns how it differs.
    pub(crate) fn mismatches(&self, trailing: &mut Metadata) -> Vec<Mismatch> {
        let mut take = |key: &str| {
            let entries = trailing.extract_if(.., |(name, _)| name == key);
            entries.map(|(_, value)| value).reduce(|all, value| format!("{all}, {value}"))
        };
        let (end, deadline) = (take(OBSERVED_END), take(OBSERVED_DEADLINE));
        let expected_end = match self.end {
            ObservedEnd::Completed => "completed",
            ObservedEnd::Cancelled => "cancelled",
        };
        let deadline_matches = match (&self.deadline_ms, &deadline) {
            (None, None) => true,
            (Some(range), Some(text)) => text.parse().is_ok_and(|time| range.contains(&time)),
            _ => false,
        };
        let expected_deadline = self.deadline_ms.map(|range| format!("{range} ms"));
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        let mut mismatches = Vec::new();
        if end.as_deref() != Some(expected_end) {
            mismatches.push(Mismatch::new("observed end", expected_end, or_none(end)));
        }
        if !deadline_matches {
            let (expected, observed) = (or_none(expected_deadline), or_none(deadline));
            mismatches.push(Mismatch::new("observed deadline", expected, observed));
        }
        mismatches
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
        assert_eq!(mismatch("metadata", &expected, &other_keys), None);
        let other_values = entries([("a", "1"), ("b", "2"), ("b", "1")]);
        let found = mismatch("metadata", &expected, &other_values).unwrap();
        assert_eq!((&*found.expected, &*found.observed), ("a: 1, b: 1, b: 2", "a: 1, b: 2, b: 1"));
    }

    #[test]
    fn a_report_about_another_call_is_compared_and_removed() {
        let expected: ObservedCall =
            toml::from_str("end = \"cancelled\"\ndeadline_ms = [100, 210]").unwrap();
        let report = |end, deadline| {
            let keys = [(OBSERVED_END, end), (OBSERVED_DEADLINE, deadline), ("other", "x")];
            let mut trailing = entries(keys);
            let mismatches = expected.mismatches(&mut trailing);
            assert_eq!(trailing, entries([("other", "x")]));
            mismatches.into_iter().map(|mismatch| mismatch.what).collect::<Vec<_>>()
        };
        assert_eq!(report("cancelled", "150.5"), [""; 0]);
        assert_eq!(report("completed", "150.5"), ["observed end"]);
        assert_eq!(report("cancelled", "250"), ["observed deadline"]);
        assert_eq!(report("cancelled", "soon"), ["observed deadline"]);
        let missing: Vec<_> = expected.mismatches(&mut Vec::new());
        assert_eq!(missing.iter().map(|m| &*m.observed).collect::<Vec<_>>(), ["none", "none"]);
    }
}
