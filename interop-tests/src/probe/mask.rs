//! The parts of a response that are not compared. Only the `[[ignore]]` entries of a peers file can add metadata to them.
//!
//! A server may differ in these parts and still be a drop-in replacement, because no client can use the difference, or
//! because they depend on timing, also in grpcio itself:
//!
//! - the metadata `date`, which is the current time. grpcio does not send it; a proxy may add it
//! - an empty `grpc-message`. The specification makes the field optional, and every client reports a missing one as an
//!   empty message
//! - the order of metadata with different names. HTTP gives it no meaning, and gRPC's APIs return a map
//! - HPACK indexes and Huffman coding: an encoder may choose, and a decoder does not report the choice
//! - SETTINGS, PING and WINDOW_UPDATE, and how a response is divided into DATA and CONTINUATION frames. They are between
//!   the two HTTP/2 libraries. Where a choice affects calls, probes with small windows and many streams show it
//! - RST_STREAM after the response to a complete request: the stream is closed for the client, so it ignores the
//!   frame
//! - the last stream of GOAWAY, which depends on how much the server had read. Its debug data unless the code is
//!   `ENHANCE_YOUR_CALM`: clients read the data (`too_many_pings`) only with this code
//! - how the connection ends after the client has announced its end with GOAWAY or a half-close, unless it ends with
//!   an error: then only the calls in flight matter
//! - whether a connection that the server closes was reset, and whether a GOAWAY with an error came before. Both
//!   depend on how much the server had read, since a reset can overtake the frame. `ENHANCE_YOUR_CALM` is compared
//!   nevertheless, because it makes clients reduce their keepalive rate
//! - everything on a stream after the client has reset it, because the client has forgotten the stream
//! - frames of the server on streams that the probe has not opened. gRPC has no server push, and a client resets it

use crate::http2::Field;

/// Metadata that is not compared: the current time.
const METADATA: [&[u8]; 1] = [b"date"];

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
