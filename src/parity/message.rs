//! A message as it stands in a body: a flag and four bytes of length before its bytes.
//!
//! Requests and replies are framed alike and limited alike; only whose limit it is differs in the text.

use bytes::Bytes;
use tonic::Status;

use super::MAX_MESSAGE_SIZE;

/// The length of what stands before a message, in bytes.
pub(crate) const PREFIX: usize = 5;

/// The flag of a message that is not compressed.
const PLAIN: u8 = 0;

/// The flag of a compressed message, the larger one of the two that there are.
const COMPRESSED: u8 = 1;

/// What stands before a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) flag: u8,
    /// Of the message alone, in bytes.
    pub(crate) length: usize,
}

impl Prefix {
    /// The prefix that `bytes` begin with, if they are enough of them.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let [flag, length @ ..] = *bytes.first_chunk::<PREFIX>()?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        Some(Self { flag, length })
    }

    pub(crate) fn is_compressed(self) -> bool {
        self.flag == COMPRESSED
    }

    /// Whether there is such a flag.
    pub(crate) fn is_legal(self) -> bool {
        self.flag <= COMPRESSED
    }
}

/// `message` with the prefix of one that is not compressed.
pub(crate) fn plain(message: &[u8]) -> Bytes {
    with_prefix(PLAIN, message)
}

/// `message` with the prefix of one that is compressed.
pub(crate) fn compressed(message: &[u8]) -> Bytes {
    with_prefix(COMPRESSED, message)
}

fn with_prefix(flag: u8, message: &[u8]) -> Bytes {
    [&prefix(flag, message.len())[..], message].concat().into()
}

/// The prefix of a message of this length that is not compressed.
pub(crate) fn plain_prefix(length: usize) -> [u8; PREFIX] {
    prefix(PLAIN, length)
}

fn prefix(flag: u8, length: usize) -> [u8; PREFIX] {
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [flag, a, b, c, d]
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

#[cfg(test)]
mod tests {
    use super::{PREFIX, Prefix, check_size, compressed, plain};
    use crate::parity::MAX_MESSAGE_SIZE;

    #[test]
    fn what_is_written_before_a_message_is_read_again() {
        for (framed, flag) in [(plain(b"abc"), 0), (compressed(b"abc"), 1)] {
            let prefix = Prefix::read(&framed).expect("a prefix");
            assert_eq!(prefix, Prefix { flag, length: 3 });
            assert_eq!((prefix.is_compressed(), prefix.is_legal()), (flag == 1, true));
            assert_eq!(framed[PREFIX..], *b"abc");
            assert_eq!(Prefix::read(&framed[..PREFIX - 1]), None);
        }
        let other = Prefix::read(b"\x02\xff\xff\xff\xff").expect("a prefix");
        assert_eq!((other.length, other.is_legal()), (0xffff_ffff, false));
    }

    #[test]
    fn the_largest_message_is_not_too_large() {
        check_size("SERVER", MAX_MESSAGE_SIZE).expect("the limit itself");
        let status = check_size("CLIENT", MAX_MESSAGE_SIZE + 1).expect_err("one more");
        let text = "CLIENT: Received message larger than max (4194305 vs. 4194304)";
        assert_eq!(status.message(), text);
    }
}
