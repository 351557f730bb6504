//! Suggestions for a name that does not exist.
//!
//! A filter is only a part of a name, so it is compared with parts of the same length.

use std::collections::BTreeSet;

/// How many names are suggested.
const SHOWN: usize = 3;

/// How similar a name has to be, from 0 (nothing in common) to 1 (equal). A word of five letters may have two typing
/// errors.
const SIMILAR: f64 = 0.6;

/// How much less similar than the first suggestion the others may be.
const CLOSE: f64 = 0.1;

/// Those of `names` that the user may have meant by `filter`, a part of a name whose parts are separated by `/`, the
/// most similar first. If names have all parts of the filter, but not next to each other, it is these.
pub fn names_like<'a>(filter: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = filter.to_lowercase();
    let parts: Vec<_> = wanted.split('/').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Vec::new();
    }
    let mut windows = BTreeSet::new();
    let mut with_all_parts = Vec::new();
    for name in names {
        let lower = name.to_lowercase();
        if parts.iter().all(|part| lower.contains(part)) {
            with_all_parts.push(name.to_owned());
            if with_all_parts.len() == SHOWN {
                return with_all_parts;
            }
        }
        let segments: Vec<_> = name.split('/').collect();
        windows.extend(segments.windows(parts.len().min(segments.len())).map(|it| it.join("/")));
    }
    if !with_all_parts.is_empty() {
        return with_all_parts;
    }
    let wanted = parts.join("/");
    let rate = |name: String| {
        let rate = strsim::normalized_damerau_levenshtein(&wanted, &name.to_lowercase());
        (rate >= SIMILAR).then_some((rate, name))
    };
    let mut rated: Vec<_> = windows.into_iter().filter_map(rate).collect();
    rated.sort_by(|one, other| other.0.total_cmp(&one.0));
    let best = rated.first().map_or(0.0, |(rate, _)| *rate);
    let close = rated.into_iter().take_while(|(rate, _)| best - rate <= CLOSE);
    close.take(SHOWN).map(|(_, name)| name).collect()
}

/// The suggestion for an error message, such as `; similar: a, b`; empty if no name is similar.
pub fn suggestion<'a>(filter: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let similar = names_like(filter, names);
    if similar.is_empty() { String::new() } else { format!("; similar: {}", similar.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = [
        "calls/rust/python/root-of-16",
        "calls/rust/rust/root-of-16",
        "calls/python/rust/tls/ping_pong",
        "server-parity/rust/te-missing",
        "server-parity/python/live/te-missing",
    ];

    #[test]
    fn a_typing_error_is_corrected() {
        assert_eq!(names_like("calls/rust/pyhton", NAMES), ["calls/rust/python"]);
        assert_eq!(names_like("root-off-16", NAMES), ["root-of-16"]);
        assert_eq!(names_like("sever-parity/rust", NAMES), ["server-parity/rust"]);
        assert_eq!(names_like("Te-Mising/", NAMES), ["te-missing"]);
    }

    #[test]
    fn names_with_all_parts_are_suggested_first() {
        assert_eq!(names_like("calls/python/ping_pong", NAMES), [NAMES[2]]);
        assert_eq!(names_like("CALLS/RUST/RUST", NAMES), NAMES[..3]);
        assert_eq!(names_like("te-missing/rust", NAMES), [NAMES[3]]);
    }

    #[test]
    fn nothing_is_suggested_for_an_unknown_name() {
        for filter in ["", "/", "zebra", "x/y/z/w/v/u", "\u{10ffff}"] {
            assert_eq!(names_like(filter, NAMES), [""; 0], "{filter}");
        }
        assert_eq!(suggestion("zebra", NAMES), "");
        assert_eq!(suggestion("pyton", NAMES), "; similar: python");
        assert_eq!(suggestion("pyton", []), "");
    }
}
