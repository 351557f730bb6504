//! The request of a case as text: in hex, and as a command that makes the same call.

use grpc_interop_protocol::hex;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions};

use crate::compare::case::Case;
use crate::http2::value::shown as shown_text;

/// How many messages are shown. The others are counted.
const SHOWN: usize = 4;

/// The longest hex text of a message, and the longest command.
const LONGEST: usize = 400;

/// The request messages in hex, without the middle of long ones; or the entry of the probe.
pub(crate) fn shown(case: &Case) -> Vec<String> {
    if let Some(probe) = &case.probe {
        return probe.lines().map(str::to_owned).collect();
    }
    let mut shown: Vec<_> =
        case.messages.iter().take(SHOWN).map(|message| short_hex(message)).collect();
    if case.messages.len() > SHOWN {
        shown.push(format!("and {} more messages", case.messages.len() - SHOWN));
    }
    shown
}

fn short_hex(message: &[u8]) -> String {
    const END: usize = LONGEST / 4;
    if message.is_empty() {
        return "empty".to_owned();
    }
    match (message.get(..END), message.len().checked_sub(END).and_then(|at| message.get(at..))) {
        (Some(start), Some(end)) if message.len() > LONGEST / 2 => {
            format!("{}…{} ({} bytes)", hex::encode(start), hex::encode(end), message.len())
        }
        _ => hex::encode(message),
    }
}

/// The command that makes the call with grpcurl at `HOST:PORT`; `None` if grpcurl would send other bytes, or if the
/// command were too long.
pub(crate) fn grpcurl(case: &Case, method: &MethodDescriptor) -> Option<String> {
    if case.probe.is_some() {
        return None;
    }
    let messages: Vec<_> = case
        .messages
        .iter()
        .map(|message| json(message, &method.input()))
        .collect::<Option<_>>()?;
    let mut words = vec!["grpcurl".to_owned(), "-plaintext".to_owned()];
    for (name, value) in &case.metadata {
        if name.ends_with("-bin") {
            return None;
        }
        words.extend(["-H".to_owned(), format!("{name}: {}", shown_text(value))]);
    }
    if let Some(deadline) = case.deadline {
        words.extend(["-max-time".to_owned(), deadline.as_secs_f64().to_string()]);
    }
    words.extend(["-d".to_owned(), messages.join(" "), "HOST:PORT".to_owned()]);
    words.push(format!("{}/{}", method.parent_service().full_name(), method.name()));
    let command = shlex::try_join(words.iter().map(String::as_str)).ok()?;
    (command.len() <= LONGEST).then_some(command)
}

/// A message as JSON, if the JSON has the same bytes.
fn json(message: &[u8], of: &MessageDescriptor) -> Option<String> {
    let decoded = DynamicMessage::decode(of.clone(), message).ok()?;
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut text);
    decoded
        .serialize_with_options(
            &mut serializer,
            &SerializeOptions::new().use_proto_field_name(true),
        )
        .ok()?;
    let mut deserializer = serde_json::Deserializer::from_slice(&text);
    let again = DynamicMessage::deserialize(of.clone(), &mut deserializer).ok()?;
    (again.encode_to_vec() == message).then(|| String::from_utf8(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::test_service;

    fn case(messages: &[&[u8]]) -> Case {
        let messages = messages.iter().map(|message| message.to_vec().into()).collect();
        Case { messages, ..Case::default() }
    }

    #[test]
    fn a_request_is_shown_in_hex() {
        assert_eq!(shown(&case(&[b"ab", b""])), ["6162", "empty"]);
        assert_eq!(
            shown(&case(&[&b"a"[..]; 6])).last().map(String::as_str),
            Some("and 2 more messages")
        );
        let long = shown(&case(&[&[7; 1000]]));
        assert!(long[0].ends_with("0707 (1000 bytes)") && long[0].len() < LONGEST + 30, "{long:?}");
    }

    #[test]
    fn grpcurl_makes_the_same_call_or_there_is_no_command() {
        let method = test_service::method("Get");
        let command = |messages: &[&[u8]]| grpcurl(&case(messages), &method);
        let expected = "grpcurl -plaintext -d '{\"name\":\"pen\"}' HOST:PORT shop.Shop/Get";
        assert_eq!(command(&[b"\x0a\x03pen"]).as_deref(), Some(expected));
        assert_eq!(command(&[b"\x0a\x09pen"]), None, "the message is malformed");
        assert_eq!(command(&[b"\x0a\x03pen\x98\x06\x01"]), None, "JSON has no unknown fields");
    }
}
