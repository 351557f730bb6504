//! The expected outcome of a call, and its comparison with the observed outcome.
//!
//! A status message is compared only if the expectation states one. Many messages that grpcio itself generates are
//! debug texts that change with every release.
//!
//! - [`status`], [`replies`], [`metadata`]: the parts of an outcome
//! - [`wire`]: the expected frames between client and server
//! - [`comparison`]: both outcomes as lines, and their differences

pub(crate) mod comparison;
pub(crate) mod metadata;
pub(crate) mod replies;
pub(crate) mod status;
pub(crate) mod wire;

use grpc_interop_protocol::{CallOutcome, hex};
use prost_reflect::MessageDescriptor;
use serde::Deserialize;

use crate::calls::expectation::comparison::{Comparison, Range};
use crate::calls::expectation::{metadata::ObservedCall, replies::ReplyForm};
use crate::calls::{expectation::status::ExpectedDetails, message::Message};
use crate::http2::{Value, Values};
use crate::outcome::Mismatch;

/// The expected outcome of the calls of an entry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// The value of the response. With more than one value, the calls use the values in turn, starting again after
    /// the last.
    root: Option<Values>,
    /// All responses of a call with `send` or `script`.
    replies: Option<Message>,
    /// Texts that the bytes of the responses must contain, if the responses are not fixed.
    replies_contain: Option<Vec<String>>,
    /// The number of responses, if nothing else about them is known.
    reply_count: Option<Range>,
    #[serde(default = "ok")]
    status: String,
    /// The status message; not compared without it.
    message: Option<String>,
    /// The content of `grpc-status-details-bin`, which then is not compared as metadata.
    details: Option<ExpectedDetails>,
    /// The complete initial metadata, without masked keys.
    #[serde(default)]
    initial_metadata: Vec<(String, String)>,
    /// The complete trailing metadata, without masked keys.
    #[serde(default)]
    trailing_metadata: Vec<(String, String)>,
    /// The expected report of the server about another call.
    observed: Option<ObservedCall>,
    /// The duration of a call in milliseconds.
    elapsed_ms: Option<Range<f64>>,
}

fn ok() -> String {
    "OK".to_owned()
}

impl Expectation {
    /// Checks the expectation for a call whose responses have this form.
    pub(crate) fn check(&self, form: &ReplyForm) -> Result<(), String> {
        let is_ok = status::code(&self.status)? == 0;
        let has_root = self.root.as_ref().is_some_and(|Values(values)| !values.is_empty());
        let has_replies =
            self.replies.is_some() || self.replies_contain.is_some() || self.reply_count.is_some();
        let is_scripted = matches!(form, ReplyForm::Messages(_));
        let faults = [
            (is_scripted && has_root, "root: use `replies` for a call with `send` or `script`"),
            (
                is_scripted && is_ok && !has_replies,
                "replies: a call that ends with OK needs `replies`, `replies_contain` or `reply_count`",
            ),
            (
                !is_scripted && has_replies,
                "replies: allowed only for a call with `send` or `script`; use `root`",
            ),
            (!is_scripted && is_ok && !has_root, "root: a call that ends with OK needs `root`"),
            (!is_ok && has_root, "root: a call that fails has no response; remove `root`"),
            (
                is_ok && self.details.is_some(),
                "details: a call that ends with OK has no details; remove `details`",
            ),
        ];
        if let Some((_, message)) = faults.into_iter().find(|(is_fault, _)| *is_fault) {
            return Err(message.to_owned());
        }
        let (ReplyForm::Messages(of), Some(replies)) = (form, &self.replies) else {
            return Ok(());
        };
        let encoded = replies.encoded(of.as_ref());
        encoded.map(drop).map_err(|why| format!("replies: {why}"))
    }

    /// Whether the call mostly waits.
    pub(crate) fn waits(&self) -> bool {
        self.status == "DEADLINE_EXCEEDED" || self.observed.is_some()
    }

    /// Compares `outcome`, the outcome of the call with this `index` among equal calls.
    pub(crate) fn compare(
        &self,
        form: &ReplyForm,
        index: usize,
        outcome: &CallOutcome,
        trial: &str,
    ) -> Comparison {
        let mut all = Comparison::default();
        let is_expected = outcome.status == self.status;
        all.add("status", Some(self.status.clone()), Some(outcome.status.clone()), is_expected);
        // The message of an unexpected error shows its cause.
        let explains = !is_expected && !outcome.message.is_empty();
        let message = self.message.as_deref();
        let expected = message.map(|message| format!("{message:?}"));
        let expected = expected.or_else(|| explains.then(|| "any".to_owned()));
        let is_match = message.map_or(!explains, |message| message == outcome.message);
        all.add("message", expected, Some(format!("{:?}", outcome.message)), is_match);
        match form {
            ReplyForm::Root => self.compare_root(index, outcome, &mut all),
            ReplyForm::Messages(of) => self.compare_replies(of.as_ref(), outcome, &mut all),
        }
        let mut masked = Vec::new();
        let details = self.details.as_ref().map(|it| it.of_status(&self.status, message));
        let [expected, observed] =
            [&details, &outcome.details].map(|details| details.as_ref().map(status::shown));
        all.add("details", expected, observed, details.is_none() || details == outcome.details);
        if details.is_some() {
            masked.push(status::DETAILS_KEY);
        }
        if let Some(observed) = &self.observed {
            observed.compare(&outcome.trailing_metadata, &mut all);
            masked.extend(metadata::OBSERVED_KEYS);
        }
        let expected = metadata::for_trial(&self.initial_metadata, trial);
        metadata::compare("initial metadata", &expected, &outcome.initial_metadata, &[], &mut all);
        let (expected, observed) =
            (metadata::for_trial(&self.trailing_metadata, trial), &outcome.trailing_metadata);
        metadata::compare("trailing metadata", &expected, observed, &masked, &mut all);
        let expected = self.elapsed_ms.map(|range| format!("{range} ms"));
        let is_match = self.elapsed_ms.is_none_or(|range| range.contains(&outcome.elapsed_ms));
        all.add("elapsed", expected, Some(format!("{:.1} ms", outcome.elapsed_ms)), is_match);
        all
    }

    fn compare_root(&self, index: usize, outcome: &CallOutcome, all: &mut Comparison) {
        let roots = self.root.as_ref().map_or(&[][..], |Values(roots)| roots);
        let expected = roots.get(index % roots.len().max(1)).copied();
        let digits = outcome.value.as_deref();
        let observed = digits.and_then(Value::from_hex);
        let malformed = digits.filter(|_| observed.is_none()).map(|digits| format!("{digits:?}"));
        // The bytes are added, as for the responses of other calls.
        let line = |value: Value| format!("{value} [{}]", hex::encode(&value.message()));
        all.add("root", expected.map(line), observed.map(line).or(malformed.clone()), true);
        if observed == expected && malformed.is_none() {
            return;
        }
        let shown = |value: Option<Value>| value.map_or("none".to_owned(), |it| it.to_string());
        let mismatch = Mismatch::new("root", shown(expected), malformed.unwrap_or(shown(observed)));
        all.mismatches.push(match expected.zip(observed) {
            Some((one, other)) => mismatch.of_messages(&one.message(), &other.message()),
            None => mismatch,
        });
    }

    fn compare_replies(
        &self,
        of: Option<&MessageDescriptor>,
        outcome: &CallOutcome,
        all: &mut Comparison,
    ) {
        let Some(observed) = &outcome.replies else {
            let mismatch = Mismatch::new("replies", "a list of messages from the agent", "none");
            return all.mismatches.push(mismatch);
        };
        let count = self.reply_count;
        let is_match = count.is_none_or(|count| count.contains(&observed.len()));
        let number = Some(observed.len().to_string());
        all.add("number of replies", count.map(|count| count.to_string()), number, is_match);
        if let Some(replies) = &self.replies {
            replies::compare(replies, observed, of, all);
        } else {
            let is_open = self.replies_contain.is_some() || self.reply_count.is_some();
            let shown = replies::shown(observed, of);
            all.add("replies", None, Some(shown), is_open || observed.is_empty());
        }
        if let Some(texts) = &self.replies_contain {
            replies::compare_contained(texts, observed, all);
        }
    }
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
        let comparison = expectation(table).compare(form, 0, outcome, "7-1");
        comparison.mismatches.into_iter().map(|mismatch| mismatch.what).collect()
    }

    #[test]
    fn an_agent_has_to_report_a_list_of_replies() {
        let mut reported = outcome("OK", "");
        assert_eq!(differing("replies = []", &MESSAGES, &reported), ["replies"]);
        reported.replies = Some(Vec::new());
        assert_eq!(differing("replies = []", &MESSAGES, &reported), [""; 0]);
    }

    #[test]
    fn an_expectation_has_to_fit_the_form_of_the_responses() {
        let check = |table: &str, form| expectation(table).check(form).unwrap_err();
        assert!(check("status = \"FINE\"", &MESSAGES).starts_with("status: `FINE` is not"));
        assert!(check("root = 1", &MESSAGES).starts_with("root: use `replies` for a call"));
        assert!(check("", &MESSAGES).starts_with("replies: a call that ends with OK"));
        assert!(check("replies = []", &ReplyForm::Root).starts_with("replies: allowed only for"));
        assert!(check("", &ReplyForm::Root).starts_with("root: a call that ends with OK"));
        let failed = "status = \"INTERNAL\"\nroot = 1";
        assert!(check(failed, &ReplyForm::Root).starts_with("root: a call that fails"));
        assert!(check("root = 1\ndetails = {}", &ReplyForm::Root).starts_with("details: "));
        assert!(check("replies = [1.0]", &MESSAGES).starts_with("replies: messages of a method"));
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
