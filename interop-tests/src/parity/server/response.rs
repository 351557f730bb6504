//! What has come back on one stream.
//!
//! Kept raw until the probe is over: what a header block means, initial or trailing metadata,
//! depends on whether another one follows.

use crate::http2::header_block::Field;

/// The frames of one stream, put together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// Header blocks in their order.
    pub(crate) blocks: Vec<Vec<Field>>,
    pub(crate) data: Vec<u8>,
    pub(crate) end_stream: bool,
    /// The code of RST_STREAM.
    pub(crate) reset: Option<u32>,
    /// Whether the request has been sent to its end.
    pub(crate) request_ended: bool,
    /// Whether the client has reset the stream: from then on it looks at nothing.
    pub(crate) cancelled: bool,
    /// What was wrong with the server's frames.
    pub(crate) malformed: Option<String>,
}

impl Answer {
    /// Whether a client knows how its call has ended.
    pub(crate) fn is_complete(&self) -> bool {
        self.end_stream || self.reset.is_some() || self.cancelled
    }

    /// Whether nothing can come any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.reset.is_some() || self.cancelled || (self.end_stream && self.request_ended)
    }
}
