//! A message as a table writes it, and as people read it.
//!
//! The bytes are what is compared. JSON cannot say -0.0 or which NaN is meant, so a `Number` may be
//! written as a number or as the bits of one, and any message as the hex of its bytes.

use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde::Deserialize;

use crate::http2::message::{checksum, padded};
use crate::http2::value::Value;

/// One message; what it has to be is known only with the method.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "toml::Value")]
pub(crate) struct Message {
    value: toml::Value,
    /// The bytes, which all copies share: large ones are needed again and again.
    encoded: Arc<OnceLock<Vec<Vec<u8>>>>,
}

impl From<toml::Value> for Message {
    fn from(value: toml::Value) -> Self {
        Self { value, encoded: Arc::default() }
    }
}

/// A number with padding that makes it so many bytes long.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Padded {
    ask: Value,
    size: usize,
}

/// The same message several times in a row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeated {
    times: usize,
    each: Message,
}

/// A `bytes` field as the same bytes again and again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RepeatedBytes {
    bytes: String,
    times: usize,
}

impl Message {
    /// The bytes of each message that this stands for, which is more than one with `times`.
    pub(crate) fn encoded(&self, of: Option<&MessageDescriptor>) -> Result<Vec<Vec<u8>>, String> {
        if let Some(encoded) = self.encoded.get() {
            return Ok(encoded.clone());
        }
        let encoded = self.encode(of)?;
        Ok(self.encoded.get_or_init(|| encoded).clone())
    }

    fn encode(&self, of: Option<&MessageDescriptor>) -> Result<Vec<Vec<u8>>, String> {
        if self.has_keys("each", "times") {
            let Repeated { times, each } = self.read()?;
            let each = each.encoded(of)?;
            return Ok(std::iter::repeat_n(each, times).flatten().collect());
        }
        Ok(vec![self.one(of)?])
    }

    /// Whether it is given by its bytes, which a stub could not send as they are.
    pub(crate) fn is_raw(&self) -> bool {
        if self.has_keys("each", "times") {
            return self.read().is_ok_and(|Repeated { each, .. }| each.is_raw());
        }
        let is_hex = self.value.as_str().is_some_and(|text| !text.starts_with("0x"));
        is_hex || self.has_keys("ask", "size")
    }

    fn one(&self, of: Option<&MessageDescriptor>) -> Result<Vec<u8>, String> {
        match (&self.value, of) {
            (toml::Value::String(digits), _) if !digits.starts_with("0x") => {
                let digits: String = digits.split_whitespace().collect();
                hex::decode(&digits).map_err(|_| format!("`{digits}` is no hex, two digits a byte"))
            }
            (_, None) => Err("a message of a method that is not known is given in hex".to_owned()),
            (toml::Value::Table(_), Some(of)) if is_number(of) && self.has_keys("ask", "size") => {
                let Padded { ask, size } = self.read()?;
                padded(ask, size)
            }
            (toml::Value::Table(table), Some(of)) => {
                let json = object(table, of)?;
                let message = DynamicMessage::deserialize(of.clone(), json)
                    .map_err(|error| format!("this is no {}: {error}", of.full_name()))?;
                Ok(message.encode_to_vec())
            }
            (_, Some(of)) if is_number(of) => Ok(self.read::<Value>()?.message()),
            (_, Some(of)) => {
                Err(format!("a {} is a table, or the hex of its bytes", of.full_name()))
            }
        }
    }

    fn has_keys(&self, one: &str, other: &str) -> bool {
        let table = self.value.as_table();
        table.is_some_and(|table| {
            table.len() == 2 && table.contains_key(one) && table.contains_key(other)
        })
    }

    fn read<T: for<'a> Deserialize<'a>>(&self) -> Result<T, String> {
        self.value.clone().try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }
}

fn is_number(of: &MessageDescriptor) -> bool {
    of.full_name() == "Number"
}

/// The JSON of a message.
fn object(table: &toml::Table, of: &MessageDescriptor) -> Result<serde_json::Value, String> {
    let mut object = serde_json::Map::new();
    for (name, value) in table {
        let Some(field) = of.get_field_by_name(name) else {
            let fields: Vec<_> = of.fields().map(|field| field.name().to_owned()).collect();
            let fields = fields.join("`, `");
            return Err(format!("a {} has no field `{name}`, but `{fields}`", of.full_name()));
        };
        object.insert(name.clone(), json(value, &field)?);
    }
    Ok(object.into())
}

fn json(value: &toml::Value, field: &FieldDescriptor) -> Result<serde_json::Value, String> {
    let wrong = |what: &str| Err(format!("{}: {what}", field.full_name()));
    match (value, field.kind()) {
        (toml::Value::Array(values), _) => values.iter().map(|value| json(value, field)).collect(),
        (toml::Value::Table(table), Kind::Message(of)) => object(table, &of),
        (toml::Value::String(digits), Kind::Bytes) => match hex::decode(digits) {
            Ok(bytes) => Ok(STANDARD.encode(bytes).into()),
            Err(_) => wrong("bytes are hex digits, two a byte"),
        },
        (toml::Value::Table(_), Kind::Bytes) => {
            let RepeatedBytes { bytes, times } = Message::from(value.clone()).read()?;
            match hex::decode(&bytes) {
                Ok(bytes) => Ok(STANDARD.encode(bytes.repeat(times)).into()),
                Err(_) => wrong("bytes are hex digits, two a byte"),
            }
        }
        (toml::Value::Float(number), _)
            if number.is_nan() || *number == 0.0 && number.is_sign_negative() =>
        {
            wrong("JSON cannot say this number: give the whole message in hex")
        }
        (toml::Value::Float(number), _) if number.is_infinite() => {
            Ok(if *number > 0.0 { "Infinity" } else { "-Infinity" }.into())
        }
        _ => serde_json::to_value(value).map_err(|error| error.to_string()),
    }
}

/// A message as people read it, with its bytes, which are what is compared.
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
    match readable {
        Some(readable) => format!("{readable} [{}]", hex::encode(bytes)),
        None => format!("[{}]", hex::encode(bytes)),
    }
}
