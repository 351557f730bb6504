//! A call as an entry of a case file.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use grpc_interop_protocol::hex;
use prost_reflect::MethodDescriptor;
use toml::Value;

use crate::compare::case::Case;

/// `case`, which is a call of `method`, as an entry of a case file with this name.
pub(crate) fn entry(case: &Case, method: &MethodDescriptor, name: &str) -> String {
    let mut lines = vec![
        "[[case]]".to_owned(),
        format!("name = {}", quoted(name)),
        format!("method = {}", quoted(method.full_name())),
    ];
    let message = |bytes: &[u8]| quoted(format!("hex: {}", hex::encode(bytes)).trim_end());
    if method.is_client_streaming() {
        let messages: Vec<_> = case.messages.iter().map(|bytes| message(bytes)).collect();
        lines.push(format!("requests = [{}]", messages.join(", ")));
    } else {
        lines.extend(case.messages.iter().map(|bytes| format!("request = {}", message(bytes))));
    }
    if !case.metadata.is_empty() {
        let pairs = case.metadata.iter().map(|(name, value)| {
            format!("[{}, {}]", quoted(name), quoted(&metadata_value(name, value)))
        });
        lines.push(format!("metadata = [{}]", pairs.collect::<Vec<_>>().join(", ")));
    }
    lines.extend(case.deadline.map(|deadline| format!("deadline_ms = {}", deadline.as_millis())));
    lines.join("\n") + "\n"
}

/// The value of metadata as in a case file: binary values are in hex, and a brace is doubled.
fn metadata_value(name: &str, value: &[u8]) -> String {
    if name.ends_with("-bin") {
        return hex::encode(&STANDARD_NO_PAD.decode(value).unwrap_or_default());
    }
    String::from_utf8_lossy(value).replace('{', "{{")
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::compare::test_service;
    use crate::compare::user::{Captured, UserCases};

    /// What a case file with the entry of this case says.
    fn read(case: &Case, method: &str) -> Case {
        let method = test_service::method(method);
        let folder = tempfile::tempdir().expect("cannot create a folder");
        let path = folder.path().join("cases.toml");
        std::fs::write(&path, entry(case, &method, "mine")).expect("cannot write a file");
        let cases = UserCases::read(&[path], method.parent_pool()).expect("the entry is valid");
        let cases = cases.cases_of(method.full_name());
        let step = cases.first().and_then(|case| case.steps.first()).expect("it has a step");
        step.case(&Captured::default()).expect("nothing is captured")
    }

    #[test]
    fn an_entry_is_read_as_the_same_call() {
        let metadata = vec![
            ("x-a".to_owned(), b"a \"quoted\" {brace} \\ 1".to_vec()),
            ("x-b-bin".to_owned(), STANDARD_NO_PAD.encode([0, 0xff]).into_bytes()),
        ];
        let messages = vec![Bytes::from_static(b"\x0a\x03pen")];
        let deadline = Some(Duration::from_millis(12_345));
        let case = Case { messages, metadata, deadline, ..Case::default() };
        let read = read(&case, "Get");
        assert_eq!((&read.messages, &read.metadata), (&case.messages, &case.metadata));
        assert_eq!(read.deadline, case.deadline);
    }

    #[test]
    fn malformed_and_empty_messages_are_read_too() {
        for bytes in [&b""[..], b"\xff\xff"] {
            let case = Case { messages: vec![Bytes::from_static(bytes)], ..Case::default() };
            assert_eq!(read(&case, "Get").messages, case.messages);
        }
    }
}
