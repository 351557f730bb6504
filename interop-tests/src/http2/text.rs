//! Bytes in TOML tables: hex digits, and text with `\xNN` escapes.
//!
//! Decoded while a table is read, so that an error names the line.

use serde::{Deserialize, Serialize};

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
        hex::decode(digits).map(Self).map_err(|_| "hex digits, two a byte")
    }
}

impl From<Hex> for String {
    fn from(Hex(bytes): Hex) -> Self {
        hex::encode(bytes)
    }
}

impl TryFrom<String> for Text {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let error = r"after a backslash comes xNN, with two hex digits, or a backslash";
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

/// `bytes` as such text for messages, shortened.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const SHOWN: usize = 300;
    let text = escape(&bytes[..bytes.len().min(SHOWN)]);
    if bytes.len() > SHOWN { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}

#[cfg(test)]
mod tests {
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
    fn wrong_escapes_are_refused() {
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
    fn hex_ignores_spaces_and_refuses_half_bytes() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Table {
            hex: Hex,
            text: Text,
        }
        let parse = |hex| toml::from_str::<Table>(&format!("hex = '{hex}'\ntext = 'a'"));
        assert_eq!(parse("0a FF").map(|table| table.hex), Ok(Hex(vec![0x0a, 0xff])));
        for wrong in ["0", "0a f", "0g"] {
            let error = parse(wrong).expect_err("no hex");
            assert_eq!(error.message(), "hex digits, two a byte", "{wrong}");
        }
    }
}
