//! The calls in flight on a connection, by stream.
//!
//! The streams of a client have increasing odd numbers, so the calls are stored in a queue that starts with the
//! oldest.

use std::collections::VecDeque;
use std::time::Instant;

/// A call in flight.
#[derive(Debug)]
pub(super) struct Call {
    /// The index of its exchange.
    pub(super) exchange: usize,
    pub(super) begun: Instant,
    /// The number of bytes of the request that have been sent.
    pub(super) sent: usize,
    /// The number of bytes of the response that have been received.
    pub(super) received: usize,
    /// The flow-control window of the stream, for sending.
    pub(super) window: i64,
    /// Whether the initial headers have been received.
    pub(super) is_answered: bool,
}

/// The calls in flight on a connection.
#[derive(Debug)]
pub(super) struct Calls {
    /// The calls from the oldest on. A call that has ended is `None` until all older ones have ended too.
    row: VecDeque<Option<Call>>,
    /// The stream of the first call.
    oldest: u32,
    in_flight: usize,
}

impl Default for Calls {
    fn default() -> Self {
        Self { row: VecDeque::new(), oldest: 1, in_flight: 0 }
    }
}

impl Calls {
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The stream of the next call; `None` if the stream numbers are used up.
    pub(super) fn next_stream(&self) -> Option<u32> {
        let ahead = u32::try_from(self.row.len()).ok()?.checked_mul(2)?;
        self.oldest.checked_add(ahead).filter(|stream| *stream < 1 << 31)
    }

    /// Adds a call on the next stream.
    pub(super) fn begin(&mut self, call: Call) {
        self.row.push_back(Some(call));
        self.in_flight += 1;
    }

    fn place(&self, stream: u32) -> Option<usize> {
        let ahead = stream.checked_sub(self.oldest).filter(|ahead| ahead.is_multiple_of(2))?;
        usize::try_from(ahead / 2).ok()
    }

    /// The call on a stream, if it is in flight.
    pub(super) fn on(&mut self, stream: u32) -> Option<&mut Call> {
        let place = self.place(stream)?;
        self.row.get_mut(place)?.as_mut()
    }

    /// Removes the call on a stream.
    pub(super) fn end(&mut self, stream: u32) -> Option<Call> {
        let place = self.place(stream)?;
        let call = self.row.get_mut(place)?.take()?;
        self.in_flight -= 1;
        while let Some(None) = self.row.front() {
            self.row.pop_front();
            self.oldest += 2;
        }
        Some(call)
    }

    /// All calls in flight.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Call> {
        self.row.iter_mut().flatten()
    }
}
