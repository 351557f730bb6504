//! The header list of a probe: a legal request with changes.
//!
//! `:authority` is the same for every server, whatever its port: servers count its bytes when they
//! say how large the metadata was.

use crate::http2::header_block::Field;
use crate::http2::header_list::{Change, Legal, changed};

/// What a gRPC client sends at least.
pub(crate) const LEGAL: &Legal = &[
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/Calculator/SquareRoot"),
    (":authority", "localhost:50051"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
];

/// The header list of a legal request with `changes`.
pub(crate) fn headers(changes: &[Change]) -> Vec<Field> {
    changed(LEGAL, changes)
}

/// Trailers with what `changes` add.
pub(crate) fn trailers(changes: &[Change]) -> Vec<Field> {
    changed(&[], changes)
}
