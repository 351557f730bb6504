//! The actions of a script, with their names in tables.
//!
//! Each action is small, so that a case reads like the frames that it sends. Most actions are for both sides. `frame`
//! and `raw` send everything that has no action of its own.

use serde::{Deserialize, Serialize};

use crate::http2::endpoint::Role;
use crate::http2::frame::{Frame, flag, kind};
use crate::http2::header_block::Field;
use crate::http2::value::{Hex, Text};

/// One action.
#[derive(Clone, Debug, Deserialize, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Action {
    /// Sends the start of a connection, once per connection. A client sends it automatically.
    Preface,
    /// Sends HEADERS of the message.
    Headers,
    /// Sends the rest of the body.
    Body,
    /// Sends the body up to this byte.
    BodyTo(usize),
    /// Sends HEADERS with the trailers.
    Trailers,
    /// Sends HEADERS with these fields.
    Block(Fields),
    /// Sends an empty DATA frame with END_STREAM.
    End,
    /// Sends RST_STREAM with this error code.
    Reset(u32),
    /// Sends GOAWAY.
    Goaway(Goaway),
    /// Sends this number of PINGs.
    Ping(usize),
    /// Sends SETTINGS with these identifiers and values.
    Settings(Vec<(u16, u32)>),
    /// Sends WINDOW_UPDATE for the connection and the stream.
    WindowUpdate(u32),
    /// Sends any frame.
    Frame(AnyFrame),
    /// Sends bytes that need not be a frame.
    Raw(Hex),
    /// A server waits for the next complete request.
    Request,
    /// A server waits for the HEADERS of the next request.
    RequestHeaders,
    /// A client waits until the response is complete or the server has been idle for a while.
    Answer,
    /// Waits until all PINGs of this connection have been acknowledged.
    PingsAcknowledged,
    /// Waits for this number of milliseconds.
    WaitMs(u64),
    /// A client continues on a new stream.
    NextStream,
    /// Half-closes the connection.
    HalfClose,
    /// Closes the connection gracefully: all sent data arrives.
    Close,
    /// Resets the connection.
    Abort,
    /// Sends nothing more, not even acknowledgements, until the peer ends the connection.
    Silence,
}

/// A GOAWAY frame.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Goaway {
    pub(crate) code: u32,
    /// The last stream. The default is the stream of the last request for a server, and 0 for a client.
    pub(crate) last_stream: Option<u32>,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub(crate) debug: Text,
}

/// The fields of a header block.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Fields {
    pub(crate) fields: Vec<(Text, Text)>,
    #[serde(default)]
    pub(crate) end_stream: bool,
}

/// A frame of any type.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AnyFrame {
    pub(crate) r#type: u8,
    #[serde(default)]
    pub(crate) flags: u8,
    /// The stream. The default is the current stream of the script.
    pub(crate) stream: Option<u32>,
    #[serde(default)]
    pub(crate) payload: Hex,
    /// Pads the payload to this number of bytes.
    pub(crate) size: Option<usize>,
    /// The byte of the padding.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) fill: u8,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(byte: &u8) -> bool {
    *byte == 0
}

impl Fields {
    /// The header list.
    pub(crate) fn list(&self) -> Vec<Field> {
        self.fields.iter().map(|(name, value)| (name.0.clone(), value.0.clone())).collect()
    }
}

impl Action {
    /// The frames of an action that needs neither the message nor the state of the connection. Other actions have none.
    pub(crate) fn frames(&self, role: Role, stream: u32) -> Vec<Frame> {
        match self {
            Self::End => vec![Frame::new(kind::DATA, flag::END_STREAM, stream, [])],
            Self::Reset(code) => vec![Frame::rst_stream(stream, *code)],
            Self::Goaway(Goaway { code, last_stream, debug }) => {
                let default = if role == Role::Client { 0 } else { stream };
                vec![Frame::goaway(last_stream.unwrap_or(default), *code, &debug.0)]
            }
            Self::Ping(times) => vec![Frame::new(kind::PING, 0, 0, *b"parity!!"); *times],
            Self::Settings(settings) => vec![Frame::settings(settings)],
            Self::WindowUpdate(size) => {
                [0, stream].map(|stream| Frame::window_update(stream, *size)).into()
            }
            Self::Frame(any) => vec![any.frame(stream)],
            _ => Vec::new(),
        }
    }

    /// Whether it waits for something, or ends the connection.
    pub(crate) fn waits(&self) -> bool {
        matches!(
            self,
            Self::Answer
                | Self::PingsAcknowledged
                | Self::WaitMs(_)
                | Self::HalfClose
                | Self::Trailers
        )
    }

    /// Checks that an endpoint in this role can run the action.
    pub(crate) fn check(&self, role: Role) -> Result<(), String> {
        let owner = match self {
            Self::Answer | Self::NextStream | Self::HalfClose => Role::Client,
            Self::Preface
            | Self::Request
            | Self::RequestHeaders
            | Self::Close
            | Self::Abort
            | Self::Silence => Role::Server,
            _ => role,
        };
        if owner == role {
            return Ok(());
        }
        let name: &str = self.into();
        Err(format!("`{name}` is an action of a {owner}, so it cannot be used here"))
    }
}

impl AnyFrame {
    /// The frame in a script whose current stream is `stream`.
    pub(crate) fn frame(&self, stream: u32) -> Frame {
        let mut payload = self.payload.0.clone();
        payload.resize(self.size.unwrap_or(payload.len()), self.fill);
        Frame::new(self.r#type, self.flags, self.stream.unwrap_or(stream), payload)
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, AnyFrame};

    fn action(text: &str) -> Action {
        #[derive(serde::Deserialize)]
        struct Table {
            action: Action,
        }
        toml::from_str::<Table>(&format!("action = {text}")).expect("the action is invalid").action
    }

    #[test]
    fn a_frame_is_sent_on_the_current_stream_and_filled_up() {
        let Action::Frame(frame) = action("{ frame = { type = 8, payload = '00 01', size = 4 } }")
        else {
            panic!("a frame")
        };
        let sent = frame.frame(5);
        assert_eq!((sent.kind, sent.flags, sent.stream), (8, 0, 5));
        assert_eq!(sent.payload, [0, 1, 0, 0]);
        let elsewhere = AnyFrame { stream: Some(0), size: None, ..frame };
        assert_eq!((elsewhere.frame(5).stream, elsewhere.frame(5).payload), (0, vec![0, 1]));
    }

    #[test]
    fn a_goaway_needs_only_a_code() {
        let Action::Goaway(goaway) = action("{ goaway = { code = 2 } }") else { panic!("GOAWAY") };
        assert_eq!((goaway.code, goaway.last_stream, goaway.debug.0.len()), (2, None, 0));
    }
}
