//! Values captured from responses.

use std::collections::BTreeMap;

use grpc_interop_protocol::hex;
use prost_reflect::{Kind, Value};

/// The values that the steps of a case have captured at one server, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captured(BTreeMap<String, CapturedValue>);

/// A captured value.
#[derive(Clone, Debug)]
pub(crate) struct CapturedValue {
    pub(super) value: Value,
    /// Its kind, or that of its elements.
    pub(super) kind: Kind,
}

impl Captured {
    pub(super) fn insert(&mut self, name: &str, value: CapturedValue) {
        self.0.insert(name.to_owned(), value);
    }

    /// The value called `name`. The error lists all names.
    pub(super) fn get(&self, name: &str) -> Result<&CapturedValue, String> {
        self.0.get(name).ok_or_else(|| {
            let names: Vec<_> = self.0.keys().map(|name| format!("`{name}`")).collect();
            let known = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            format!("no earlier step captures `{name}`; captured are {known}")
        })
    }
}

impl CapturedValue {
    /// The value as text; `None` for a message, a list or a map.
    pub(super) fn text(&self) -> Option<String> {
        Some(match (&self.value, &self.kind) {
            (Value::Bool(value), _) => value.to_string(),
            (Value::I32(value), _) => value.to_string(),
            (Value::I64(value), _) => value.to_string(),
            (Value::U32(value), _) => value.to_string(),
            (Value::U64(value), _) => value.to_string(),
            (Value::F32(value), _) => value.to_string(),
            (Value::F64(value), _) => value.to_string(),
            (Value::String(value), _) => value.clone(),
            (Value::Bytes(value), _) => hex::encode(value),
            (Value::EnumNumber(number), Kind::Enum(of)) => {
                let value = of.get_value(*number);
                value.map_or_else(|| number.to_string(), |value| value.name().to_owned())
            }
            (Value::EnumNumber(number), _) => number.to_string(),
            (Value::Message(_) | Value::List(_) | Value::Map(_), _) => return None,
        })
    }
}
