//! Values in tables: a float32 as its 32 bits, hex digits, and text with `\xNN` escapes.
//!
//! They are decoded while a table is read, so that an error names the line. A float32 is always compared as bits,
//! because with `==` on floats, `-0.0` equals `+0.0` and no NaN equals itself.

use std::fmt;

use grpc_interop_protocol::hex;
use serde::{Deserialize, Serialize};

/// The bits of a float32; in a table a number, or a string such as `"0x7fa00001"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Written", into = "String")]
pub(crate) struct Value(u32);

/// One value, or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Values(pub(crate) Vec<Value>);

const EXPECTED: &str = "a number, or the bits of a float32 as \"0x\" and 8 hex digits";

/// Values as written in a table.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, the bits of a float32, or a list of such")]
enum Written {
    Number(f64),
    Bits(String),
    List(Vec<Self>),
}

impl Value {
    /// The bits as 8 hex digits, as agents report them.
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

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (0x{:08x})", f32::from_bits(self.0), self.0)
    }
}

impl From<Value> for String {
    fn from(value: Value) -> Self {
        format!("0x{}", value.hex())
    }
}

impl TryFrom<Written> for Value {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            #[expect(clippy::cast_possible_truncation, reason = "the nearest float32 is meant")]
            Written::Number(number) => Ok(Self((number as f32).to_bits())),
            Written::Bits(text) => text
                .strip_prefix("0x")
                .and_then(Self::from_hex)
                .ok_or_else(|| format!("invalid value: string {text:?}, expected {EXPECTED}")),
            Written::List(_) => Err(format!("invalid type: sequence, expected {EXPECTED}")),
        }
    }
}

impl TryFrom<Written> for Values {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let list = if let Written::List(list) = written { list } else { vec![written] };
        list.into_iter().map(Value::try_from).collect::<Result<_, _>>().map(Self)
    }
}

/// Bytes written as hex digits; spaces between digits are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Hex(pub(crate) Vec<u8>);

/// Bytes written as text, where `\xNN` is any byte and `\\` a backslash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Text(pub(crate) Vec<u8>);

impl Text {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<String> for Hex {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits: String = text.split_whitespace().collect();
        hex::decode(&digits).map(Self).map_err(|_| "expected hex digits, two per byte")
    }
}

impl From<Hex> for String {
    fn from(Hex(bytes): Hex) -> Self {
        hex::encode(&bytes)
    }
}

impl TryFrom<String> for Text {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let error =
            r"invalid escape: use \xNN with two hex digits for a byte, and \\ for a backslash";
        unescape(&text).map(Self).ok_or(error)
    }
}

impl From<Text> for String {
    fn from(Text(bytes): Text) -> Self {
        escape(&bytes)
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('\\');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    while let Some(part) = parts.next() {
        if part.is_empty() {
            bytes.push(b'\\');
            bytes.extend(parts.next()?.as_bytes());
        } else {
            bytes.extend(hex::decode(part.strip_prefix('x')?.get(..2)?).ok()?);
            bytes.extend(&part.as_bytes()[3..]);
        }
    }
    Some(bytes)
}

fn escape(bytes: &[u8]) -> String {
    let escape = |byte: &u8| match byte {
        b'\\' => r"\\".to_owned(),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!(r"\x{byte:02x}"),
    };
    bytes.iter().map(escape).collect()
}

/// `bytes` as text with `\xNN` escapes, shortened.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 300;
    let text = escape(&bytes[..bytes.len().min(SHOWN)]);
    if bytes.len() > SHOWN { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}

#[cfg(test)]
mod tests {
    use super::{Value, Values};

    fn values(text: &str) -> Result<Vec<String>, String> {
        #[derive(serde::Deserialize)]
        struct Table {
            values: Values,
        }
        let table = toml::from_str::<Table>(&format!("values = {text}"));
        let Values(values) = table.map_err(|error| error.message().to_owned())?.values;
        Ok(values.into_iter().map(Value::hex).collect())
    }

    #[test]
    fn a_value_is_a_number_or_bits_and_values_are_one_or_a_list() {
        assert_eq!(values("4"), Ok(vec!["40800000".to_owned()]));
        assert_eq!(
            values("[-0.0, \"0x7fa00001\"]"),
            Ok(vec!["80000000".into(), "7fa00001".into()])
        );
        assert_eq!(values("nan").map(|values| values.len()), Ok(1));
    }

    #[test]
    fn other_values_are_rejected() {
        for (text, error) in [
            ("'16'", "invalid value: string \"16\", expected a number, or the bits of a float32"),
            ("['0x1']", "invalid value: string \"0x1\", expected a number, or the bits"),
            ("[[1]]", "invalid type: sequence, expected a number"),
            ("true", "expected a number, the bits of a float32, or a list"),
        ] {
            let refused = values(text).expect_err(text);
            assert!(refused.starts_with(error), "{text}: {refused}");
        }
    }

    use super::{Hex, Text, escape, shown, unescape};

    #[test]
    fn text_is_escaped_and_unescaped() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("a b~", b"a b~"),
            (r"\\", b"\\"),
            (r"a\\\\x41", b"a\\\\x41"),
            (r"\x00\xff\x7f", b"\0\xff\x7f"),
        ] {
            assert_eq!(unescape(text).as_deref(), Some(bytes), "{text}");
            assert_eq!(escape(bytes), text);
        }
        assert_eq!(unescape("ä"), Some(vec![0xc3, 0xa4]));
    }

    #[test]
    fn invalid_escapes_are_rejected() {
        for text in [r"\", r"a\", r"\n", r"\x", r"\x1", r"\xg0", r"\\\", r"\xä1"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }

    #[test]
    fn long_text_is_shortened() {
        assert_eq!(shown(&[b'a'; 300]), "a".repeat(300));
        assert_eq!(shown(&[b'a'; 301]), format!("{}… (301 bytes)", "a".repeat(300)));
    }

    #[test]
    fn hex_ignores_spaces_and_rejects_half_bytes() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Table {
            hex: Hex,
            text: Text,
        }
        let parse = |hex| toml::from_str::<Table>(&format!("hex = '{hex}'\ntext = 'a'"));
        assert_eq!(parse("0a FF").map(|table| table.hex), Ok(Hex(vec![0x0a, 0xff])));
        for wrong in ["0", "0a f", "0g"] {
            let error = parse(wrong).expect_err("no hex");
            assert_eq!(error.message(), "expected hex digits, two per byte", "{wrong}");
        }
    }
}
