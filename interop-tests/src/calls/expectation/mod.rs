//! What is right for a call, and in what an outcome differs from it.
//!
//! A status message is compared only where the expectation gives one: much of what grpcio says
//! itself, as opposed to what its server says, is a debug text that changes with every release.
//!
//! - [`status`], [`replies`], [`details`], [`metadata`], [`observed`]: the parts of an end
//! - [`lines`]: all of it, as people read it
//! - [`range`]: the least and the most of something

pub(crate) mod details;
pub(crate) mod lines;
pub(crate) mod metadata;
pub(crate) mod observed;
pub(crate) mod range;
pub(crate) mod replies;
pub(crate) mod status;
pub(crate) mod wire;

use serde::Deserialize;

use crate::calls::expectation::details::ExpectedDetails;
use crate::calls::expectation::observed::Observed;
use crate::calls::expectation::range::Range;
use crate::calls::expectation::replies::Replies;
use crate::calls::scenario::call::{Call, with_name};
use crate::http2::value::{Value, Values};
use crate::outcome::finding::Mismatch;
use grpc_interop_protocol::CallOutcome;

/// The right end of every call of a step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// The value of the reply; with several calls, one for each in turn, starting over at the end.
    root: Option<Values>,
    /// All replies of a call of any kind.
    replies: Option<Replies>,
    /// Texts that are somewhere in the bytes of the replies, where those are not fixed.
    replies_contain: Option<Vec<String>>,
    /// How many replies there are, where that is all that is known.
    reply_count: Option<Range>,
    #[serde(default = "ok")]
    status: String,
    /// The status message, where it is compared.
    message: Option<String>,
    /// What `grpc-status-details-bin` says; it is left out of the trailing metadata then.
    details: Option<ExpectedDetails>,
    /// What the server adds beside the reply: exactly this, but for what is masked.
    #[serde(default)]
    initial_metadata: Vec<(String, String)>,
    /// What it adds after the reply.
    #[serde(default)]
    trailing_metadata: Vec<(String, String)>,
    /// What the server says that it saw of another call.
    observed: Option<Observed>,
    /// The least and the most milliseconds that a call may take.
    elapsed_ms: Option<(f64, f64)>,
}

fn ok() -> String {
    "OK".to_owned()
}

impl Expectation {
    /// What is wrong with the expectation itself, as one of `call`.
    pub(crate) fn check(&self, call: &Call) -> Result<(), String> {
        let code = status::code(&self.status)?;
        let roots = self.root.as_ref().map_or(0, |Values(values)| values.len());
        let of_replies =
            [self.replies.is_some(), self.replies_contain.is_some(), self.reply_count.is_some()];
        if call.has_replies() {
            if roots > 0 {
                return Err("root: a call with `send` or `script` has `replies`".to_owned());
            }
            if code == 0 && !of_replies.contains(&true) {
                return Err(
                    "replies: a call that ends with OK has `replies`, `replies_contain` or \
                            `reply_count`"
                        .to_owned(),
                );
            }
        } else {
            if of_replies.contains(&true) {
                return Err("replies: they are those of a call with `send` or `script`".to_owned());
            }
            match (code, roots) {
                (0, 0) => return Err("root: a call that ends with OK has a root".to_owned()),
                (0, _) | (_, 0) => {}
                _ => return Err("root: a call that fails has no root".to_owned()),
            }
        }
        if code == 0 && self.details.is_some() {
            return Err("details: a call that ends with OK has none".to_owned());
        }
        if let Some(replies) = &self.replies {
            replies.encoded(call.reply().as_ref()).map_err(|why| format!("replies: {why}"))?;
        }
        Ok(())
    }

    /// Whether a call takes as long as it does because it waits.
    pub(crate) fn waits(&self) -> bool {
        self.status == "DEADLINE_EXCEEDED" || self.observed.is_some()
    }

    /// In what the end of `call` differs from this, where it is the one with this `index` among equal
    /// ones, in the trial that is called `trial`.
    pub(crate) fn mismatches(
        &self,
        call: &Call,
        index: usize,
        outcome: &CallOutcome,
        trial: &str,
    ) -> Vec<Mismatch> {
        let mut mismatches = status::mismatches(&self.status, self.message.as_deref(), outcome);
        mismatches.extend(self.of_root(index, outcome));
        if call.has_replies() {
            mismatches.extend(self.of_replies(call, outcome));
        }
        if let Some(details) = &self.details {
            let code = status::code(&self.status).unwrap_or_default();
            mismatches.extend(details.mismatch(code, self.message.as_deref(), outcome));
        }
        let mut trailing = outcome.trailing_metadata.clone();
        if self.details.is_some() {
            trailing.retain(|(key, _)| key != details::KEY);
        }
        if let Some(observed) = &self.observed {
            mismatches.extend(observed.mismatches(&mut trailing));
        }
        for (what, expected, observed) in [
            ("initial metadata", &self.initial_metadata, &outcome.initial_metadata),
            ("trailing metadata", &self.trailing_metadata, &trailing),
        ] {
            mismatches.extend(metadata::mismatch(what, &with_name(expected, trial), observed));
        }
        if let Some((least, most)) = self.elapsed_ms
            && !(least..=most).contains(&outcome.elapsed_ms)
        {
            let observed = format!("{:.0} ms", outcome.elapsed_ms);
            mismatches.push(Mismatch::new("elapsed", format!("{least} to {most} ms"), observed));
        }
        mismatches
    }

    fn of_root(&self, index: usize, outcome: &CallOutcome) -> Option<Mismatch> {
        let expected = self.root.as_ref().map(|Values(roots)| roots[index % roots.len()]);
        let shown = |value: Option<Value>| value.map_or("none".to_owned(), |v| v.to_string());
        match (&outcome.value, expected) {
            (Some(hex), expected) => match Value::from_hex(hex) {
                Some(value) if Some(value) == expected => None,
                value => {
                    let observed = value.map_or_else(|| format!("{hex:?}"), |v| v.to_string());
                    let mismatch = Mismatch::new("root", shown(expected), observed);
                    Some(match (expected, value) {
                        (Some(expected), Some(value)) => {
                            mismatch.of_messages(&expected.message(), &value.message())
                        }
                        _ => mismatch,
                    })
                }
            },
            (None, Some(_)) => Some(Mismatch::new("root", shown(expected), "none")),
            (None, None) => None,
        }
    }

    fn of_replies(&self, call: &Call, outcome: &CallOutcome) -> Vec<Mismatch> {
        let of = call.reply();
        let observed = match replies::decoded(outcome.replies.as_deref()) {
            Ok(observed) => observed,
            Err(mismatch) => return vec![mismatch],
        };
        let mut mismatches = Vec::new();
        let is_open = self.replies_contain.is_some() || self.reply_count.is_some();
        if let Some(replies) = &self.replies {
            mismatches.extend(replies.mismatches(of.as_ref(), &observed));
        } else if !is_open && !observed.is_empty() {
            let shown = replies::shown(&observed, of.as_ref());
            mismatches.push(Mismatch::new("replies", "none", shown));
        }
        if let Some(texts) = &self.replies_contain {
            mismatches.extend(replies::missing(texts, &observed));
        }
        if let Some(count) = &self.reply_count {
            mismatches.extend(count.mismatch("number of replies", observed.len()));
        }
        mismatches
    }
}
