//! The expected outcome of a call, and how an observed one differs from it.
//!
//! A status message is compared only where the expectation gives one: much of what grpcio itself says,
//! as opposed to its server, is a debug text that changes with every release.
//!
//! - [`status`], [`replies`], [`metadata`]: the parts of an outcome
//! - [`wire`]: what is expected between client and server
//! - [`range`]: a number that is expected, or a range of them

pub(crate) mod metadata;
pub(crate) mod range;
pub(crate) mod replies;
pub(crate) mod status;
pub(crate) mod wire;

use serde::Deserialize;

use crate::calls::expectation::metadata::ObservedCall;
use crate::calls::expectation::range::Range;
use crate::calls::expectation::replies::{Replies, ReplyForm};
use crate::calls::expectation::status::ExpectedDetails;
use crate::http2::value::{Value, Values};
use crate::outcome::finding::Mismatch;
use crate::outcome::observation::Observation;
use grpc_interop_protocol::CallOutcome;

/// The expected outcome of each call of a table entry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// The value of the response. Of several values each call in turn has the next one, and the first
    /// one follows the last.
    root: Option<Values>,
    /// All responses of a call of any kind.
    replies: Option<Replies>,
    /// Texts in the bytes of the responses, where those are not fixed.
    replies_contain: Option<Vec<String>>,
    /// The number of responses, where nothing else is known.
    reply_count: Option<Range>,
    #[serde(default = "ok")]
    status: String,
    /// The status message, where it is compared.
    message: Option<String>,
    /// The content of `grpc-status-details-bin`, which is not compared as metadata then.
    details: Option<ExpectedDetails>,
    /// The complete initial metadata, but for the keys that are masked.
    #[serde(default)]
    initial_metadata: Vec<(String, String)>,
    /// The complete trailing metadata, but for the keys that are masked.
    #[serde(default)]
    trailing_metadata: Vec<(String, String)>,
    /// What the server reports about another call.
    observed: Option<ObservedCall>,
    /// The duration of a call in milliseconds.
    elapsed_ms: Option<Range<f64>>,
}

fn ok() -> String {
    "OK".to_owned()
}

impl Expectation {
    /// What is wrong with the expectation itself, for a call whose responses have this form.
    pub(crate) fn check(&self, form: &ReplyForm) -> Result<(), String> {
        let is_ok = status::code(&self.status)? == 0;
        let has_root = self.root.as_ref().is_some_and(|Values(values)| !values.is_empty());
        let has_replies =
            self.replies.is_some() || self.replies_contain.is_some() || self.reply_count.is_some();
        let wrong = match (form, is_ok) {
            (ReplyForm::Messages(_), _) if has_root => {
                "root: a call with `send` or `script` has `replies`"
            }
            (ReplyForm::Messages(_), true) if !has_replies => {
                "replies: a call that ends with OK has `replies`, `replies_contain` or `reply_count`"
            }
            (ReplyForm::Root, _) if has_replies => {
                "replies: they are those of a call with `send` or `script`"
            }
            (ReplyForm::Root, true) if !has_root => "root: a call that ends with OK has a root",
            (ReplyForm::Root, false) if has_root => "root: a call that fails has no root",
            (_, true) if self.details.is_some() => "details: a call that ends with OK has none",
            _ => {
                let replies = self.replies.as_ref().map(|all| all.encoded(form.descriptor()));
                return replies
                    .map_or(Ok(()), |all| all.map(drop))
                    .map_err(|why| format!("replies: {why}"));
            }
        };
        Err(wrong.to_owned())
    }

    /// Whether the call takes long because it waits.
    pub(crate) fn waits(&self) -> bool {
        self.status == "DEADLINE_EXCEEDED" || self.observed.is_some()
    }

    fn root(&self, index: usize) -> Option<Value> {
        let Values(roots) = self.root.as_ref()?;
        roots.get(index % roots.len().max(1)).copied()
    }

    /// How `outcome` differs, that of the call with this `index` among equal calls in this trial.
    pub(crate) fn mismatches(
        &self,
        form: &ReplyForm,
        index: usize,
        outcome: &CallOutcome,
        trial: &str,
    ) -> Vec<Mismatch> {
        let message = self.message.as_deref();
        let mut mismatches = status::mismatches(&self.status, message, outcome);
        mismatches.extend(root_mismatch(self.root(index), outcome));
        if let ReplyForm::Messages(_) = form {
            mismatches.extend(self.reply_mismatches(form, outcome));
        }
        let mut trailing = outcome.trailing_metadata.clone();
        if let Some(details) = &self.details {
            let expected = details.of_status(&self.status, message);
            if outcome.details.as_ref() != Some(&expected) {
                let observed = outcome.details.as_ref().map_or("none".to_owned(), status::shown);
                mismatches.push(Mismatch::new("details", status::shown(&expected), observed));
            }
            trailing.retain(|(key, _)| key != status::DETAILS_KEY);
        }
        if let Some(observed) = &self.observed {
            mismatches.extend(observed.mismatches(&mut trailing));
        }
        for (what, expected, observed) in [
            ("initial metadata", &self.initial_metadata, &outcome.initial_metadata),
            ("trailing metadata", &self.trailing_metadata, &trailing),
        ] {
            let expected = metadata::for_trial(expected, trial);
            mismatches.extend(metadata::mismatch(what, &expected, observed));
        }
        if let Some(range) = self.elapsed_ms.filter(|range| !range.contains(&outcome.elapsed_ms)) {
            let observed = format!("{:.0} ms", outcome.elapsed_ms);
            mismatches.push(Mismatch::new("elapsed", format!("{range} ms"), observed));
        }
        mismatches
    }

    fn reply_mismatches(&self, form: &ReplyForm, outcome: &CallOutcome) -> Vec<Mismatch> {
        let of = form.descriptor();
        let observed = match replies::decoded(outcome.replies.as_deref()) {
            Ok(observed) => observed,
            Err(mismatch) => return vec![mismatch],
        };
        let mut mismatches = Vec::new();
        let is_open = self.replies_contain.is_some() || self.reply_count.is_some();
        if let Some(replies) = &self.replies {
            mismatches.extend(replies.mismatches(of, &observed));
        } else if !is_open && !observed.is_empty() {
            mismatches.push(Mismatch::new("replies", "none", replies::shown(&observed, of)));
        }
        if let Some(texts) = &self.replies_contain {
            mismatches.extend(replies::missing(texts, &observed));
        }
        if let Some(count) = &self.reply_count {
            mismatches.extend(count.mismatch("number of replies", observed.len()));
        }
        mismatches
    }

    /// The expectation as lines for people, also for a call that meets it: they show what a case tests.
    pub(crate) fn lines(&self, form: &ReplyForm, index: usize, trial: &str) -> Observation {
        let mut lines = Observation::default();
        lines.add("status", self.status.clone());
        if let Some(message) = &self.message {
            lines.add("message", format!("{message:?}"));
        }
        if let Some(root) = self.root(index) {
            lines.add("root", with_bytes(root));
        }
        let of = form.descriptor();
        if let Some(Ok(encoded)) = self.replies.as_ref().map(|replies| replies.encoded(of)) {
            lines.add("replies", replies::shown(&encoded, of));
        }
        if let Some(texts) = &self.replies_contain {
            lines.add("replies", replies::containing(texts));
        }
        if let Some(count) = &self.reply_count {
            lines.add("number of replies", count.to_string());
        }
        if let Some(details) = &self.details {
            let details = details.of_status(&self.status, self.message.as_deref());
            lines.add("details", status::shown(&details));
        }
        for (what, entries) in [
            ("initial metadata", &self.initial_metadata),
            ("trailing metadata", &self.trailing_metadata),
        ] {
            lines.add(what, metadata::shown(&metadata::for_trial(entries, trial)));
        }
        if let Some(range) = self.elapsed_ms {
            lines.add("elapsed", format!("{range} ms"));
        }
        lines
    }
}

/// An outcome as lines for people, also of what no expectation is stated for.
pub(crate) fn outcome_lines(outcome: &CallOutcome, form: &ReplyForm) -> Observation {
    let mut lines = Observation::default();
    lines.add("status", outcome.status.clone());
    lines.add("message", format!("{:?}", outcome.message));
    if let Some(digits) = &outcome.value {
        lines
            .add("root", Value::from_hex(digits).map_or_else(|| format!("{digits:?}"), with_bytes));
    }
    if let Ok(observed) = replies::decoded(outcome.replies.as_deref()) {
        lines.add("number of replies", observed.len().to_string());
        lines.add("replies", replies::shown(&observed, form.descriptor()));
    }
    if let Some(details) = &outcome.details {
        lines.add("details", status::shown(details));
    }
    lines.add("initial metadata", metadata::shown(&outcome.initial_metadata));
    lines.add("trailing metadata", metadata::shown(&outcome.trailing_metadata));
    lines.add("elapsed", format!("{:.1} ms", outcome.elapsed_ms));
    lines
}

fn root_mismatch(expected: Option<Value>, outcome: &CallOutcome) -> Option<Mismatch> {
    let digits = outcome.value.as_deref();
    let observed = digits.and_then(Value::from_hex);
    if observed == expected && observed.is_some() == digits.is_some() {
        return None;
    }
    let shown = |value: Option<Value>| value.map_or("none".to_owned(), |value| value.to_string());
    let malformed = digits.filter(|_| observed.is_none()).map(|digits| format!("{digits:?}"));
    let mismatch = Mismatch::new("root", shown(expected), malformed.unwrap_or(shown(observed)));
    Some(match (expected, observed) {
        (Some(expected), Some(observed)) => {
            mismatch.of_messages(&expected.message(), &observed.message())
        }
        _ => mismatch,
    })
}

/// A value with the bytes of its message, as the responses of other calls are shown.
fn with_bytes(value: Value) -> String {
    format!("{value} [{}]", hex::encode(value.message()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: ReplyForm = ReplyForm::Messages(None);

    fn expectation(table: &str) -> Expectation {
        toml::from_str(table).unwrap()
    }

    fn outcome(status: &str, message: &str) -> CallOutcome {
        CallOutcome {
            status: status.to_owned(),
            message: message.to_owned(),
            value: None,
            replies: None,
            details: None,
            initial_metadata: Vec::new(),
            trailing_metadata: Vec::new(),
            elapsed_ms: 20.0,
        }
    }

    /// What differs, in order.
    fn differing(table: &str, form: &ReplyForm, outcome: &CallOutcome) -> Vec<String> {
        let mismatches = expectation(table).mismatches(form, 0, outcome, "7-1");
        mismatches.into_iter().map(|mismatch| mismatch.what).collect()
    }

    #[test]
    fn an_expectation_has_to_fit_the_form_of_the_responses() {
        let check = |table: &str, form| expectation(table).check(form).unwrap_err();
        assert!(check("status = \"FINE\"", &MESSAGES).starts_with("status: `FINE` is no"));
        assert!(check("root = 1", &MESSAGES).starts_with("root: a call with `send`"));
        assert!(check("", &MESSAGES).starts_with("replies: a call that ends with OK"));
        assert!(check("replies = []", &ReplyForm::Root).starts_with("replies: they are those"));
        assert!(check("", &ReplyForm::Root).starts_with("root: a call that ends with OK"));
        let failed = "status = \"INTERNAL\"\nroot = 1";
        assert!(check(failed, &ReplyForm::Root).starts_with("root: a call that fails"));
        assert!(check("root = 1\ndetails = {}", &ReplyForm::Root).starts_with("details: "));
        assert!(check("replies = [1.0]", &MESSAGES).starts_with("replies: a message of a method"));
        assert_eq!(expectation("root = 1").check(&ReplyForm::Root), Ok(()));
        assert_eq!(expectation("status = \"INTERNAL\"").check(&ReplyForm::Root), Ok(()));
        assert_eq!(expectation("replies = [\"0d\"]").check(&MESSAGES), Ok(()));
    }

    #[test]
    fn a_status_message_is_compared_where_one_is_given() {
        let internal = outcome("INTERNAL", "why");
        let differing = |table| differing(table, &ReplyForm::Root, &internal);
        assert_eq!(differing("status = \"INTERNAL\""), [""; 0]);
        assert_eq!(differing("status = \"INTERNAL\"\nmessage = \"because\""), ["message"]);
        assert_eq!(differing("status = \"ABORTED\""), ["status", "message"]);
    }

    #[test]
    fn a_root_is_compared_by_its_bits() {
        let mut zero = outcome("OK", "");
        zero.value = Some("80000000".to_owned());
        assert_eq!(differing("root = -0.0", &ReplyForm::Root, &zero), [""; 0]);
        assert_eq!(differing("root = 0.0", &ReplyForm::Root, &zero), ["root"]);
        assert_eq!(differing("status = \"OK\"", &ReplyForm::Root, &zero), ["root"]);
        zero.value = Some("8".to_owned());
        assert_eq!(differing("root = -0.0", &ReplyForm::Root, &zero), ["root"]);
        zero.value = None;
        assert_eq!(differing("root = -0.0", &ReplyForm::Root, &zero), ["root"]);
    }

    #[test]
    fn details_are_those_of_the_status_and_no_metadata() {
        let mut failed = outcome("INVALID_ARGUMENT", "negative");
        failed.trailing_metadata.push((status::DETAILS_KEY.to_owned(), "08".to_owned()));
        let table = "status = \"INVALID_ARGUMENT\"\nmessage = \"negative\"";
        assert_eq!(differing(table, &ReplyForm::Root, &failed), ["trailing metadata"]);
        let table = format!("{table}\ndetails = {{ violations = [[\"value\", \"below 0\"]] }}");
        assert_eq!(differing(&table, &ReplyForm::Root, &failed), ["details"]);
        failed.details = Some(grpc_interop_protocol::Details {
            code: 3,
            message: "negative".to_owned(),
            violations: vec![("value".to_owned(), "below 0".to_owned())],
        });
        assert_eq!(differing(&table, &ReplyForm::Root, &failed), [""; 0]);
    }

    #[test]
    fn metadata_may_name_the_trial_and_a_duration_is_a_range() {
        let mut done = outcome("CANCELLED", "");
        done.replies = Some(Vec::new());
        done.initial_metadata.push(("trial".to_owned(), "7-1".to_owned()));
        let table = "status = \"CANCELLED\"\ninitial_metadata = [[\"trial\", \"{trial}\"]]\n";
        assert_eq!(differing(&format!("{table}elapsed_ms = [20, 30]"), &MESSAGES, &done), [""; 0]);
        let late = format!("{table}elapsed_ms = [30, 40]");
        assert_eq!(differing(&late, &MESSAGES, &done), ["elapsed"]);
        let other = "status = \"CANCELLED\"\nreply_count = 1";
        assert_eq!(differing(other, &MESSAGES, &done), ["number of replies", "initial metadata"]);
    }
}
