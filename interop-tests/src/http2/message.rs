//! Length-prefixed messages as people read them.
//!
//! Long ones are told by their length and a checksum, which is all that a comparison needs.

use crate::http2::payload::hex;

/// What a message without bytes is told as.
pub(crate) const EMPTY: &str = "empty";

/// What stands between two messages.
pub(crate) const BETWEEN: &str = "; ";

/// The messages in `data` in hex, with their flag unless it is 0.
pub(crate) fn shown(mut data: &[u8]) -> String {
    const SHOWN: usize = 64;
    let mut messages = Vec::new();
    while !data.is_empty() {
        let Some(([flag, length @ ..], rest)) = data.split_first_chunk::<5>() else {
            messages.push(format!("a part of a prefix: {}", hex(data)));
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
            _ => hex(message),
        };
        messages.push(if *flag == 0 { shown } else { format!("flag {flag} {shown}") });
        data = rest;
    }
    messages.join(BETWEEN)
}

/// FNV-1a: goldens outlive the standard library's choice of a hash.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
