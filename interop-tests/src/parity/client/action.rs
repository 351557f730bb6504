//! The actions of a behaviour, as its table names them.
//!
//! A server has more ways to end than a client, so most of them are about endings.

use serde::Deserialize;

use crate::http2::any_frame::AnyFrame;
use crate::http2::header_block::Field;
use crate::http2::text::{Hex, Text};

/// One thing that happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Action {
    /// The server's SETTINGS, or what the behaviour says instead; once on each connection.
    Preface,
    /// Waits for a request that has not been answered, to its end.
    Request,
    /// Waits for its HEADERS only.
    RequestHeaders,
    /// HEADERS of the response, with the trailers in it if the behaviour says so.
    Headers,
    /// What is left of the body.
    Body,
    /// The body up to this byte.
    BodyTo(usize),
    /// HEADERS with the trailers.
    Trailers,
    /// HEADERS with these fields.
    Block(Block),
    /// An empty DATA frame with END_STREAM.
    End,
    /// RST_STREAM with this code.
    Reset(u32),
    Goaway(Goaway),
    /// So many PINGs.
    Ping(usize),
    /// Waits until all PINGs of this connection have been acknowledged.
    PingsAcknowledged,
    /// SETTINGS, as identifiers and values.
    Settings(Vec<(u16, u32)>),
    /// WINDOW_UPDATE for the connection and the stream.
    WindowUpdate(u32),
    /// Any frame.
    Frame(AnyFrame),
    /// Bytes that need not be a frame.
    Raw(Hex),
    /// Waits so many milliseconds.
    WaitMs(u64),
    /// Closes the connection in order: all that was sent arrives.
    Close,
    /// Resets the connection.
    Abort,
    /// Nothing more, not even an acknowledgement, until the client goes away.
    Silence,
}

/// GOAWAY.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Goaway {
    pub(crate) code: u32,
    /// Without it, the stream of the request that has come last.
    pub(crate) last_stream: Option<u32>,
    #[serde(default)]
    pub(crate) debug: Text,
}

/// A header block of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Block {
    fields: Vec<(Text, Text)>,
    #[serde(default)]
    pub(crate) end_stream: bool,
}

impl Block {
    pub(crate) fn fields(&self) -> Vec<Field> {
        self.fields.iter().map(|(name, value)| (name.0.clone(), value.0.clone())).collect()
    }
}
