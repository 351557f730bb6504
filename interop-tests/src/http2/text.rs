//! Bytes in a table: hex, and text with `\xNN`.
//!
//! Read where the table is read, so that a typing error is told with its line.

use serde::de::{self, Deserialize, Deserializer};

/// Bytes written as hex digits; spaces between them are for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

/// Bytes written as text, where `\xNN` is any byte and `\\` a backslash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: String = text.split_whitespace().collect();
        from_hex(&digits).map(Self).ok_or_else(|| de::Error::custom("hex digits, two a byte"))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        unescaped(&text).map(Self).ok_or_else(|| {
            de::Error::custom(r"after a backslash comes xNN, with two hex digits, or a backslash")
        })
    }
}

pub(crate) fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let byte = |pair: &[u8]| {
        let [high, low] = pair else { return None };
        let digit = |digit: u8| char::from(digit).to_digit(16);
        u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('\\');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    while let Some(part) = parts.next() {
        if part.is_empty() {
            bytes.push(b'\\');
            bytes.extend(parts.next()?.as_bytes());
        } else {
            bytes.extend(from_hex(part.strip_prefix('x')?.get(..2)?)?);
            bytes.extend(&part.as_bytes()[3..]);
        }
    }
    Some(bytes)
}

/// `bytes` as such text, for people.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 300;
    let text: String = bytes.iter().take(SHOWN).map(|byte| one_shown(*byte)).collect();
    if bytes.len() > SHOWN { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}

fn one_shown(byte: u8) -> String {
    match byte {
        b'\\' => r"\\".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!(r"\x{byte:02x}"),
    }
}
