//! The bytes to send on a connection.

use super::header_blocks::HeaderBlocks;
use grpc_interop::http2::frame::{FrameHeader, PREFACE, flag, kind};

/// The maximum window, so that no response ever waits for this client.
const WINDOW: u32 = i32::MAX.unsigned_abs();

/// After how many received bytes the window is replenished.
const REPLENISH: usize = 1 << 20;

/// A buffer of frames to send.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    written: usize,
    received: usize,
}

impl Output {
    /// The start of a connection: the preface, SETTINGS and WINDOW_UPDATE.
    pub(super) fn begin() -> Self {
        let mut output = Self { bytes: PREFACE.to_vec(), ..Self::default() };
        let settings = [[0, 2, 0, 0, 0, 0], [0, 4, 0x7f, 0xff, 0xff, 0xff]]; // no push; the window
        output.frame(kind::SETTINGS, 0, 0, &settings.concat());
        output.frame(kind::WINDOW_UPDATE, 0, 0, &(WINDOW - 65_535).to_be_bytes());
        output
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let header = FrameHeader { length: payload.len(), kind, flags, stream };
        self.bytes.extend_from_slice(&header.encode());
        self.bytes.extend_from_slice(payload);
    }

    pub(super) fn request_headers(&mut self, stream: u32, blocks: &mut HeaderBlocks) {
        self.frame(kind::HEADERS, flag::END_HEADERS, stream, blocks.request());
    }

    pub(super) fn data(&mut self, stream: u32, data: &[u8], ends: bool) {
        self.frame(kind::DATA, if ends { flag::END_STREAM } else { 0 }, stream, data);
    }

    pub(super) fn acknowledge_settings(&mut self) {
        self.frame(kind::SETTINGS, flag::ACK, 0, &[]);
    }

    pub(super) fn acknowledge_ping(&mut self, payload: &[u8]) {
        self.frame(kind::PING, flag::ACK, 0, payload);
    }

    /// Replenishes the window after this number of `received` bytes, immediately or together with later ones.
    pub(super) fn replenish(&mut self, received: usize) {
        self.received += received;
        if self.received >= REPLENISH {
            let increment = u32::try_from(self.received).unwrap_or(WINDOW);
            self.frame(kind::WINDOW_UPDATE, 0, 0, &increment.to_be_bytes());
            self.received = 0;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Removes this number of bytes, which have been `written`.
    pub(super) fn written(&mut self, written: usize) {
        self.written += written;
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
        }
    }
}
