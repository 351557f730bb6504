//! Frames as a table writes them: of any type, and SETTINGS.
//!
//! Whatever has no action of its own can be said with a frame of any type.

use serde::Deserialize;

use crate::http2::frame::{Frame, kind};
use crate::http2::text::Hex;

/// A frame that is sent as it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AnyFrame {
    pub(crate) r#type: u8,
    #[serde(default)]
    pub(crate) flags: u8,
    /// Without it, the stream that the script is at.
    pub(crate) stream: Option<u32>,
    #[serde(default = "nothing")]
    pub(crate) payload: Hex,
    /// The payload is filled up with zeros to this many bytes.
    pub(crate) size: Option<usize>,
}

fn nothing() -> Hex {
    Hex(Vec::new())
}

impl AnyFrame {
    /// The frame, for a script that is at `stream`.
    pub(crate) fn frame(&self, stream: u32) -> Frame {
        let mut payload = self.payload.0.clone();
        payload.resize(self.size.unwrap_or(payload.len()), 0);
        Frame::new(self.r#type, self.flags, self.stream.unwrap_or(stream), payload)
    }
}

/// SETTINGS with these identifiers and values.
pub(crate) fn settings(settings: &[(u16, u32)]) -> Frame {
    let context = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    let payload: Vec<u8> = settings.iter().flat_map(context).collect();
    Frame::new(kind::SETTINGS, 0, 0, payload)
}

/// GOAWAY with this last stream, code and debug data.
pub(crate) fn goaway(last_stream: u32, code: u32, debug: &[u8]) -> Frame {
    let payload = [&last_stream.to_be_bytes()[..], &code.to_be_bytes(), debug].concat();
    Frame::new(kind::GOAWAY, 0, 0, payload)
}
