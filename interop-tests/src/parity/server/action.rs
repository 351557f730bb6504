//! The actions of a probe, as its table names them.
//!
//! Few and small, so that a probe is read like the frames it sends.

use serde::Deserialize;

use crate::http2::any_frame::AnyFrame;

/// One thing that happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    /// HEADERS, with CONTINUATION if the probe says so.
    Headers,
    /// What is left of the body, and the request's end.
    Body,
    /// The body up to this byte.
    BodyTo(usize),
    /// An empty DATA frame with END_STREAM.
    End,
    /// RST_STREAM with this code.
    Reset(u32),
    /// GOAWAY with this code. A client that has sent it makes no further call.
    Goaway(u32),
    /// So many PINGs.
    Ping(usize),
    /// SETTINGS, as identifiers and values.
    Settings(Vec<(u16, u32)>),
    /// Any frame.
    Frame(AnyFrame),
    /// Waits until the stream's answer is complete, or the server is silent.
    Answer,
    /// Waits so many milliseconds.
    WaitMs(u64),
    /// Goes on to a new stream.
    NextStream,
    /// Closes the connection in the direction of the server.
    HalfClose,
}
