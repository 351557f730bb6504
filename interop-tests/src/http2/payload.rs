//! The bytes of requests that no stub would send.
//!
//! Padding is an unknown field, which protobuf tells every receiver to accept and ignore, so a
//! message can be made large without a change to the contract.

use crate::http2::value::Value;

/// The key of field 15, length-delimited, which `Number` does not have.
const PADDING_KEY: u8 = 0x7a;

/// A `Number` of exactly `size` bytes; the error says why there is none.
pub fn padded(value: Value, size: usize) -> Result<Vec<u8>, String> {
    let mut message = value.message();
    let room = size.checked_sub(message.len() + 1);
    // The length of the padding depends on how many bytes its own length takes.
    let fitting = room.and_then(|room| {
        (1..=room.min(5))
            .map(|width| (room - width, varint(room - width)))
            .find(|(padding, length)| length.len() + padding == room)
    });
    let Some((padding, length)) = fitting else {
        return Err(format!("no padding makes this message {size} bytes long"));
    };
    message.push(PADDING_KEY);
    message.extend(length);
    message.resize(message.len() + padding, 0);
    Ok(message)
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// The form of the agents' lines.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Reserved in one piece: messages of 4 MiB are written so.
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        digits.push(char::from(DIGITS[usize::from(byte >> 4)]));
        digits.push(char::from(DIGITS[usize::from(byte & 0xf)]));
    }
    digits
}
