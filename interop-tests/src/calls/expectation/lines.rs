//! An expectation and an outcome as lines that can be laid side by side.
//!
//! A pass tells as much as a failure: who asks whether a case tests what he thinks looks at those that
//! passed. What an expectation does not state has no line, though it is told what came of it.

use crate::calls::expectation::Expectation;
use crate::calls::expectation::metadata;
use crate::calls::expectation::replies;
use crate::calls::scenario::call::{Call, with_name};
use crate::http2::value::{Value, Values};
use crate::outcome::observation::Observation;
use grpc_interop_protocol::CallOutcome;

impl Expectation {
    /// What is right for `call`, where it is the one with this `index` among equal ones; each line
    /// begins with `label`.
    pub(crate) fn lines(&self, call: &Call, index: usize, trial: &str, label: &str) -> Observation {
        let mut lines = Observation::default();
        let mut add = |what: &str, value: String| lines.add(format!("{label}{what}"), value);
        add("status", self.status.clone());
        if let Some(message) = &self.message {
            add("message", format!("{message:?}"));
        }
        if let Some(Values(roots)) = &self.root {
            add("root", with_bytes(roots[index % roots.len()]));
        }
        let of = call.reply();
        if let Some(Ok(encoded)) = self.replies.as_ref().map(|all| all.encoded(of.as_ref())) {
            add("replies", replies::shown(&encoded, of.as_ref()));
        }
        if let Some(texts) = &self.replies_contain {
            add("replies", format!("`{}` in their bytes", texts.join("`, `").escape_debug()));
        }
        if let Some(count) = &self.reply_count {
            add("number of replies", count.to_string());
        }
        if let Some(details) = &self.details {
            add("details", details.shown(&self.status, self.message.as_deref()));
        }
        for (what, entries) in [
            ("initial metadata", &self.initial_metadata),
            ("trailing metadata", &self.trailing_metadata),
        ] {
            add(what, metadata::shown(&with_name(entries, trial)));
        }
        if let Some((least, most)) = self.elapsed_ms {
            add("elapsed", format!("{least} to {most} ms"));
        }
        lines
    }
}

/// The outcome of `call`, a line for each part of it; each line begins with `label`.
pub(crate) fn observed(outcome: &CallOutcome, call: &Call, label: &str) -> Observation {
    let mut lines = Observation::default();
    let mut add = |what: &str, value: String| lines.add(format!("{label}{what}"), value);
    add("status", outcome.status.clone());
    add("message", format!("{:?}", outcome.message));
    if let Some(hex) = &outcome.value {
        add("root", Value::from_hex(hex).map_or_else(|| format!("{hex:?}"), with_bytes));
    }
    if let Ok(observed) = replies::decoded(outcome.replies.as_deref()) {
        add("number of replies", observed.len().to_string());
        add("replies", replies::shown(&observed, call.reply().as_ref()));
    }
    if let Some(details) = &outcome.details {
        add("details", crate::calls::expectation::details::shown(details));
    }
    add("initial metadata", metadata::shown(&outcome.initial_metadata));
    add("trailing metadata", metadata::shown(&outcome.trailing_metadata));
    add("elapsed", format!("{:.1} ms", outcome.elapsed_ms));
    lines
}

/// A root as replies are told: with the bytes of the message.
fn with_bytes(root: Value) -> String {
    format!("{root} [{}]", hex::encode(root.message()))
}
