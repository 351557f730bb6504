//! Keeps a bounded number of the events of a trial, which several threads record.
//!
//! The first and the last events are kept. Header blocks in between are decoded when they are dropped,
//! because later blocks depend on them.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};

use crate::capture::recorder::event::{RecordedEvent, RecordedKind};
use crate::capture::recorder::header_blocks::HeaderBlocks;
use crate::capture::recorder::statistics::WireStats;
use crate::capture::trace::{EventKind, Sender};

/// How many events are kept from the start of a trial.
const FIRST: usize = 400;

/// How many events are kept from its end.
const LAST: usize = 200;

/// Records the events of a trial; clones share the recording.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Recording>>);

/// What was recorded.
#[derive(Default)]
pub(crate) struct Recording {
    pub(crate) notes: Vec<String>,
    pub(crate) events: RingBuffer,
    statistics: Option<WireStats>,
    /// Whether each connection was closed or reset by one of its sides.
    is_closed: Vec<bool>,
    ignores_ends: bool,
}

/// The first and the last events.
#[derive(Default)]
pub(crate) struct RingBuffer {
    pub(crate) first: Vec<RecordedEvent>,
    pub(crate) last: VecDeque<RecordedEvent>,
    /// How many events in between were dropped.
    pub(crate) dropped: usize,
    /// The decoders of header blocks as they are after the dropped events.
    pub(crate) header_blocks: HeaderBlocks,
}

impl Recorder {
    /// A recorder for a trial whose connections cannot be recorded, and the reason.
    pub(crate) fn unavailable(reason: &str) -> Self {
        let recorder = Self::default();
        recorder.note(reason);
        recorder
    }

    /// Notes why some of the trial's connections cannot be recorded.
    pub(crate) fn note(&self, reason: &str) {
        self.lock().notes.push(reason.to_owned());
    }

    /// Computes statistics from now on, which takes longer than recording alone.
    pub(crate) fn enable_statistics(&self) {
        self.lock().statistics = Some(WireStats::default());
    }

    /// Returns the statistics so far and stops computing them.
    pub(crate) fn take_statistics(&self) -> WireStats {
        self.lock().statistics.take().unwrap_or_default()
    }

    /// Stops recording how connections end, because from now on it is the tool that ends them.
    pub(crate) fn ignore_ends(&self) {
        self.lock().ignores_ends = true;
    }

    /// Records that a client was refused: it connected, but the server behind the tap could not be
    /// reached.
    pub(crate) fn refuse_connection(&self) {
        let mut recording = self.lock();
        let connection = recording.open_connection();
        recording.end(connection, Sender::Server, EventKind::Reset);
    }

    /// Takes what was recorded, which ends the recording.
    pub(crate) fn take(&self) -> Recording {
        mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Recording> {
        self.0.lock()
    }

    /// Records that a client has opened a connection; returns its number.
    pub(super) fn open_connection(&self) -> usize {
        let mut recording = self.lock();
        let connection = recording.open_connection();
        if let Some(statistics) = &mut recording.statistics {
            statistics.open_connection(connection);
        }
        connection
    }

    pub(super) fn add(&self, connection: usize, sender: Sender, kind: RecordedKind) {
        let mut recording = self.lock();
        if let (Some(statistics), RecordedKind::Frame(frame)) = (&mut recording.statistics, &kind) {
            statistics.add_frame(connection, sender, frame);
        }
        recording.add(connection, sender, kind);
    }

    /// Records the end of a connection or of one direction of it.
    pub(super) fn end(&self, connection: usize, sender: Sender, kind: EventKind) {
        let mut recording = self.lock();
        if let Some(statistics) = &mut recording.statistics {
            statistics.end_connection(connection, sender);
        }
        recording.end(connection, sender, kind);
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recording {
    fn open_connection(&mut self) -> usize {
        self.is_closed.push(false);
        let connection = self.is_closed.len();
        self.add(connection, Sender::Client, RecordedKind::Other(EventKind::Opened));
        connection
    }

    /// Adds an end unless it only follows from another: once one side has closed a connection, what
    /// the other side does is a reaction.
    fn end(&mut self, connection: usize, sender: Sender, kind: EventKind) {
        let Some(is_closed) = self.is_closed.get_mut(connection - 1) else { return };
        let ends_both = !matches!(kind, EventKind::HalfClosed);
        let was_closed = mem::replace(is_closed, *is_closed || ends_both);
        if !was_closed && !self.ignores_ends {
            self.add(connection, sender, RecordedKind::Other(kind));
        }
    }

    fn add(&mut self, connection: usize, sender: Sender, kind: RecordedKind) {
        self.events.push(RecordedEvent { time: Instant::now(), connection, sender, kind });
    }
}

impl RingBuffer {
    fn push(&mut self, event: RecordedEvent) {
        if self.first.len() < FIRST {
            self.first.push(event);
            return;
        }
        self.last.push_back(event);
        if self.last.len() > LAST
            && let Some(event) = self.last.pop_front()
        {
            if self.dropped == 0 {
                for event in &self.first {
                    self.header_blocks.decode(event);
                }
            }
            self.dropped += 1;
            self.header_blocks.decode(&event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::recorder::event::RecordedFrame;
    use crate::http2::frame::{FrameHeader, kind};

    fn frame(connection: usize, kind: u8, stream: u32, length: usize) -> RecordedEvent {
        let header = FrameHeader { length, kind, flags: 0, stream };
        let mut frame = RecordedFrame::new(&header.encode());
        frame.payload.extend(&vec![0; length], length);
        let kind = RecordedKind::Frame(frame);
        RecordedEvent { time: Instant::now(), connection, sender: Sender::Server, kind }
    }

    fn streams<'a>(events: impl IntoIterator<Item = &'a RecordedEvent>) -> Vec<u32> {
        let stream = |event: &RecordedEvent| match &event.kind {
            RecordedKind::Frame(frame) => frame.header().stream,
            RecordedKind::Other(kind) => panic!("a frame and not {kind:?}"),
        };
        events.into_iter().map(stream).collect()
    }

    #[test]
    fn the_first_and_the_last_events_are_kept() {
        let mut events = RingBuffer::default();
        (0..1000).for_each(|stream| events.push(frame(1, kind::DATA, stream, 0)));
        assert_eq!(streams(&events.first), (0..400).collect::<Vec<_>>());
        assert_eq!(streams(&events.last), (800..1000).collect::<Vec<_>>());
        assert_eq!(events.dropped, 400);
    }
}
