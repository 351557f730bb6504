//! The parts of a response that are not compared. Differences are ignored nowhere else.
//!
//! A server may differ in these parts and still be a drop-in replacement, because no client uses them or because
//! they depend on timing:
//!
//! - some metadata: see `METADATA`
//! - an empty `grpc-message`, which means the same as a missing one
//! - the order of metadata with different names; HPACK indexes and Huffman coding; unnecessary percent-encoding in
//!   `grpc-message`
//! - SETTINGS, PING and WINDOW_UPDATE; how a response is divided into DATA and CONTINUATION frames
//! - RST_STREAM after the response to a complete request: the stream is closed for the client, so it ignores the
//!   frame
//! - the last stream of GOAWAY, and its debug data unless the code is `ENHANCE_YOUR_CALM`: clients read the data
//!   (`too_many_pings`) only with this code
//! - how the connection ends after the client has announced its end with GOAWAY or a half-close, unless it ends with
//!   an error: then only the calls in flight matter
//! - whether a connection that the server closes was reset, and whether a GOAWAY with an error came before. Both
//!   depend on how much the server had read, since a reset can overtake the frame. `ENHANCE_YOUR_CALM` is compared
//!   nevertheless, because it makes clients reduce their keepalive rate
//! - everything on a stream after the client has reset it
//! - frames of the server on streams that the probe has not opened

use crate::http2::Field;

/// Metadata that is not compared.
const METADATA: [&[u8]; 2] = [
    // The current time.
    b"date",
    // The compressions that a server accepts. With any other, a client gets an error, which is compared.
    b"grpc-accept-encoding",
];

const NO_ERROR: u32 = 0;
const ENHANCE_YOUR_CALM: u32 = 11;

/// Whether this metadata entry is compared.
pub(crate) fn is_compared((name, value): &Field) -> bool {
    let is_empty_message = name == b"grpc-message" && value.is_empty();
    !is_empty_message && !METADATA.contains(&&name[..])
}

/// Whether the error code of a GOAWAY is compared if the connection is closed right after it.
pub(crate) fn is_reason(code: u32) -> bool {
    matches!(code, NO_ERROR | ENHANCE_YOUR_CALM)
}

/// The debug data of a GOAWAY, if clients read it.
pub(crate) fn debug_data(code: u32, data: &[u8]) -> Option<&[u8]> {
    (code == ENHANCE_YOUR_CALM && !data.is_empty()).then_some(data)
}
