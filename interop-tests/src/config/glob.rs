//! Patterns of names, in which `*` stands for any text.

/// Whether `text` matches `pattern`, in which `*` matches any text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).filter_map(|at| text.get(at..)).any(|text| glob(rest, text))
        }),
    }
}
