//! What a step expects from every server, also from the reference.
//!
//! An expectation that only the candidate fails is usually also a difference between the responses. One that the
//! reference fails as well would not be noticed otherwise.

use std::collections::BTreeMap;

use prost_reflect::MessageDescriptor;

use crate::compare::difference::{ABSENT, Difference, Subject, status_name};
use crate::compare::message::{self, MessageComparison};
use crate::compare::response::{CallEnd, Response};
use crate::compare::user::captured::Captured;
use crate::compare::user::messages::Messages;
use crate::http2::value::shown;

/// What a step expects.
#[derive(Clone, Debug)]
pub(super) struct Expectation {
    /// The number of the status.
    pub(super) status: u32,
    pub(super) message: Option<String>,
    pub(super) responses: Option<Messages>,
    pub(super) of: MessageDescriptor,
}

/// A part of a response that is not as expected.
struct Failure {
    place: String,
    found: String,
}

impl Expectation {
    /// The differences between what is expected and the responses of the reference and of the candidate, each with the
    /// values that the server's own responses had.
    pub(super) fn differences(
        &self,
        reference: (&Response, &Captured),
        candidate: (&Response, &Captured),
    ) -> Vec<Difference> {
        let [mut reference, mut candidate] =
            [reference, candidate].map(|(response, captured)| self.failures(response, captured));
        let mut parts: Vec<_> = reference.keys().chain(candidate.keys()).cloned().collect();
        parts.sort();
        parts.dedup();
        let differences = parts.into_iter().filter_map(|part| {
            let (reference, candidate) = (reference.remove(&part), candidate.remove(&part));
            let place = reference.as_ref().or(candidate.as_ref())?.place.clone();
            let found = |failure: Option<Failure>| {
                failure.map_or_else(|| "as expected".to_owned(), |failure| failure.found)
            };
            let (reference, candidate) = (found(reference), found(candidate));
            Some(Difference { subject: Subject::Expectation(part), place, reference, candidate })
        });
        differences.collect()
    }

    /// The first part of `response` that is not as expected, with its value.
    pub(super) fn failure(&self, response: &Response, captured: &Captured) -> Option<[String; 2]> {
        let failures = self.failures(response, captured);
        failures.into_values().next().map(|failure| [failure.place, failure.found])
    }

    /// The parts that are not as expected.
    fn failures(&self, response: &Response, captured: &Captured) -> BTreeMap<String, Failure> {
        let mut failures = BTreeMap::new();
        let mut add = |part: &str, expected: &str, found: String| {
            let place = format!("expected {part} {expected}");
            failures.insert(part.to_owned(), Failure { place, found });
        };
        let status = match &response.end {
            CallEnd::EndStream => status_name(&response.status),
            end => end.to_string(),
        };
        let expected = status_name(&self.status.to_string());
        if status != expected {
            let text = shown(&response.status_message);
            let text = if text.is_empty() { status } else { format!("{status}: {text}") };
            add("status", &expected, text);
            return failures;
        }
        let text = shown(&response.status_message);
        if let Some(expected) = self.message.as_ref().filter(|expected| **expected != text) {
            add("status message", expected, if text.is_empty() { ABSENT.to_owned() } else { text });
        }
        let Some(expected) = &self.responses else { return failures };
        let expected = match expected.encoded(captured) {
            Ok(expected) => expected,
            Err(why) => {
                add("responses", "", why);
                return failures;
            }
        };
        if expected.len() != response.messages.len() {
            let (expected, found) = (expected.len(), response.messages.len());
            add("number of responses", &expected.to_string(), found.to_string());
            return failures;
        }
        for (index, (expected, found)) in expected.iter().zip(&response.messages).enumerate() {
            let of_which = |path: &str| match response.messages.len() {
                1 => path.to_owned(),
                _ => format!("message {}: {path}", index + 1),
            };
            let found = match &found.bytes {
                Ok(found) => found,
                Err(why) => {
                    add(&of_which("message"), "", why.clone());
                    continue;
                }
            };
            match message::compare(&self.of, expected, found) {
                MessageComparison::Same | MessageComparison::SameValue(_) => {}
                MessageComparison::Different(differences) => {
                    for difference in differences.listed {
                        let path = of_which(&difference.path.to_string());
                        add(&path, &difference.reference, difference.candidate);
                    }
                }
                MessageComparison::Undecodable { candidate, reference } => {
                    let why = candidate.or(reference).unwrap_or_default();
                    add(&of_which("message"), "", why);
                }
            }
        }
        failures
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::compare::response::ResponseMessage;
    use crate::compare::test_service;
    use crate::compare::user::messages::Reader;
    use crate::config::document::Node;

    fn messages(table: &str) -> Messages {
        let mut messages = Messages::none(test_service::method("Get").output());
        let node = Node::of_toml(table).expect("it is valid");
        let reader = Reader { folder: Path::new(""), captured: &Captured::default() };
        messages.add(&node, &reader).expect("it fits");
        messages
    }

    fn response(status: &str, table: Option<&str>) -> Response {
        let bytes = table.map(|it| messages(it).encoded(&Captured::default()).expect("it fits"));
        let message = |bytes: bytes::Bytes| ResponseMessage {
            is_compressed: false,
            bytes: Ok(bytes.to_vec()),
        };
        Response {
            status: status.to_owned(),
            status_message: b"why".to_vec(),
            messages: bytes.into_iter().flatten().map(message).collect(),
            ..Response::without_answer(CallEnd::EndStream)
        }
    }

    fn expectation(status: u32, message: Option<&str>, table: Option<&str>) -> Expectation {
        let of = test_service::method("Get").output();
        let (message, responses) = (message.map(str::to_owned), table.map(messages));
        Expectation { status, message, responses, of }
    }

    /// The place, and what the reference and the candidate returned.
    fn differences(
        expectation: &Expectation,
        reference: &Response,
        candidate: &Response,
    ) -> Vec<[String; 3]> {
        let none = Captured::default();
        let differences = expectation.differences((reference, &none), (candidate, &none));
        let parts = differences.into_iter().map(|it| [it.place, it.reference, it.candidate]);
        parts.collect()
    }

    #[test]
    fn both_servers_must_meet_it() {
        let (ok, not_found) = (response("0", Some("name = 'pen'")), response("5", None));
        let expected = expectation(5, None, None);
        let one = differences(&expected, &not_found, &ok);
        assert_eq!(one, [["expected status NOT_FOUND (5)", "as expected", "OK (0): why"]]);
        let both = differences(&expected, &ok, &ok);
        assert_eq!(both, [["expected status NOT_FOUND (5)", "OK (0): why", "OK (0): why"]]);
        assert!(differences(&expected, &not_found, &not_found).is_empty());
    }

    #[test]
    fn messages_are_compared_by_their_fields() {
        let pen = response("0", Some("name = 'pen'\nprice = 2.0"));
        let ink = response("0", Some("name = 'ink'\nprice = 2.0"));
        let expected = expectation(0, None, Some("name = 'pen'\nprice = 2.0"));
        assert!(differences(&expected, &pen, &pen).is_empty());
        let found = differences(&expected, &pen, &ink);
        assert_eq!(found, [["expected name \"pen\"", "as expected", "\"ink\""]]);
        let none = differences(&expected, &pen, &response("0", None));
        assert_eq!(none, [["expected number of responses 1", "as expected", "0"]]);
        let text = expectation(5, Some("not why"), None);
        let found = differences(&text, &response("5", None), &response("5", None));
        assert_eq!(found, [["expected status message not why", "why", "why"]]);
    }
}
