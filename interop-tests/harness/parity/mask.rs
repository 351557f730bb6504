//! What is not compared. This list is the only place where a difference is dropped.
//!
//! A server may differ in these and still be a drop-in replacement, because no client looks at
//! them, or because HTTP/2 leaves them to chance:
//!
//! - metadata that says what a server is made of: see [`METADATA`]
//! - an empty grpc-message, which means the same as none
//! - the order of metadata with different names; HPACK's indexes and Huffman code; which bytes of a
//!   grpc-message are percent-encoded beyond those that have to be
//! - SETTINGS, PING, WINDOW_UPDATE and how an answer is cut into DATA frames and CONTINUATION
//! - RST_STREAM after an answer to a request that the client has ended: the stream is closed for
//!   the client, so it ignores the frame
//! - GOAWAY's last stream, and its debug data unless the code is `ENHANCE_YOUR_CALM`: only there
//!   do clients read it (`too_many_pings`)
//! - whether a closed connection was reset: it depends on what the server had left unread
//! - everything on a stream after the client has reset it
//! - frames of the server for streams that the probe has not opened

use super::header_block::Field;

/// Metadata that is not compared.
const METADATA: [&[u8]; 2] = [
    // The time of day.
    b"date",
    // Which compressions a server could read; a client that compresses is told if it cannot.
    b"grpc-accept-encoding",
];

const ENHANCE_YOUR_CALM: u32 = 11;

/// Whether the metadata `name` is compared, in its own place or under its own name.
pub(crate) fn is_compared((name, value): &Field) -> bool {
    let is_empty_message = name == b"grpc-message" && value.is_empty();
    !is_empty_message && !METADATA.contains(&&name[..])
}

/// The debug data of a GOAWAY, where clients read it.
pub(crate) fn debug_data(code: u32, data: &[u8]) -> Option<&[u8]> {
    (code == ENHANCE_YOUR_CALM && !data.is_empty()).then_some(data)
}
