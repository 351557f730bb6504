//! gRPC messages: made in a given size, and shown to people.

use prost::encoding::{encode_varint, encoded_len_varint};

use crate::http2::value::Value;

/// How a message without bytes is shown.
pub(crate) const EMPTY: &str = "empty";

/// Separates two messages that are shown.
pub(crate) const BETWEEN: &str = "; ";

/// A `Number` of exactly `size` bytes, or why there is none. The padding is an unknown field, which
/// protobuf tells every receiver to ignore.
pub(crate) fn padded(value: Value, size: usize) -> Result<Vec<u8>, String> {
    /// The key of field 15, length-delimited, which `Number` does not have.
    const PADDING_KEY: u8 = 0x7a;
    let mut message = value.message();
    message.push(PADDING_KEY);
    let room = size.checked_sub(message.len());
    // The length of the padding depends on how many bytes its own length takes.
    let length = room.and_then(|room| {
        let is_right = |width: &usize| encoded_len_varint((room - width) as u64) == *width;
        (1..=room.min(5)).find(is_right).map(|width| room - width)
    });
    let length =
        length.ok_or_else(|| format!("no padding makes this message {size} bytes long"))?;
    encode_varint(length as u64, &mut message);
    message.resize(size, 0);
    Ok(message)
}

/// The length-prefixed messages in `data` in hex, with their flag unless it is 0. Of a long one, its
/// length and checksum, which is all that a comparison needs.
pub(crate) fn shown(mut data: &[u8]) -> String {
    const SHOWN: usize = 64;
    let mut messages = Vec::new();
    while !data.is_empty() {
        let Some(([flag, length @ ..], rest)) = data.split_first_chunk::<5>() else {
            messages.push(format!("a part of a prefix: {}", hex::encode(data)));
            break;
        };
        let length = u32::from_be_bytes(*length) as usize;
        let Some((message, rest)) = rest.split_at_checked(length) else {
            messages.push(format!("{} of {length} bytes", rest.len()));
            break;
        };
        let shown = match message.len() {
            0 => EMPTY.to_owned(),
            length if length > SHOWN => {
                format!("{length} bytes, checksum {:016x}", checksum(message))
            }
            _ => hex::encode(message),
        };
        messages.push(if *flag == 0 { shown } else { format!("flag {flag} {shown}") });
        data = rest;
    }
    messages.join(BETWEEN)
}

/// FNV-1a: goldens outlive the standard library's choice of a hash function.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::{Value, padded, shown};

    #[test]
    fn a_message_is_padded_to_a_size_or_there_is_none() {
        let value = Value::from_hex("41800000").expect("16.0");
        for size in [7, 8, 134, 136, 16_391, 16_393, 70_000] {
            let message = padded(value, size).expect("padding");
            assert_eq!(message.len(), size);
            assert!(message.starts_with(&value.message()));
            // Any message skips unknown fields and refuses wrong lengths.
            <()>::decode(&message[..]).expect("legal protobuf");
        }
        // The message, the key and the length take 7 bytes; from 128 bytes on, the length takes two.
        for size in [0, 5, 6, 135, 16_392] {
            padded(value, size).expect_err("no padding has this size");
        }
    }

    #[test]
    fn messages_are_shown_with_their_flags_and_what_is_missing() {
        assert_eq!(shown(b""), "");
        assert_eq!(shown(b"\0\0\0\0\0"), "empty");
        assert_eq!(shown(b"\0\0\0\0\x01a\x01\0\0\0\x02bc"), "61; flag 1 6263");
        assert_eq!(shown(b"\0\0\0"), "a part of a prefix: 000000");
        assert_eq!(shown(b"\0\0\0\0\x04abc"), "3 of 4 bytes");
        let long = [&[0, 0, 0, 0, 65][..], &[0; 65]].concat();
        assert!(shown(&long).starts_with("65 bytes, checksum "));
    }
}
