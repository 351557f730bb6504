//! Hex digits: the text form of bytes.
//!
//! As `#[serde(with = "hex")]`, it serializes a `Vec<u8>` as a string of digits.

use data_encoding::{DecodeError, DecodeKind, HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serializer, de};

/// The reason why a text is not the digits of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// The last byte has one digit.
    #[error("Odd number of digits")]
    OddLength,
    /// A byte of the text is not a digit.
    #[error("Invalid character {character:?} at position {position}")]
    InvalidCharacter {
        /// The byte as a character of Latin-1.
        character: char,
        /// Its position in the text, in bytes.
        position: usize,
    },
}

/// `bytes` as lower-case digits, two per byte.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// The bytes of `digits`, which may be lower-case and upper-case.
pub fn decode(digits: &str) -> Result<Vec<u8>, HexError> {
    let digits = digits.as_bytes();
    HEXLOWER_PERMISSIVE.decode(digits).map_err(|DecodeError { position, kind }| match kind {
        DecodeKind::Length => HexError::OddLength,
        DecodeKind::Symbol | DecodeKind::Trailing | DecodeKind::Padding => {
            let character = digits.get(position).copied().map(char::from).unwrap_or_default();
            HexError::InvalidCharacter { character, position }
        }
    })
}

/// Serializes `bytes` as digits.
pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&encode(bytes))
}

/// Deserializes bytes from digits.
pub fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    decode(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_digits_of_any_case() {
        let bytes: Vec<u8> = (0..=255).collect();
        let digits = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        assert_eq!(encode(&bytes), digits);
        assert_eq!(decode(&digits), Ok(bytes.clone()));
        assert_eq!(decode(&digits.to_uppercase()), Ok(bytes));
    }

    #[test]
    fn the_error_says_what_is_wrong() {
        let error = |digits| decode(digits).expect_err(digits).to_string();
        assert_eq!(error("0d0"), "Odd number of digits");
        assert_eq!(error("0d0g"), "Invalid character 'g' at position 3");
        assert_eq!(error("é0gg"), "Odd number of digits");
        assert_eq!(error("00é0x"), "Invalid character 'Ã' at position 2");
    }
}
