//! A call of a case file, with what it captures and expects.
//!
//! Each server gets the values of its own earlier responses, because an id may be random.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use prost_reflect::{MethodDescriptor, Value};

use crate::compare::case::Case;
use crate::compare::difference::{ABSENT, Difference, Subject};
use crate::compare::response::Response;
use crate::compare::user::capture::Capture;
use crate::compare::user::captured::Captured;
use crate::compare::user::expectation::Expectation;
use crate::compare::user::messages::Messages;
use crate::compare::user::template::Template;
use crate::config::glob;
use crate::config::message_table::Text;

/// A call.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Unique in its case.
    pub(super) name: String,
    pub(crate) method: MethodDescriptor,
    pub(super) requests: Messages,
    /// Names in lower case. Those of binary metadata end in `-bin`.
    pub(super) metadata: Vec<(String, Template)>,
    pub(super) deadline: Option<Duration>,
    pub(super) captures: Vec<Capture>,
    pub(super) expectation: Option<Expectation>,
    /// The file and line.
    pub(super) place: String,
}

/// A case of a case file. It belongs to the method of its last step.
#[derive(Clone, Debug)]
pub(crate) struct UserCase {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
    /// The file and line.
    pub(super) place: String,
}

/// A call that is made before the cases of a method, each time a server has started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(super) step: Step,
    /// The methods before whose cases it is made, with `*` for any text. Without it, all.
    pub(super) methods: Option<Vec<String>>,
}

impl UserCase {
    /// The full name of its method.
    pub(crate) fn method(&self) -> &str {
        self.steps.last().map_or("", |step| step.method.full_name())
    }

    /// The paths of the request fields of its method that it sets.
    pub(crate) fn fields(&self) -> impl Iterator<Item = String> {
        let method = self.steps.last().map(|step| &step.method);
        let steps = self.steps.iter().filter(move |step| Some(&step.method) == method);
        steps.flat_map(|step| step.requests.fields.iter().cloned())
    }
}

impl Setup {
    /// Whether it is made before the cases of `method`.
    pub(crate) fn is_for(&self, method: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.iter().any(|it| glob(it, method)))
    }

    /// The call.
    pub(crate) fn case(&self) -> Result<Case, String> {
        self.step.case(&Captured::default())
    }

    /// The path of its method.
    pub(crate) fn path(&self) -> String {
        self.step.path()
    }

    /// Why `response` is not what the setup needs: OK, or what the setup expects.
    pub(crate) fn failure(&self, response: &Response) -> Option<SetupFailure> {
        let expectation = self.step.expectation.as_ref()?;
        let [expected, found] = expectation.failure(response, &Captured::default())?;
        let Step { place, method, .. } = &self.step;
        let what = format!("setup {} ({place}): {expected}", method.full_name());
        Some(SetupFailure { what, found })
    }
}

/// A setup call that failed.
pub(crate) struct SetupFailure {
    /// The call, and what it needs.
    what: String,
    found: String,
}

impl SetupFailure {
    /// It at the reference or at a second instance of it.
    pub(crate) fn error(&self) -> String {
        format!("{}, but the reference returned {}", self.what, self.found)
    }

    /// It at the candidate.
    pub(crate) fn difference(self) -> Difference {
        Difference {
            subject: Subject::Expectation("setup".to_owned()),
            place: self.what,
            reference: "as expected".to_owned(),
            candidate: self.found,
        }
    }
}

impl Step {
    /// The path of its method, such as `/shop.Shop/Get`.
    pub(crate) fn path(&self) -> String {
        format!("/{}/{}", self.method.parent_service().full_name(), self.method.name())
    }

    /// The call at a server that has returned these values. The error says why a value does not fit.
    pub(crate) fn case(&self, captured: &Captured) -> Result<Case, String> {
        let metadata = self.metadata.iter().map(|(name, template)| {
            let wrong = |why: String| format!("metadata {name}: {why}");
            let value = metadata_value(name, template.replaced(captured).map_err(wrong)?);
            Ok::<_, String>((name.clone(), value.map_err(wrong)?))
        });
        Ok(Case {
            name: self.name.clone(),
            messages: self.requests.encoded(captured)?,
            metadata: metadata.collect::<Result<_, _>>()?,
            deadline: self.deadline,
            fields: self.requests.fields.iter().cloned().collect(),
            method: Some(self.method.clone()),
            probe: None,
        })
    }

    /// An error about it, with its file and line.
    pub(crate) fn error(&self, why: &str) -> String {
        format!("{}: {why}", self.place)
    }

    /// Captures values of `response`. Returns those that it does not have, and why.
    pub(crate) fn capture(&self, response: &Response, captured: &mut Captured) -> Vec<Missing<'_>> {
        let mut missing = Vec::new();
        for capture in &self.captures {
            match capture.path.value(response) {
                Ok(value) => captured.insert(&capture.name, value),
                Err(why) => missing.push(Missing { capture, why }),
            }
        }
        missing
    }

    /// The expectations that the reference or the candidate fails. Each has the values that its own responses had
    /// before this step.
    pub(crate) fn failed_expectations(
        &self,
        reference: (&Response, &Captured),
        candidate: (&Response, &Captured),
    ) -> Vec<Difference> {
        let expectation = self.expectation.as_ref();
        expectation.map(|it| it.differences(reference, candidate)).unwrap_or_default()
    }
}

/// That a server other than the reference has returned values that do not fit into the next request.
pub(crate) fn unusable(why: String) -> Difference {
    Difference {
        subject: Subject::Expectation("captured values".to_owned()),
        place: "the request with the captured values".to_owned(),
        reference: "as expected".to_owned(),
        candidate: why,
    }
}

/// A value that a response does not have.
pub(crate) struct Missing<'a> {
    capture: &'a Capture,
    why: String,
}

impl Missing<'_> {
    /// It at the reference.
    pub(crate) fn error(&self) -> String {
        let Self { capture, why } = self;
        let Capture { name, path, place } = capture;
        format!("{place}: capture {name}: the response of the reference has no `{path}`: {why}")
    }

    /// It at another server.
    pub(crate) fn difference(&self, reference: &Captured) -> Difference {
        let Capture { name, path, .. } = self.capture;
        let found = reference.get(name).ok().map(|it| it.text().unwrap_or("a message".to_owned()));
        Difference {
            subject: Subject::Expectation(format!("capture {name}")),
            place: format!("capture {name} = {path}"),
            reference: found.unwrap_or_default(),
            candidate: format!("{ABSENT}: {}", self.why),
        }
    }
}

/// The value of metadata on the wire. In a case file, a binary value is written in hex.
pub(super) fn metadata_value(name: &str, text: Text) -> Result<Vec<u8>, String> {
    if name.ends_with("-bin") {
        let bytes = match text {
            Text::Value { value: Value::Bytes(bytes), .. } => bytes.to_vec(),
            Text::Value { value: Value::String(text), .. } => text.into_bytes(),
            Text::Text(digits) | Text::Value { text: digits, .. } => {
                grpc_interop_protocol::hex::decode(&digits).map_err(|_| {
                    format!("`{digits}`: binary metadata must be hex digits, two per byte")
                })?
            }
        };
        return Ok(STANDARD_NO_PAD.encode(bytes).into_bytes());
    }
    let (Text::Text(text) | Text::Value { text, .. }) = text;
    if !text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
        return Err(format!("`{text}`: metadata may contain only printable ASCII characters"));
    }
    Ok(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::response::{CallEnd, ResponseMessage};
    use crate::compare::test_service;
    use crate::compare::user::read::UserCases;

    const CASES: &str = "[[setup]]\nmethod = 'shop.Shop.Get'\nexpect = { status = 'NOT_FOUND' }\n\
                         [[case]]\nname = 'it'\nsteps = [\n\
                         { method = 'shop.Shop.Get', capture = { name = 'name', part = 'parts[0].price' } },\n\
                         { method = 'shop.Shop.Get', request = { name = '{name}', price = '{part}' }, \
                         metadata = [['x', '{name}'], ['x-bin', '{name}']] } ]\n";

    fn read() -> UserCases {
        let file =
            tempfile::Builder::new().suffix(".toml").tempfile().expect("cannot create a file");
        std::fs::write(file.path(), CASES).expect("cannot write a file");
        let files = [file.path().to_owned()];
        UserCases::read(&files, &test_service::pool()).expect("the file is valid")
    }

    fn case() -> UserCase {
        let case = read().cases_of("shop.Shop.Get").into_iter().next();
        UserCase::clone(&case.expect("there is one"))
    }

    /// An OK response with this message.
    fn response(message: &[u8]) -> Response {
        let message = ResponseMessage { is_compressed: false, bytes: Ok(message.to_vec()) };
        let messages = vec![message];
        let status = "0".to_owned();
        Response { status, messages, ..Response::without_answer(CallEnd::EndStream) }
    }

    #[test]
    fn each_server_gets_its_own_values() {
        let case = case();
        let [first, second] = &case.steps[..] else { panic!("two steps") };
        for (name, price) in [("pen", 2.0_f64), ("ink", 3.0)] {
            let price = price.to_le_bytes();
            let message = [b"\x0a\x03", name.as_bytes(), b"\x22\x09\x11", &price].concat();
            let mut captured = Captured::default();
            assert!(first.capture(&response(&message), &mut captured).is_empty());
            let call = second.case(&captured).expect("the values fit");
            let expected = [b"\x0a\x03", name.as_bytes(), b"\x11", &price].concat();
            assert_eq!(call.messages, [expected]);
            let binary = STANDARD_NO_PAD.encode(name).into_bytes();
            let expected =
                [("x".to_owned(), name.as_bytes().to_vec()), ("x-bin".to_owned(), binary)];
            assert_eq!(call.metadata, expected);
            assert_eq!(
                (&*call.name, &call.fields[..]),
                ("it.step-2", &["name".into(), "price".into()][..])
            );
        }
    }

    #[test]
    fn a_value_that_a_response_lacks_is_reported() {
        let case = case();
        let [first, second] = &case.steps[..] else { panic!("two steps") };
        let mut captured = Captured::default();
        let missing = first.capture(&response(b"\x0a\x03pen"), &mut captured);
        let [missing] = &missing[..] else { panic!("one is missing: {}", missing.len()) };
        let error = missing.error();
        assert!(
            error.contains(".toml:7: capture part: the response of the reference has no"),
            "{error}"
        );
        let mut reference = Captured::default();
        first.capture(&response(b"\x22\x09\x11\0\0\0\0\0\0\0\x40"), &mut reference);
        let difference = missing.difference(&reference);
        assert_eq!(difference.subject.to_string(), "expectation: capture part");
        assert_eq!(difference.reference, "2");
        assert_eq!(difference.candidate, "(absent): there is no index 0, only 0 elements");
        let error = second.case(&captured).expect_err("a value is missing");
        assert_eq!(error, "shop.Item.price: no earlier step captures `part`; captured are `name`");
    }

    #[test]
    fn a_value_that_cannot_be_sent_is_reported() {
        let case = case();
        let [first, second] = &case.steps[..] else { panic!("two steps") };
        let mut captured = Captured::default();
        first.capture(&response("\n\u{2}ä\"\u{0}".as_bytes()), &mut captured);
        let error = second.case(&captured).expect_err("it is not ASCII");
        assert!(error.starts_with("metadata x: `ä`: metadata may contain only"), "{error}");
    }

    #[test]
    fn a_setup_needs_what_it_expects() {
        let setup = read().setup_of("shop.Shop.Get").remove(0);
        assert!(setup.case().is_ok());
        let failure = setup.failure(&response(b"")).expect("it is OK");
        let error = failure.error();
        assert!(error.starts_with("setup shop.Shop.Get ("), "{error}");
        assert!(
            error.ends_with(
                ".toml:1): expected status NOT_FOUND (5), but the reference returned OK (0)"
            ),
            "{error}"
        );
        assert_eq!(failure.difference().candidate, "OK (0)");
        let mut not_found = response(b"");
        not_found.status = "5".to_owned();
        assert!(setup.failure(&not_found).is_none());
    }
}
