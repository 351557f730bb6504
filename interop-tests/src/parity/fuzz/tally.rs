//! The results of a run, counted by all threads.

use std::collections::BTreeMap;
use std::fmt;

/// The results so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    /// How many differences each reason of a deviation explains.
    pub(crate) explained: BTreeMap<String, u64>,
    /// Cases that differed only sometimes.
    pub(crate) unstable: Vec<u64>,
    /// How many unexplained differences there are of each kind.
    unexplained: BTreeMap<String, u64>,
}

/// How many differences of one kind are shrunk, since that takes long.
const SHRUNK: u64 = 2;

/// How many kinds are shrunk at all.
const KINDS: usize = 20;

impl Tally {
    /// Counts an unexplained difference; returns whether it should be shrunk.
    pub(crate) fn add_unexplained(&mut self, kind: String) -> bool {
        let is_known = self.unexplained.contains_key(&kind);
        let has_room = self.unexplained.len() < KINDS;
        let count = self.unexplained.entry(kind).or_default();
        *count += 1;
        *count <= SHRUNK && (is_known || has_room)
    }

    pub(crate) fn unexplained(&self) -> u64 {
        self.unexplained.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, explained, unstable, unexplained } = self;
        for (what, counts) in [("explained", explained), ("unexplained", unexplained)] {
            for (kind, count) in counts {
                writeln!(f, "interop: {what} {count} times: {kind}")?;
            }
        }
        if !unstable.is_empty() {
            writeln!(f, "interop: not stable, and so not counted: cases {unstable:?}")?;
        }
        let explained: u64 = explained.values().sum();
        let (unstable, unexplained) = (unstable.len(), self.unexplained());
        write!(
            f,
            "interop: {requests} requests, {explained} differences explained by the ledger, \
             {unstable} not stable, {unexplained} unexplained"
        )
    }
}
