//! What is not compared. This list is the only place where a difference is dropped.
//!
//! A server may differ in these and still be a drop-in replacement, because no client looks at
//! them, or because HTTP/2 leaves them to chance:
//!
//! - metadata that says what a server is made of: see [`METADATA`]
//! - an empty grpc-message, which means the same as none
//! - the order of metadata with different names; HPACK's indexes and Huffman code; which bytes of a
//!   grpc-message are percent-encoded beyond those that have to be
//! - SETTINGS, PING, WINDOW_UPDATE and how a response is divided into DATA frames and CONTINUATION
//! - RST_STREAM after the response to a request that the client has ended: the stream is closed for
//!   the client, so it ignores the frame
//! - GOAWAY's last stream, and its debug data unless the code is `ENHANCE_YOUR_CALM`: only there
//!   do clients read it (`too_many_pings`)
//! - how the connection ends after the client has said that it will end it, with GOAWAY or by
//!   closing its direction, unless it ends with an error: only the calls in flight matter then
//! - whether a connection that the server closes was reset, and whether GOAWAY with an error came
//!   before: both depend on what the server had left unread, since a reset can overtake the frame.
//!   `ENHANCE_YOUR_CALM` is compared all the same, because clients slow down when they see it
//! - everything on a stream after the client has reset it
//! - frames of the server for streams that the probe has not opened

use crate::http2::Field;

/// Metadata that is not compared.
const METADATA: [&[u8]; 2] = [
    // The time of day.
    b"date",
    // Which compressions a server can read; a client that compresses gets an error if it cannot.
    b"grpc-accept-encoding",
];

const NO_ERROR: u32 = 0;
const ENHANCE_YOUR_CALM: u32 = 11;

/// Whether the metadata `name` is compared, in its own place or under its own name.
pub(crate) fn is_compared((name, value): &Field) -> bool {
    let is_empty_message = name == b"grpc-message" && value.is_empty();
    !is_empty_message && !METADATA.contains(&&name[..])
}

/// Whether the code of a GOAWAY is compared when the connection is closed right after it.
pub(crate) fn is_reason(code: u32) -> bool {
    matches!(code, NO_ERROR | ENHANCE_YOUR_CALM)
}

/// The debug data of a GOAWAY, where clients read it.
pub(crate) fn debug_data(code: u32, data: &[u8]) -> Option<&[u8]> {
    (code == ENHANCE_YOUR_CALM && !data.is_empty()).then_some(data)
}
