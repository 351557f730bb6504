//! Metadata that a server adds: exactly what is expected, in whatever order of the keys.

use crate::outcome::finding::Mismatch;

/// Metadata that is not compared: a server may send it or not, and it differs with every call.
const MASKED: [&str; 1] = ["date"];

/// In what `observed` differs.
pub(crate) fn mismatch(
    what: &str,
    expected: &[(String, String)],
    observed: &[(String, String)],
) -> Option<Mismatch> {
    let compared = |entries: &[(String, String)]| {
        let mut compared = entries.to_vec();
        compared.retain(|(key, _)| !MASKED.contains(&key.as_str()));
        // The order of the values of one key has a meaning, that of the keys has none.
        compared.sort_by(|(one, _), (other, _)| one.cmp(other));
        shown(&compared)
    };
    let (expected, observed) = (compared(expected), compared(observed));
    (expected != observed).then(|| Mismatch::new(what, expected, observed))
}

pub(crate) fn shown(entries: &[(String, String)]) -> String {
    if entries.is_empty() {
        return "none".to_owned();
    }
    entries.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(", ")
}
