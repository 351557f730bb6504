//! The calls in flight on a connection, by their streams.
//!
//! A client's streams have odd numbers that only grow, so the calls lie in a row from the oldest on.

use std::collections::VecDeque;
use std::time::Instant;

/// A call that has been begun.
#[derive(Debug)]
pub(super) struct Call {
    /// Which of the exchanges it is.
    pub(super) exchange: usize,
    pub(super) begun: Instant,
    /// Bytes of the request that have been sent.
    pub(super) sent: usize,
    /// Bytes of the answer that have come.
    pub(super) received: usize,
    /// How many more bytes the server takes on this stream.
    pub(super) window: i64,
    /// Whether the initial header list has come.
    pub(super) is_answered: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Calls {
    /// Those that are over are `None`, until all older ones are.
    row: VecDeque<Option<Call>>,
    /// The stream of the first one.
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

    /// The stream of the next call; `None` when a connection has no more of them.
    pub(super) fn next_stream(&self) -> Option<u32> {
        let ahead = u32::try_from(self.row.len()).ok()?.checked_mul(2)?;
        self.oldest.checked_add(ahead).filter(|stream| *stream < 1 << 31)
    }

    /// Begins a call on the next stream.
    pub(super) fn begin(&mut self, call: Call) {
        self.row.push_back(Some(call));
        self.in_flight += 1;
    }

    fn place(&self, stream: u32) -> Option<usize> {
        let ahead = stream.checked_sub(self.oldest).filter(|ahead| ahead.is_multiple_of(2))?;
        usize::try_from(ahead / 2).ok()
    }

    /// The call on a stream, while it is in flight.
    pub(super) fn on(&mut self, stream: u32) -> Option<&mut Call> {
        let place = self.place(stream)?;
        self.row.get_mut(place)?.as_mut()
    }

    /// Ends the call on a stream.
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

    /// All in flight.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Call> {
        self.row.iter_mut().flatten()
    }
}
