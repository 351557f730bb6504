//! The bytes that are to be sent.

use super::header_blocks::HeaderBlocks;
use grpc_interop::http2::frame::{FrameHeader, PREFACE, flag, kind};

/// The largest window that there is, so that no answer ever waits for this client.
const WINDOW: u32 = i32::MAX.unsigned_abs();

/// How many bytes may come before the server is told that it may send as many again.
const REPLENISH: usize = 1 << 20;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    written: usize,
    received: usize,
}

impl Output {
    /// What a client says first.
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

    /// Lets the server send as many bytes again, now or when there are more of them.
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

    /// So many of the bytes have been sent.
    pub(super) fn written(&mut self, written: usize) {
        self.written += written;
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
        }
    }
}
