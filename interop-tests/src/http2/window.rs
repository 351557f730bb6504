//! Flow-control windows: how many bytes of DATA the peer accepts.
//!
//! The numbers are signed: a SETTINGS frame may make the window of an open stream negative.

use std::collections::BTreeMap;

use crate::http2::frame::{Frame, setting, settings};

/// The windows of a connection and its streams, in the direction of the peer.
#[derive(Debug)]
pub(crate) struct Windows {
    connection: i64,
    initial: i64,
    /// The difference between each stream's window and the initial one.
    streams: BTreeMap<u32, i64>,
}

/// The initial size of all windows (RFC 9113, section 6.9.2).
const INITIAL: i64 = 65_535;

impl Windows {
    pub(crate) fn new() -> Self {
        Self { connection: INITIAL, initial: INITIAL, streams: BTreeMap::new() }
    }

    /// How many bytes may be sent on `stream` now.
    pub(crate) fn available(&self, stream: u32) -> usize {
        let window = self.initial + self.streams.get(&stream).copied().unwrap_or_default();
        usize::try_from(window.min(self.connection)).unwrap_or(0)
    }

    /// Consumes `size` bytes, the length of a DATA frame sent on `stream`.
    pub(crate) fn consume(&mut self, stream: u32, size: usize) {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        self.connection -= size;
        *self.streams.entry(stream).or_default() -= size;
    }

    /// Applies a WINDOW_UPDATE; stream 0 is the connection.
    pub(crate) fn update(&mut self, stream: u32, size: u32) {
        if stream == 0 {
            self.connection += i64::from(size);
        } else {
            *self.streams.entry(stream).or_default() += i64::from(size);
        }
    }

    /// Applies a SETTINGS frame; a new initial size changes the windows of open streams too.
    pub(crate) fn apply_settings(&mut self, frame: &Frame) {
        for (id, value) in settings(&frame.payload) {
            if id == setting::INITIAL_WINDOW_SIZE {
                self.initial = i64::from(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Windows;
    use crate::http2::frame::{Frame, kind};

    fn initial_window(size: u32) -> Frame {
        Frame::new(kind::SETTINGS, 0, 0, [&[0, 4][..], &size.to_be_bytes()].concat())
    }

    #[test]
    fn the_smaller_window_limits() {
        let mut windows = Windows::new();
        windows.consume(1, 65_000);
        assert_eq!((windows.available(1), windows.available(3)), (535, 535));
        windows.update(0, 1_000);
        assert_eq!((windows.available(1), windows.available(3)), (535, 1_535));
        windows.update(1, 2_000);
        assert_eq!(windows.available(1), 1_535);
    }

    #[test]
    fn settings_change_the_windows_of_open_streams_but_not_that_of_the_connection() {
        let mut windows = Windows::new();
        windows.consume(1, 100);
        windows.apply_settings(&initial_window(40));
        assert_eq!((windows.available(1), windows.available(3)), (0, 40));
        windows.update(1, 70);
        assert_eq!(windows.available(1), 10, "from a window of -60");
        windows.apply_settings(&initial_window(1 << 20));
        assert_eq!(windows.available(3), 65_435);
    }
}
