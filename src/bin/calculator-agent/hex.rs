//! Bytes as hex digits, the form of messages, values and binary metadata in the agent's lines.
//!
//! Bytes and not text throughout: a line may hold anything that the wire can.

/// The text is not an even number of hex digits.
#[derive(Debug, thiserror::Error)]
#[error("not hex digits in pairs: '{0}'")]
pub(crate) struct HexError(String);

const DIGITS: &[u8; 16] = b"0123456789abcdef";

pub(crate) fn encode(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

pub(crate) fn decode(text: &str) -> Result<Vec<u8>, HexError> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect();
    bytes.filter(|_| rest.is_empty()).ok_or_else(|| HexError(text.chars().take(64).collect()))
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn bytes_come_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)).expect("our own"), all);
        assert_eq!(
            (encode(&[0, 0xaf]), decode("0AfF").expect("any case")),
            ("00af".into(), vec![10, 255])
        );
    }

    #[test]
    fn anything_else_is_named_in_the_error() {
        for bad in ["0", "0x", "+1", "a b", "\u{e4}"] {
            let error = decode(bad).expect_err(bad).to_string();
            assert_eq!(error, format!("not hex digits in pairs: '{bad}'"));
        }
    }
}
