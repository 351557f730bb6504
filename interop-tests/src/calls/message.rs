//! The notations of messages in a table.
//!
//! Messages are compared by their bytes. So a `Number` may be written as a number or as its bits, and any message as hex
//! digits.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use grpc_interop_protocol::hex;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde::Deserialize;

use crate::config::document::Node;
use crate::config::message_encoding::encode;
use crate::config::message_table::{self, verbatim};
use crate::http2::Value;
use crate::http2::body::{checksum, padded};

/// One or more messages in a table. Their type depends on the method of the call.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Message {
    notation: Notation,
    /// The encoded messages. Clones share them, because large messages are sent many times.
    #[serde(skip)]
    encoded: Arc<OnceLock<Vec<Bytes>>>,
}

/// The notations of a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
#[serde(expecting = "a message must be a number, a table or hex digits")]
enum Notation {
    List(Vec<Message>),
    /// The same messages repeated.
    Repeated {
        times: usize,
        each: Box<Message>,
    },
    /// A number, padded with an unknown field to this size in bytes.
    Padded {
        ask: Value,
        size: usize,
    },
    Number(Value),
    Hex(String),
    Fields(toml::Table),
}

impl Message {
    /// The bytes of all messages. `of` is their type, if the method is known.
    pub(crate) fn encoded(&self, of: Option<&MessageDescriptor>) -> Result<&[Bytes], String> {
        if let Some(encoded) = self.encoded.get() {
            return Ok(encoded);
        }
        let encoded = self.encode(of)?;
        Ok(self.encoded.get_or_init(|| encoded))
    }

    fn encode(&self, of: Option<&MessageDescriptor>) -> Result<Vec<Bytes>, String> {
        let message = match (&self.notation, of) {
            (Notation::List(messages), _) => {
                let messages = messages.iter().map(|message| message.encoded(of));
                return Ok(messages.collect::<Result<Vec<_>, _>>()?.concat());
            }
            (Notation::Repeated { times, each }, _) => {
                let each = each.encoded(of)?;
                return Ok(std::iter::repeat_n(each, *times).flatten().cloned().collect());
            }
            (Notation::Hex(digits), _) => {
                let digits: String = digits.split_whitespace().collect();
                hex::decode(&digits)
                    .map_err(|_| format!("`{digits}` must be hex digits, two per byte"))?
            }
            (_, None) => {
                let message = "messages of a method without a .proto file must be written in hex";
                return Err(message.to_owned());
            }
            (Notation::Padded { ask, size }, Some(of)) if is_number(of) => padded(*ask, *size)?,
            (Notation::Number(value), Some(of)) if is_number(of) => value.message(),
            (Notation::Fields(fields), Some(of)) => {
                let message = message_table::message(&Node::of_table(fields), of, &verbatim);
                encode(&message.map_err(|wrong| wrong.message)?)
            }
            (_, Some(of)) => {
                return Err(format!("a {} must be a table, or hex digits", of.full_name()));
            }
        };
        Ok(vec![message.into()])
    }

    /// Whether a message is written as bytes that a generated stub would not send.
    pub(crate) fn is_raw(&self) -> bool {
        match &self.notation {
            Notation::List(messages) => messages.iter().any(Self::is_raw),
            Notation::Repeated { each, .. } => each.is_raw(),
            notation => matches!(notation, Notation::Hex(_) | Notation::Padded { .. }),
        }
    }
}

fn is_number(of: &MessageDescriptor) -> bool {
    of.full_name() == "Number"
}

/// A message as text for people, with its bytes unless it is long.
pub(crate) fn shown(bytes: &[u8], of: Option<&MessageDescriptor>) -> String {
    const SHOWN: usize = 64;
    if bytes.len() > SHOWN {
        return format!("{} bytes, checksum {:016x}", bytes.len(), checksum(bytes));
    }
    let readable = of.and_then(|of| match Value::of_message(bytes) {
        Some(value) if is_number(of) => Some(value.to_string()),
        _ => {
            let message = DynamicMessage::decode(of.clone(), bytes).ok()?;
            serde_json::to_string(&message).ok()
        }
    });
    let readable = readable.map(|text| text + " ").unwrap_or_default();
    format!("{readable}[{}]", hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::methods;

    fn message(table: &str) -> Message {
        #[derive(Deserialize)]
        struct Table {
            message: Message,
        }
        toml::from_str::<Table>(&format!("message = {table}")).unwrap().message
    }

    /// The hex of each message that `table` stands for, as a request of `method`.
    fn encoded(table: &str, method: &str) -> Result<Vec<String>, String> {
        let message = message(table);
        let request = methods::of_project(method).ok().map(|method| method.input());
        Ok(message.encoded(request.as_ref())?.iter().map(|bytes| hex::encode(bytes)).collect())
    }

    const SQUARE_ROOT: &str = "/Calculator/SquareRoot";
    const REPEATED_ROOTS: &str = "/StreamingCalculator/RepeatedRoots";

    #[test]
    fn a_number_is_written_as_a_number_or_as_its_bits() {
        assert_eq!(encoded("16", SQUARE_ROOT).unwrap(), ["0d00008041"]);
        assert_eq!(encoded("-0.0", SQUARE_ROOT).unwrap(), ["0d00000080"]);
        assert_eq!(encoded("\"0x7fa00001\"", SQUARE_ROOT).unwrap(), ["0d0100a07f"]);
        assert_eq!(encoded("{ value = 16.0 }", SQUARE_ROOT).unwrap(), ["0d00008041"]);
        assert_eq!(encoded("{ value = -0.0 }", SQUARE_ROOT).unwrap(), ["0d00000080"]);
        assert_eq!(encoded("{ value = \"0x7fa00001\" }", SQUARE_ROOT).unwrap(), ["0d0100a07f"]);
    }

    #[test]
    fn any_message_is_written_in_hex_or_as_a_table() {
        assert_eq!(encoded("\"0d 00\"", "/Unknown/Method").unwrap(), ["0d00"]);
        assert!(encoded("\"0d0\"", SQUARE_ROOT).unwrap_err().starts_with("`0d0` must be hex"));
        let table = "{ start = { value = inf }, count = 2 }";
        assert_eq!(encoded(table, REPEATED_ROOTS).unwrap(), ["0a050d0000807f1002"]);
        let error = encoded("{ value = 1.0 }", REPEATED_ROOTS).unwrap_err();
        assert!(error.contains("has no field `value`; its fields are `start`, `count`"), "{error}");
        assert!(encoded("1.0", REPEATED_ROOTS).unwrap_err().contains("must be a table, or hex"));
        assert!(encoded("{}", "/Unknown/Method").unwrap_err().contains("must be written in hex"));
    }

    #[test]
    fn messages_are_padded_and_repeated() {
        assert_eq!(encoded("{ ask = 16, size = 8 }", SQUARE_ROOT).unwrap(), ["0d000080417a0100"]);
        let twice = encoded("{ times = 2, each = 16 }", SQUARE_ROOT).unwrap();
        assert_eq!(twice, ["0d00008041", "0d00008041"]);
        let list = encoded("[0, { times = 2, each = \"0d\" }]", SQUARE_ROOT).unwrap();
        assert_eq!(list, ["", "0d", "0d"]);
    }

    #[test]
    fn a_message_is_raw_if_a_stub_would_not_send_it() {
        let is_raw = |table: &str| message(table).is_raw();
        assert!(is_raw("\"0d\"") && is_raw("{ ask = 1, size = 9 }"));
        assert!(is_raw("{ times = 2, each = \"0d\" }"));
        assert!(!is_raw("1.0") && !is_raw("\"0x7fa00001\"") && !is_raw("{ value = 1.0 }"));
    }

    #[test]
    fn a_long_message_is_shown_by_its_checksum() {
        let number = methods::of_project(SQUARE_ROOT).unwrap().output();
        assert_eq!(shown(&[0x0d, 0, 0, 0, 0x80], Some(&number)), "-0.0 (0x80000000) [0d00000080]");
        assert_eq!(shown(&[0x10, 1], Some(&number)), "{} [1001]");
        assert_eq!(shown(&[0xff], None), "[ff]");
        assert!(shown(&[0; 65], Some(&number)).starts_with("65 bytes, checksum "));
    }
}
