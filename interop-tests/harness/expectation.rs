//! What is right for a call, and in what an outcome differs from it.
//!
//! A status message is compared only where the expectation gives one: much of what grpcio says
//! itself, as opposed to what its server says, is a debug text that changes with every release.

use serde::Deserialize;

use super::finding::Mismatch;
use super::protocol::CallOutcome;
use super::value::{Value, Values};

/// The statuses that an expectation may name, in the order of their codes.
const STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The right end of every call of a step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// The value of the reply; with several calls, one for each in turn, starting over at the end.
    root: Option<Values>,
    #[serde(default = "ok")]
    status: String,
    /// The status message, where it is compared.
    message: Option<String>,
    /// What the server adds beside the reply: exactly this, but for what is masked.
    #[serde(default)]
    initial_metadata: Vec<(String, String)>,
    /// What it adds after the reply.
    #[serde(default)]
    trailing_metadata: Vec<(String, String)>,
    /// The least and the most milliseconds that a call may take.
    elapsed_ms: Option<(f64, f64)>,
}

/// Metadata that is not compared: a server may send it or not, and it differs with every call.
const MASKED: [&str; 1] = ["date"];

fn ok() -> String {
    "OK".to_owned()
}

impl Expectation {
    /// What is wrong with the expectation itself.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !STATUSES.contains(&self.status.as_str()) {
            return Err(format!(
                "status: `{}` is no gRPC status; there are: {}",
                self.status,
                STATUSES.join(", ")
            ));
        }
        let roots = self.root.as_ref().map_or(0, |Values(values)| values.len());
        match (self.status.as_str(), roots) {
            ("OK", 0) => Err("root: a call that ends with OK has a root".to_owned()),
            ("OK", _) | (_, 0) => Ok(()),
            _ => Err("root: a call that fails has no root".to_owned()),
        }
    }

    /// In what the ends of the `sent` calls differ from this.
    pub(crate) fn mismatches(&self, calls: &[CallOutcome], sent: usize) -> Vec<Mismatch> {
        if calls.len() != sent {
            return vec![Mismatch::new("number of calls", sent, calls.len())];
        }
        let mut mismatches = Vec::new();
        for (index, call) in calls.iter().enumerate() {
            let label = |what: &str| match sent {
                1 => what.to_owned(),
                _ => format!("call {}: {what}", index + 1),
            };
            mismatches.extend(
                self.mismatches_of(index, call)
                    .into_iter()
                    .map(|mismatch| Mismatch { what: label(&mismatch.what), ..mismatch }),
            );
        }
        mismatches
    }

    fn mismatches_of(&self, index: usize, call: &CallOutcome) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        if call.status != self.status {
            mismatches.push(Mismatch::new("status", &self.status, &call.status));
        }
        // A status that should not be there comes with a message that says why.
        let unexpected_error = call.status != self.status && !call.message.is_empty();
        match &self.message {
            Some(message) if *message != call.message => {
                mismatches.push(Mismatch::new(
                    "message",
                    format!("{message:?}"),
                    format!("{:?}", call.message),
                ));
            }
            None if unexpected_error => {
                mismatches.push(Mismatch::new("message", "any", format!("{:?}", call.message)));
            }
            _ => {}
        }
        let expected = self.root.as_ref().map(|Values(roots)| roots[index % roots.len()]);
        let shown = |value: Option<Value>| value.map_or("none".to_owned(), |v| v.to_string());
        match (&call.value, expected) {
            (Some(hex), expected) => match Value::from_hex(hex) {
                Some(value) if Some(value) == expected => {}
                value => {
                    let observed = value.map_or_else(|| format!("{hex:?}"), |v| v.to_string());
                    mismatches.push(Mismatch::new("root", shown(expected), observed));
                }
            },
            (None, Some(_)) => mismatches.push(Mismatch::new("root", shown(expected), "none")),
            (None, None) => {}
        }
        for (what, expected, observed) in [
            ("initial metadata", &self.initial_metadata, &call.initial_metadata),
            ("trailing metadata", &self.trailing_metadata, &call.trailing_metadata),
        ] {
            let compared = |entries: &[(String, String)]| {
                let mut compared = entries.to_vec();
                compared.retain(|(key, _)| !MASKED.contains(&key.as_str()));
                compared.sort();
                shown_metadata(&compared)
            };
            let (expected, observed) = (compared(expected), compared(observed));
            if expected != observed {
                mismatches.push(Mismatch::new(what, expected, observed));
            }
        }
        if let Some((least, most)) = self.elapsed_ms
            && !(least..=most).contains(&call.elapsed_ms)
        {
            let expected = format!("{least} to {most} ms");
            mismatches.push(Mismatch::new(
                "elapsed",
                expected,
                format!("{:.0} ms", call.elapsed_ms),
            ));
        }
        mismatches
    }
}

fn shown_metadata(entries: &[(String, String)]) -> String {
    if entries.is_empty() {
        return "none".to_owned();
    }
    entries.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(", ")
}
