//! A message as it stands in a body: a flag and four bytes of length before its bytes.
//!
//! Requests and replies are framed alike and limited alike; only whose limit it is differs in the text.

use bytes::Bytes;
use tonic::Status;

use super::MAX_MESSAGE_SIZE;

/// The length of what stands before a message.
pub(crate) const PREFIX: usize = 5;

/// The flag of a compressed message, the larger one of the two that there are.
pub(crate) const COMPRESSED: u8 = 1;

/// `message` with the prefix of one that is not compressed.
pub(crate) fn with_prefix(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], message].concat().into()
}

/// Checks the length of a message that `side`, SERVER or CLIENT, receives. Probes: `length-*`.
pub(crate) fn check_size(side: &str, length: usize) -> Result<(), Status> {
    if length <= MAX_MESSAGE_SIZE {
        return Ok(());
    }
    Err(Status::resource_exhausted(format!(
        "{side}: Received message larger than max ({length} vs. {MAX_MESSAGE_SIZE})"
    )))
}
