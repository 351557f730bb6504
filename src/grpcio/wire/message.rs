//! The framing of a message in a body: a compression flag and four bytes of length, then the
//! message.
//!
//! Requests and responses have the same framing and the same size limit. The side that enforces the
//! limit appears only in the status message.

use bytes::Bytes;
use tonic::Status;

/// The largest message that grpcio accepts by default, in bytes.
pub(crate) const MAX_MESSAGE_SIZE: usize = 4 * 1024 * 1024;

/// The length of a message's prefix, in bytes.
pub(crate) const PREFIX_LENGTH: usize = 5;

/// The flag of an uncompressed message.
const UNCOMPRESSED: u8 = 0;

/// The flag of a compressed message. Greater values are undefined.
const COMPRESSED: u8 = 1;

/// What precedes a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) flag: u8,
    /// The length of the message without the prefix, in bytes.
    pub(crate) length: usize,
}

impl Prefix {
    /// The prefix at the start of `bytes`, or `None` if they are too few.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let [flag, length @ ..] = *bytes.first_chunk::<PREFIX_LENGTH>()?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        Some(Self { flag, length })
    }

    pub(crate) fn is_compressed(self) -> bool {
        self.flag == COMPRESSED
    }

    /// Whether the flag is defined.
    pub(crate) fn is_valid(self) -> bool {
        self.flag <= COMPRESSED
    }
}

/// Prepends the prefix of an uncompressed message.
pub(crate) fn frame_uncompressed(message: &[u8]) -> Bytes {
    with_prefix(UNCOMPRESSED, message)
}

/// Prepends the prefix of a compressed message.
pub(crate) fn frame_compressed(message: &[u8]) -> Bytes {
    with_prefix(COMPRESSED, message)
}

fn with_prefix(flag: u8, message: &[u8]) -> Bytes {
    [&prefix(flag, message.len())[..], message].concat().into()
}

/// The prefix of an uncompressed message of this length.
pub(crate) fn uncompressed_prefix(length: usize) -> [u8; PREFIX_LENGTH] {
    prefix(UNCOMPRESSED, length)
}

fn prefix(flag: u8, length: usize) -> [u8; PREFIX_LENGTH] {
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
    use super::{
        MAX_MESSAGE_SIZE, PREFIX_LENGTH, Prefix, check_size, frame_compressed, frame_uncompressed,
    };

    #[test]
    fn a_prefix_survives_a_round_trip() {
        for (framed, flag) in [(frame_uncompressed(b"abc"), 0), (frame_compressed(b"abc"), 1)] {
            let prefix = Prefix::read(&framed).expect("a prefix");
            assert_eq!(prefix, Prefix { flag, length: 3 });
            assert_eq!((prefix.is_compressed(), prefix.is_valid()), (flag == 1, true));
            assert_eq!(framed[PREFIX_LENGTH..], *b"abc");
            assert_eq!(Prefix::read(&framed[..PREFIX_LENGTH - 1]), None);
        }
        let other = Prefix::read(b"\x02\xff\xff\xff\xff").expect("a prefix");
        assert_eq!((other.length, other.is_valid()), (0xffff_ffff, false));
    }

    #[test]
    fn the_limit_itself_is_accepted() {
        check_size("SERVER", MAX_MESSAGE_SIZE).expect("the limit itself");
        let status = check_size("CLIENT", MAX_MESSAGE_SIZE + 1).expect_err("one more");
        let text = "CLIENT: Received message larger than max (4194305 vs. 4194304)";
        assert_eq!(status.message(), text);
    }
}
