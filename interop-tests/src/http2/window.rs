//! Flow control: how many bytes of DATA the other side still takes.
//!
//! Kept as signed numbers: a SETTINGS frame may make the window of an open stream negative.

use std::collections::BTreeMap;

use crate::http2::frame::{Frame, setting, settings};

/// The windows of a connection and its streams, in the direction of the other side.
#[derive(Debug)]
pub(crate) struct Windows {
    connection: i64,
    initial: i64,
    /// What was added to and taken from each stream's initial window.
    streams: BTreeMap<u32, i64>,
}

/// What both sides start with.
const INITIAL: i64 = 65_535;

impl Windows {
    pub(crate) fn new() -> Self {
        Self { connection: INITIAL, initial: INITIAL, streams: BTreeMap::new() }
    }

    /// How much may be sent on `stream` now.
    pub(crate) fn room(&self, stream: u32) -> usize {
        let window = self.initial + self.streams.get(&stream).copied().unwrap_or_default();
        usize::try_from(window.min(self.connection)).unwrap_or(0)
    }

    pub(crate) fn take(&mut self, stream: u32, size: usize) {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        self.connection -= size;
        *self.streams.entry(stream).or_default() -= size;
    }

    /// A WINDOW_UPDATE; stream 0 is the connection.
    pub(crate) fn give(&mut self, stream: u32, size: u32) {
        if stream == 0 {
            self.connection += i64::from(size);
        } else {
            *self.streams.entry(stream).or_default() += i64::from(size);
        }
    }

    /// Applies a SETTINGS frame; a new initial size changes the windows of open streams too.
    pub(crate) fn take_settings(&mut self, frame: &Frame) {
        for (id, value) in settings(&frame.payload) {
            if id == setting::INITIAL_WINDOW_SIZE {
                self.initial = i64::from(value);
            }
        }
    }
}
