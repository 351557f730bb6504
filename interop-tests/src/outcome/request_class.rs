//! Classes of requests, by which a known deviation excuses requests that have no name.
//!
//! Which requests belong to a class is decided where requests are made; deviations only name it.

use serde::Deserialize;

/// A class of requests to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Class {
    /// Malformed requests: pseudo-header fields, fields of a connection, `te` and `content-length`
    /// other than HTTP/2 allows (sections 8.1.1 to 8.3.1).
    Malformed,
    /// Field names and values with characters that no field may have (section 8.2.1).
    IllegalCharacters,
    /// A fragment in the path, which never goes over the wire.
    Fragment,
    /// A header block in more than a few CONTINUATION frames, which is legal and an attack.
    ManyContinuations,
    /// A message in very many small DATA frames, which is legal and an attack.
    ManySmallFrames,
    /// Padding, which is legal; grpcio fails to read it.
    Padding,
    /// More than two PINGs without DATA in between.
    FastPings,
    /// The client closes its direction before its request is complete.
    EarlyHalfClose,
    /// Frames where HTTP/2 forbids them.
    ForbiddenFrames,
}
