//! The tape on which a trial's events are taken, by several threads.
//!
//! It stays small however much goes over the wire: the first events and the last are kept. Header
//! blocks are kept from the middle too, because what a later one says depends on those before it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::capture::recorder::event::{RawEvent, RawWhat, Sender};
use crate::http2::frame::kind;

/// How many events are kept from the beginning of a trial.
const FIRST: usize = 400;

/// How many events are kept from its end.
const LAST: usize = 200;

/// How many bytes of header blocks are kept from its middle.
const BLOCKS: usize = 256 * 1024;

/// See the module; clones are the same tape.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<RingBuffer>>);

#[derive(Debug, Default)]
pub(crate) struct RingBuffer {
    pub notes: Vec<String>,
    pub first: Vec<RawEvent>,
    pub last: VecDeque<RawEvent>,
    pub left_out: usize,
    /// Those that are left out and carry header blocks.
    pub blocks: Vec<RawEvent>,
    blocks_size: usize,
    /// Whose header blocks are not all here.
    pub lost: BTreeSet<(usize, Sender)>,
    /// Whether each connection has been ended by one of its sides.
    over: Vec<bool>,
    is_resting: bool,
}

impl Recorder {
    /// A tape of a trial whose connections cannot be looked at, and `why`.
    pub fn of_nothing(why: &str) -> Self {
        let tape = Self::default();
        tape.note(why);
        tape
    }

    /// Says why some of the trial's connections cannot be looked at.
    pub fn note(&self, why: &str) {
        self.reel().notes.push(why.to_owned());
    }

    /// What ends from now on is ended by the harness, which is no event.
    pub fn rest(&self) {
        self.reel().is_resting = true;
    }

    /// Registers a connection and returns its number.
    pub fn register_connection(&self) -> usize {
        let mut reel = self.reel();
        reel.over.push(false);
        reel.over.len()
    }

    pub fn add(&self, connection: usize, from: Sender, what: RawWhat) {
        self.reel().add(RawEvent { at: Instant::now(), connection, from, what });
    }

    /// Adds an event that is an end, unless it only follows from another.
    pub fn ends(&self, connection: usize, from: Sender, what: RawWhat) {
        let mut reel = self.reel();
        if !reel.is_resting && reel.over.get(connection - 1) == Some(&false) {
            reel.add(RawEvent { at: Instant::now(), connection, from, what });
        }
    }

    pub fn is_over(&self, connection: usize) {
        if let Some(over) = self.reel().over.get_mut(connection - 1) {
            *over = true;
        }
    }

    pub(crate) fn reel(&self) -> MutexGuard<'_, RingBuffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RingBuffer {
    fn add(&mut self, event: RawEvent) {
        if self.first.len() < FIRST {
            self.first.push(event);
            return;
        }
        self.last.push_back(event);
        if self.last.len() > LAST
            && let Some(event) = self.last.pop_front()
        {
            self.left_out += 1;
            self.keep_block(event);
        }
    }

    /// Keeps an event that is left out if it carries a header block.
    fn keep_block(&mut self, event: RawEvent) {
        let RawWhat::Frame(frame) = &event.what else { return };
        if !matches!(frame.kind(), kind::HEADERS | kind::CONTINUATION) {
            return;
        }
        self.blocks_size += frame.payload.bytes.len();
        if self.blocks_size > BLOCKS {
            self.lost.insert((event.connection, event.from));
        } else {
            self.blocks.push(event);
        }
    }
}
