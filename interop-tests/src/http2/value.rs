//! A float32 as its 32 bits.
//!
//! Always compared as bits: with `==` on floats, `-0.0` equals `+0.0` and no NaN equals itself, and those
//! are the cases that matter.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// The bits of a float32; in a table a number, or a string such as `"0x7fa00001"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value(u32);

impl Value {
    /// 8 hex digits, as agents report it.
    pub(crate) fn hex(self) -> String {
        format!("{:08x}", self.0)
    }

    /// Parses 8 hex digits.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        (text.len() == 8).then(|| u32::from_str_radix(text, 16).ok().map(Self)).flatten()
    }

    /// The protobuf message `Number` with this value.
    pub(crate) fn message(self) -> Vec<u8> {
        if self.0 == 0 { Vec::new() } else { [&[0x0d][..], &self.0.to_le_bytes()].concat() }
    }

    /// The value of a `Number` in its canonical encoding.
    pub(crate) fn of_message(message: &[u8]) -> Option<Self> {
        match message {
            [] => Some(Self(0)),
            [0x0d, bits @ ..] => bits.try_into().ok().map(u32::from_le_bytes).map(Self),
            _ => None,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", self.hex()))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (0x{:08x})", f32::from_bits(self.0), self.0)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or the bits of a float32 as \"0x\" and 8 hex digits")
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        #[expect(clippy::cast_possible_truncation, reason = "the nearest float32 is meant")]
        let value = number as f32;
        Ok(Value(value.to_bits()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "the nearest float32 is meant")]
        let value = number as f32;
        Ok(Value(value.to_bits()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        text.strip_prefix("0x")
            .and_then(Value::from_hex)
            .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// One value, or a list of them.
#[derive(Clone, Debug)]
pub(crate) struct Values(pub(crate) Vec<Value>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ValueVisitor.expecting(f)?;
        f.write_str(", or a list of such")
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Values, E> {
        ValueVisitor.visit_f64(number).map(|value| Values(vec![value]))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Values, E> {
        ValueVisitor.visit_i64(number).map(|value| Values(vec![value]))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Values, E> {
        ValueVisitor.visit_str(text).map(|value| Values(vec![value]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Values, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Values(values))
    }
}
