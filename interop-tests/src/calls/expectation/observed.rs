//! What a server says that it saw of another call, in the trailing metadata of this one.

use serde::Deserialize;

use crate::outcome::finding::Mismatch;

const END: &str = "x-interop-observed-end";
const DEADLINE: &str = "x-interop-observed-deadline-ms";

/// How the other call ended, and how much time it had when it arrived.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Observed {
    end: End,
    /// Milliseconds, the least and the most; without it the call had no deadline.
    deadline_ms: Option<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum End {
    Completed,
    Cancelled,
}

impl Observed {
    /// Takes what the server says out of `trailing` and says in what it differs.
    pub(crate) fn mismatches(&self, trailing: &mut Vec<(String, String)>) -> Vec<Mismatch> {
        let mut said = |key: &str| {
            let all: Vec<_> = trailing.extract_if(.., |(name, _)| name == key).collect();
            let all: Vec<_> = all.into_iter().map(|(_, value)| value).collect();
            (!all.is_empty()).then(|| all.join(", "))
        };
        let (end, deadline) = (said(END), said(DEADLINE));
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        let mut mismatches = Vec::new();
        let expected = match self.end {
            End::Completed => "completed",
            End::Cancelled => "cancelled",
        };
        if end.as_deref() != Some(expected) {
            mismatches.push(Mismatch::new("observed end", expected, or_none(&end)));
        }
        let is_right = match (self.deadline_ms, &deadline) {
            (None, None) => true,
            (Some((least, most)), Some(text)) => {
                text.parse().is_ok_and(|milliseconds: f64| (least..=most).contains(&milliseconds))
            }
            _ => false,
        };
        if !is_right {
            let expected = self.deadline_ms.map(|(least, most)| format!("{least} to {most} ms"));
            mismatches.push(Mismatch::new(
                "observed deadline",
                or_none(&expected),
                or_none(&deadline),
            ));
        }
        mismatches
    }
}
