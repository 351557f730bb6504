//! Keeps a bounded number of the events of a trial, which several threads record: the first and the last.
//!
//! Frames are dissected only when the trace is taken, because the traces of most trials are never read.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;
use std::{fmt, mem};

use parking_lot::Mutex;

use crate::capture::dissection::frame::IncomingFrame;
use crate::capture::recorder::statistics::WireStats;
use crate::capture::trace::{Bytes, Event, EventKind, KEPT, LeftOut, Trace};
use crate::http2::{Field, Role};

/// How many events are kept from the start of a trial.
const FIRST: usize = 400;

/// How many events are kept from its end.
const LAST: usize = 200;

const ENCRYPTED: &str = "the connection is encrypted, and only client and server have the keys, so the \
                         trace shows only the TLS records";

/// Records the events of a trial; clones share the recording.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Recording>>);

/// What was recorded.
#[derive(Default)]
struct Recording {
    notes: Vec<String>,
    /// When the first event was recorded.
    start: Option<Instant>,
    first: Vec<RecordedEvent>,
    last: VecDeque<RecordedEvent>,
    /// How many events between `first` and `last` were dropped.
    dropped: usize,
    statistics: Option<WireStats>,
    /// How many connections there have been.
    connections: usize,
    /// The connections that one side closed or reset.
    closed: BTreeSet<usize>,
    ignores_ends: bool,
}

/// An event that was recorded.
struct RecordedEvent {
    ms: f64,
    connection: usize,
    from: Role,
    what: Recorded,
}

/// What happened.
pub(super) enum Recorded {
    Event(EventKind),
    /// A frame, and the fields of the header block that ends with it.
    Frame(IncomingFrame, Option<Result<Vec<Field>, String>>),
}

impl From<EventKind> for Recorded {
    fn from(event: EventKind) -> Self {
        Self::Event(event)
    }
}

impl RecordedEvent {
    fn dissect(self) -> Event {
        let Self { ms, connection, from, what } = self;
        let what = match what {
            Recorded::Event(event) => event,
            Recorded::Frame(frame, block) => frame.dissect(block),
        };
        Event { ms, connection, from, what }
    }
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
        self.0.lock().notes.push(reason.to_owned());
    }

    /// Computes statistics from now on.
    pub(crate) fn enable_statistics(&self) {
        self.0.lock().statistics = Some(WireStats::default());
    }

    /// Returns the statistics so far and stops computing them.
    pub(crate) fn take_statistics(&self) -> WireStats {
        self.0.lock().statistics.take().unwrap_or_default()
    }

    /// Stops recording how connections end, because from now on the tool ends them.
    pub(crate) fn ignore_ends(&self) {
        self.0.lock().ignores_ends = true;
    }

    /// Records that a client was refused: it connected, but the server behind the tap could not be
    /// reached.
    pub(crate) fn refuse_connection(&self) {
        let connection = self.open_connection();
        self.add(connection, Role::Server, EventKind::Reset);
    }

    /// Records that a client has opened a connection; returns its number, from 1 on.
    pub(super) fn open_connection(&self) -> usize {
        let mut recording = self.0.lock();
        recording.connections += 1;
        let connection = recording.connections;
        recording.add(connection, Role::Client, EventKind::Opened.into());
        connection
    }

    /// Updates the statistics, if they are computed.
    pub(super) fn count(&self, update: impl FnOnce(&mut WireStats)) {
        self.0.lock().statistics.as_mut().map(update);
    }

    pub(super) fn add(&self, connection: usize, from: Role, what: impl Into<Recorded>) {
        self.0.lock().add(connection, from, what.into());
    }

    /// Takes what was recorded, which ends the recording.
    pub(crate) fn take(&self) -> Trace {
        let Recording { mut notes, first, last, dropped, .. } = mem::take(&mut *self.0.lock());
        let left_out = LeftOut { after: first.len(), events: dropped };
        let events: Vec<_> = first.into_iter().chain(last).map(RecordedEvent::dissect).collect();
        if events.iter().any(|event| matches!(event.what, EventKind::TlsRecord(_))) {
            notes.push(ENCRYPTED.to_owned());
        }
        if notes.is_empty() && events.is_empty() {
            notes.push("no client connected".to_owned());
        }
        Trace { notes, events, left_out: (dropped > 0).then_some(left_out) }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recording {
    fn add(&mut self, connection: usize, from: Role, what: Recorded) {
        use EventKind::{Closed, HalfClosed, Reset};
        if let Recorded::Event(end @ (HalfClosed | Reset | Closed)) = &what {
            // Once one side has closed a connection, what the other side does is only a reaction.
            let is_reaction = self.closed.contains(&connection);
            if !matches!(end, HalfClosed) {
                self.closed.insert(connection);
            }
            if is_reaction || self.ignores_ends {
                return;
            }
        }
        // Otherwise each small read would be an event, of which only the first and the last are kept.
        if let Recorded::Event(EventKind::Bytes(more)) = &what
            && let Some(before) = self.bytes_before(connection, from)
        {
            return before.append(more, KEPT);
        }
        let ms = self.start.get_or_insert_with(Instant::now).elapsed().as_secs_f64() * 1000.0;
        let event = RecordedEvent { ms, connection, from, what };
        if self.first.len() < FIRST {
            self.first.push(event);
            return;
        }
        self.last.push_back(event);
        if self.last.len() > LAST {
            self.last.pop_front();
            self.dropped += 1;
        }
    }

    /// The bytes of the last event, if they are of the same direction.
    fn bytes_before(&mut self, connection: usize, from: Role) -> Option<&mut Bytes> {
        let last = self.last.back_mut().or(self.first.last_mut())?;
        match &mut last.what {
            Recorded::Event(EventKind::Bytes(bytes))
                if (last.connection, last.from) == (connection, from) =>
            {
                Some(bytes)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_events_are_kept() {
        let recorder = Recorder::default();
        (0..1000).for_each(|_| {
            recorder.open_connection();
        });
        let Trace { events, left_out, .. } = recorder.take();
        let connections: Vec<_> = events.iter().map(|event| event.connection).collect();
        assert_eq!(connections, (1..=400).chain(801..=1000).collect::<Vec<_>>());
        assert_eq!(left_out.map(|left_out| (left_out.after, left_out.events)), Some((400, 400)));
    }

    #[test]
    fn bytes_of_one_direction_are_one_event() {
        let recorder = Recorder::default();
        let add = |from, bytes: &[u8]| {
            recorder.add(1, from, EventKind::Bytes(Bytes::new(bytes, KEPT)));
        };
        add(Role::Client, b"GET");
        add(Role::Client, b" /");
        add(Role::Server, &[b'a'; KEPT + 1]);
        add(Role::Server, b"b");
        add(Role::Client, b"end");
        let lengths: Vec<_> = recorder
            .take()
            .events
            .into_iter()
            .map(|event| match event.what {
                EventKind::Bytes(bytes) => (bytes.length, bytes.kept.len(), bytes.left_out),
                _ => (0, 0, 0),
            })
            .collect();
        assert_eq!(lengths, [(5, 5, 0), (KEPT + 2, KEPT, 2), (3, 3, 0)]);
    }
}
