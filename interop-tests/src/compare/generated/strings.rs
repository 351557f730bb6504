//! The boundary values of strings and bytes.
//!
//! All strings are valid UTF-8. Invalid ones are among the malformed messages.

use prost_reflect::Kind;

use crate::compare::generated::bounds::Bounds;
use crate::compare::generated::variation::Variation;

/// Text that programs treat in different ways if they normalize, trim, escape or count it.
const TEXTS: [(&str, &str); 15] = [
    ("default", ""),
    ("one-character", "a"),
    ("white-space", " \ta\r\n "),
    ("nul", "a\0b"),
    ("controls", "\u{1}\u{1f}\u{7f}\u{85}"),
    ("quotes", "\"'\\</%s{}"),
    ("latin-composed", "caf\u{e9}"),
    ("latin-decomposed", "cafe\u{301}"),
    ("hangul-composed", "\u{ac01}"),
    ("hangul-decomposed", "\u{1100}\u{1161}\u{11a8}"),
    ("right-to-left", "\u{202e}\u{5d0}\u{627}\u{202c}"),
    ("emoji-sequence", "\u{1f469}\u{200d}\u{1f4bb}\u{1f3fd}\u{fe0f}"),
    ("byte-order-mark", "\u{feff}a"),
    ("noncharacters", "\u{ffff}\u{fdd0}\u{1fffe}"),
    ("planes", "\u{4e2d}\u{20000}\u{e0041}\u{f0000}\u{10ffff}"),
];

/// The boundary values of a string or of bytes. The first is empty.
pub(super) fn values(kind: &Kind, bounds: Bounds) -> Vec<Variation> {
    let long = bounds.long;
    match kind {
        Kind::String => {
            let texts = TEXTS.iter().map(|(name, text)| Variation::new(*name, *text));
            texts.chain([Variation::lazy("long", move || long_text(long))]).collect()
        }
        Kind::Bytes => vec![
            Variation::new("default", []),
            Variation::new("zero", [0]),
            Variation::new("every-byte", every_byte()),
            Variation::new("not-utf-8", [0xc3, 0x28, 0xff]),
            Variation::lazy("long", move || {
                let mut bytes = every_byte().repeat(long.div_ceil(256));
                bytes.truncate(long);
                bytes
            }),
        ],
        _ => Vec::new(),
    }
}

fn every_byte() -> Vec<u8> {
    (0..=255).collect()
}

/// A text of this many bytes. Its characters differ, so that a missing part is noticed.
fn long_text(length: usize) -> Vec<u8> {
    let mut text = b"abcdefghijklmnopqrstuvwxyz".repeat(length.div_ceil(26));
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_valid_and_different() {
        let values = values(&Kind::String, Bounds::default());
        let mut texts: Vec<_> =
            values.iter().map(|value| String::from_utf8(value.bytes()).unwrap()).collect();
        let number = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), number);
        assert!(texts[0].is_empty());
    }

    #[test]
    fn long_values_have_the_length_of_the_bound() {
        let bounds = Bounds { long: 1000, ..Bounds::default() };
        for kind in [Kind::String, Kind::Bytes] {
            let values = values(&kind, bounds);
            assert_eq!(values.last().unwrap().bytes().len(), 1000);
        }
    }
}
