//! What has been found out so far, by all that compare side by side.
//!
//! Of differences of one kind only the first few are worth the time to shrink them.

use std::collections::BTreeMap;
use std::fmt;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    requests: u64,
    /// How often the ledger had this reason.
    explained: BTreeMap<String, u64>,
    /// Cases that differed only at times.
    unstable: Vec<u64>,
    /// How often there was an unexplained difference of this kind.
    unexplained: BTreeMap<String, u64>,
}

/// How many differences of one kind are shrunk.
const SHRUNK: u64 = 2;

/// How many kinds are shrunk at all.
const KINDS: usize = 20;

impl Tally {
    /// Counts a request; returns how many there are.
    pub(crate) fn add_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    pub(crate) fn add_explained(&mut self, reason: String) {
        *self.explained.entry(reason).or_default() += 1;
    }

    pub(crate) fn add_unstable(&mut self, case: u64) {
        self.unstable.push(case);
    }

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
        for (reason, count) in &self.explained {
            writeln!(f, "interop: explained {count} times: {reason}")?;
        }
        for (kind, count) in &self.unexplained {
            writeln!(f, "interop: unexplained {count} times: {kind}")?;
        }
        if !self.unstable.is_empty() {
            writeln!(f, "interop: not stable, and so not counted: cases {:?}", self.unstable)?;
        }
        write!(
            f,
            "interop: {} requests, {} differences explained by the ledger, {} not stable, \
             {} unexplained",
            self.requests,
            self.explained.values().sum::<u64>(),
            self.unstable.len(),
            self.unexplained()
        )
    }
}
