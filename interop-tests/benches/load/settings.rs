//! The limits in the server's SETTINGS.

use grpc_interop::http2::frame::{self, setting};

/// The limits in the server's SETTINGS (RFC 9113, section 6.5.2).
#[derive(Debug)]
pub(super) struct Settings {
    have_come: bool,
    initial_window: u32,
    max_frame: u32,
    max_streams: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            have_come: false,
            initial_window: Self::WINDOW,
            max_frame: 16_384,
            max_streams: u32::MAX,
        }
    }
}

impl Settings {
    /// The initial window of a connection, and of streams before SETTINGS arrive, in bytes.
    pub(super) const WINDOW: u32 = 65_535;

    /// Applies the payload of a SETTINGS frame; returns the change of the window of each stream.
    pub(super) fn take(&mut self, payload: &[u8]) -> i64 {
        self.have_come = true;
        let before = self.initial_window();
        for (id, value) in frame::settings(payload) {
            match id {
                setting::MAX_CONCURRENT_STREAMS => self.max_streams = value,
                setting::INITIAL_WINDOW_SIZE => self.initial_window = value,
                setting::MAX_FRAME_SIZE => self.max_frame = value,
                _ => {}
            }
        }
        self.initial_window() - before
    }

    /// Whether SETTINGS have been received.
    pub(super) fn have_come(&self) -> bool {
        self.have_come
    }

    pub(super) fn initial_window(&self) -> i64 {
        self.initial_window.into()
    }

    pub(super) fn max_frame(&self) -> i64 {
        self.max_frame.into()
    }

    pub(super) fn max_streams(&self) -> usize {
        usize::try_from(self.max_streams).unwrap_or(usize::MAX)
    }
}
