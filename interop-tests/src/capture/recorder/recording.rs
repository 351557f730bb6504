//! Keeps a bounded number of the events of a trial, which several threads record: the first and the last.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;
use std::{fmt, mem};

use parking_lot::Mutex;

use crate::capture::recorder::statistics::WireStats;
use crate::capture::trace::{Event, EventKind, LeftOut, Trace};
use crate::http2::Role;

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
    first: Vec<Event>,
    last: VecDeque<Event>,
    /// How many events between `first` and `last` were dropped.
    dropped: usize,
    statistics: Option<WireStats>,
    /// How many connections there have been.
    connections: usize,
    /// The connections that one side closed or reset.
    closed: BTreeSet<usize>,
    ignores_ends: bool,
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
        recording.add(connection, Role::Client, EventKind::Opened);
        connection
    }

    /// Updates the statistics, if they are computed.
    pub(super) fn count(&self, update: impl FnOnce(&mut WireStats)) {
        self.0.lock().statistics.as_mut().map(update);
    }

    pub(super) fn add(&self, connection: usize, from: Role, what: EventKind) {
        self.0.lock().add(connection, from, what);
    }

    /// Takes what was recorded, which ends the recording.
    pub(crate) fn take(&self) -> Trace {
        let Recording { mut notes, first, last, dropped, .. } = mem::take(&mut *self.0.lock());
        let left_out = LeftOut { after: first.len(), events: dropped };
        let events: Vec<_> = first.into_iter().chain(last).collect();
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
    fn add(&mut self, connection: usize, from: Role, what: EventKind) {
        if matches!(what, EventKind::HalfClosed | EventKind::Reset | EventKind::Closed) {
            // Once one side has closed a connection, what the other side does is only a reaction.
            let is_reaction = self.closed.contains(&connection);
            if !matches!(what, EventKind::HalfClosed) {
                self.closed.insert(connection);
            }
            if is_reaction || self.ignores_ends {
                return;
            }
        }
        let ms = self.start.get_or_insert_with(Instant::now).elapsed().as_secs_f64() * 1000.0;
        let event = Event { ms, connection, from, what };
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
}
