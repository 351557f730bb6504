//! The open calls of all clients use a limited amount of memory.
//!
//! A call needs memory before its message arrives and after its handler has responded: for its
//! stream, its header fields, and small messages, which [`message_memory`](super::message_memory)
//! does not count. A client that sends no messages, or accepts no responses, could otherwise make
//! the server hold gigabytes, because a connection has up to 2,048 streams. grpcio has no such limit.
//!
//! Calls get half as much memory as `message_memory`, in addition to it, and a connection as much of
//! that as it leaves free. If it gets no more, further calls are refused with RESOURCE_EXHAUSTED at
//! once, because a call that waits would need the memory, too. Two calls of each connection are not
//! counted, so that clients with one call at a time continue whatever others do.
//!
//! Calls are counted and not measured, and reserved in steps that double, so that an ordinary call
//! pays only a comparison. h2 keeps the memory of as many streams as there were at once, so a fourth
//! stays reserved until the connection ends.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use tonic::Status;

use super::message_memory::{Account, Charge, ConnectionMemory, Demand};

/// What an open call is expected to need, in bytes: 3 KiB without its message and response, each of
/// which has up to [`SMALL`](super::message_memory::SMALL) bytes that are not counted.
const CALL: usize = 8 * 1024;

/// What a piece of a response that waits to be written needs in addition to its bytes.
const PIECE: usize = 512;

/// What each connection may hold without asking, in bytes.
const FREE: usize = 2 * CALL;

/// The part of the most bytes that stays reserved, as a divisor: h2 keeps 2 KiB for a stream.
const KEPT: usize = 4;

/// The size of a header list above which it is counted, in bytes.
const SMALL_FIELDS: usize = 1024;

/// What the fields of a header list need in memory, as a multiple of the size that HTTP/2 counts.
const FIELDS_FACTOR: usize = 2;

/// The memory of the open calls of one connection, which one thread serves.
#[derive(Debug, Default)]
pub(crate) struct OpenCalls {
    memory: ConnectionMemory,
    /// What the open calls are expected to need, in bytes.
    open: AtomicUsize,
    /// What is needed by the pieces of responses that wait to be written, in bytes.
    unsent: AtomicUsize,
    reserved: AtomicUsize,
    /// The most bytes that were reserved, or used if no more could be reserved.
    most: AtomicUsize,
    charge: Mutex<Option<Charge>>,
}

impl OpenCalls {
    pub(crate) fn new(memory: ConnectionMemory) -> Self {
        Self {
            memory,
            open: AtomicUsize::new(0),
            unsent: AtomicUsize::new(0),
            reserved: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            charge: Mutex::new(None),
        }
    }

    /// A call begins.
    #[inline]
    pub(crate) fn begin(&self) {
        add(&self.open, CALL);
        let used = self.used();
        if used > self.reserved.load(Relaxed) {
            self.reserve(used);
        } else if self.memory.refuses_calls() {
            self.memory.refuse_calls(false);
        }
    }

    /// A call has ended, except for the pieces of its response that wait to be written.
    #[inline]
    pub(crate) fn end(&self) {
        subtract(&self.open, CALL);
        self.release();
    }

    /// A piece of a response of this many bytes waits to be written.
    #[inline]
    pub(crate) fn queue(&self, bytes: usize) {
        add(&self.unsent, PIECE + bytes);
    }

    /// A piece of a response of this many bytes has been written.
    #[inline]
    pub(crate) fn sent(&self, bytes: usize) {
        subtract(&self.unsent, PIECE + bytes);
        self.release();
    }

    /// How many bytes are used, without those that are free.
    #[inline]
    fn used(&self) -> usize {
        (self.open.load(Relaxed) + self.unsent.load(Relaxed)).saturating_sub(FREE)
    }

    #[cold]
    fn reserve(&self, used: usize) {
        let mut charge = self.charge.lock().unwrap_or_else(PoisonError::into_inner);
        let reserved = self.reserved.load(Relaxed);
        let granted = [used.next_power_of_two(), used].into_iter().find_map(|wanted| {
            let more = self.memory.charge_for_calls(wanted - reserved)?;
            Some((wanted, more))
        });
        self.memory.refuse_calls(granted.is_none());
        // A refused call has a stream, too.
        let most = granted.as_ref().map_or(used, |(wanted, _)| *wanted);
        let most = self.most.load(Relaxed).max(most);
        self.most.store(most, Relaxed);
        let kept = most / KEPT;
        let granted = granted.or_else(|| {
            (kept > reserved).then(|| (kept, self.memory.charge(Account::Calls, kept - reserved)))
        });
        if let Some((wanted, more)) = granted {
            match &mut *charge {
                Some(charge) => charge.absorb(more),
                charge => *charge = Some(more),
            }
            self.reserved.store(wanted, Relaxed);
        }
    }

    /// Returns what is reserved, if less than a fourth of it is used.
    #[inline]
    fn release(&self) {
        let reserved = self.reserved.load(Relaxed);
        if reserved > 0 && self.used() <= reserved / 4 {
            self.release_from(reserved);
        }
    }

    #[cold]
    fn release_from(&self, reserved: usize) {
        let kept = self.used().max(self.most.load(Relaxed) / KEPT);
        if kept < reserved {
            let mut charge = self.charge.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(charge) = &mut *charge {
                charge.reduce(kept);
            }
            self.reserved.store(kept, Relaxed);
        }
    }
}

/// Adds without an atomic operation, because one thread serves a connection.
#[inline]
fn add(counter: &AtomicUsize, bytes: usize) {
    counter.store(counter.load(Relaxed) + bytes, Relaxed);
}

#[inline]
fn subtract(counter: &AtomicUsize, bytes: usize) {
    counter.store(counter.load(Relaxed).saturating_sub(bytes), Relaxed);
}

/// Admits a call with a header list of this size, or refuses it. Returns what its fields need, if
/// that is much.
#[inline]
pub(super) fn admit(memory: &ConnectionMemory, fields: usize) -> Result<Option<Charge>, Status> {
    if fields <= SMALL_FIELDS && !memory.refuses_calls() {
        return Ok(None);
    }
    admit_large(memory, fields)
}

#[cold]
fn admit_large(memory: &ConnectionMemory, fields: usize) -> Result<Option<Charge>, Status> {
    let charge = match fields {
        _ if memory.refuses_calls() => None,
        ..=SMALL_FIELDS => return Ok(None),
        fields => memory.charge_for_calls(fields * FIELDS_FACTOR),
    };
    let refused = || memory.exhausted(Demand::Call(fields), "others of its connection are open");
    charge.map(Some).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::{Account, CALL, Charge, ConnectionMemory, OpenCalls, PIECE, admit};
    use crate::grpcio::server::message_memory::MessageMemory;
    use tonic::Code;

    /// All memory, as a number of calls.
    const ALL: usize = MessageMemory::MIN / 2 / CALL;

    /// How many calls a new connection can open, and the connection with these calls.
    fn open_all(memory: &MessageMemory) -> (usize, ConnectionMemory, OpenCalls) {
        let connection = memory.connection();
        let calls = OpenCalls::new(connection.clone());
        let opened = std::iter::repeat_with(|| {
            calls.begin();
            admit(&connection, 0)
        });
        (opened.take_while(Result::is_ok).count(), connection, calls)
    }

    #[test]
    fn a_connection_gets_half_of_the_memory_and_the_next_one_half_of_the_rest() {
        let memory = MessageMemory::new(0);
        let (opened, _, first) = open_all(&memory);
        assert_eq!(opened, 2 + ALL / 2);
        let (opened, connection, second) = open_all(&memory);
        assert_eq!(opened, 2 + ALL / 4);
        drop(first);
        second.begin();
        assert!(admit(&connection, 0).is_ok(), "memory is free again");
    }

    #[test]
    fn a_refusal_names_the_limit_and_ends_with_the_other_calls() {
        let memory = MessageMemory::new(0);
        let (opened, connection, calls) = open_all(&memory);
        let status = admit(&connection, 0).expect_err("a refusal");
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.message().contains("--message-memory is 8 MiB"), "{status}");
        (0..=opened).for_each(|_| calls.end());
        calls.begin();
        assert!(admit(&connection, 0).is_ok());
    }

    #[test]
    fn two_calls_of_a_connection_need_no_memory() {
        let memory = MessageMemory::new(0);
        let _others: Vec<_> = (0..20).map(|_| open_all(&memory)).collect();
        let (opened, ..) = open_all(&memory);
        assert_eq!(opened, 2);
    }

    #[test]
    fn a_connection_whose_messages_use_its_share_can_make_calls() {
        let memory = MessageMemory::new(0);
        let connection = memory.connection();
        let _messages = connection.charge(Account::Messages, MessageMemory::MIN);
        let calls = OpenCalls::new(connection.clone());
        for _ in 0..100 {
            calls.begin();
            assert!(admit(&connection, 0).is_ok());
        }
    }

    #[test]
    fn unsent_pieces_of_responses_are_counted() {
        let (connection, piece) = (MessageMemory::new(0).connection(), 4 * CALL - PIECE);
        let calls = OpenCalls::new(connection.clone());
        (0..ALL / 4).for_each(|_| calls.queue(piece));
        calls.begin();
        assert!(admit(&connection, 0).is_err());
        (0..ALL / 4).for_each(|_| calls.sent(piece));
        calls.begin();
        assert!(admit(&connection, 0).is_ok());
    }

    #[test]
    fn what_is_reserved_follows_the_number_of_calls() {
        let calls = OpenCalls::default();
        let reserved = |calls: &OpenCalls| {
            let charge = calls.charge.lock().expect("no panic");
            charge.as_ref().map_or(0, Charge::bytes)
        };
        let mut open = 0;
        for (next, expected) in [(1, 0), (2, 0), (3, 1), (4, 2), (5, 4), (7, 8), (34, 32)] {
            (open..next).for_each(|_| calls.begin());
            open = next;
            assert_eq!(reserved(&calls), expected * CALL, "{open} calls");
        }
        for (next, expected) in [(11, 32), (10, 8), (5, 8), (4, 8), (0, 8)] {
            (next..open).for_each(|_| calls.end());
            open = next;
            assert_eq!(reserved(&calls), expected * CALL, "{open} calls");
        }
    }

    #[test]
    fn large_header_lists_are_counted() {
        let connection = MessageMemory::new(0).connection();
        assert!(admit(&connection, 1024).expect("a small list").is_none());
        let charges: Vec<_> = std::iter::from_fn(|| admit(&connection, 16 * 1024).ok()).collect();
        assert_eq!(charges.len(), MessageMemory::MIN / 4 / (32 * 1024));
        assert!(charges.iter().all(Option::is_some));
        drop(charges);
        assert!(admit(&connection, 16 * 1024).is_ok());
    }
}
