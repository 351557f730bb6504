//! One request at the reference and at one other server, repeated until it is clear what differs, and the
//! results of all requests, counted.
//!
//! A difference counts only when it occurs every time: the reference answers some requests at random, and
//! on a busy machine deadlines pass.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::config::Peer;
use crate::outcome::finding::nearest;
use crate::outcome::{Finding, Ledger, Mismatch, Observation};
use crate::parity::baseline::Subject;
use crate::parity::baseline::suite::Comparison as _;
use crate::parity::server::probe::Probe;
use crate::parity::server::suite::{ReferenceServer, Server, ServerParity};
use crate::process::RunContext;

/// How often a request is sent to both when they differ.
const ROUNDS: usize = 6;

/// A server that is compared with the reference.
pub(crate) struct Rival {
    pub(crate) name: String,
    server: Arc<Server>,
}

/// What every comparison needs.
pub(crate) struct Comparison<'a> {
    pub(crate) reference: &'a ReferenceServer,
    pub(crate) ledger: &'a Ledger,
    pub(crate) context: &'a RunContext,
}

/// The result of a request.
pub(crate) enum Outcome {
    /// The same response, or one of those that the reference gives at random.
    Same,
    /// Sometimes the same.
    Unstable(Difference),
    /// A difference for which the ledger has this reason.
    Explained(String),
    Different(Difference),
}

/// The responses of the reference, and another one of the other server.
pub(crate) struct Difference {
    pub(crate) expected: Vec<Observation>,
    pub(crate) observed: Observation,
}

impl Rival {
    /// The server of `peer`, if it has one.
    pub(crate) fn new(peer: &Peer, logs: &Path) -> Option<Self> {
        let name = peer.name().to_owned();
        let server = ServerParity::subject(peer, None, &logs.join(&name))?;
        Some(Self { name, server })
    }
}

impl Comparison<'_> {
    /// Compares the responses to `probe`; the error says why nothing can be compared.
    pub(crate) fn outcome(&self, rival: &Rival, probe: &Probe) -> Result<Outcome, String> {
        let (mut expected, mut observed) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let (answer, seen) = self.observe(rival, probe)?;
            if round == 0 && answer == seen {
                return Ok(Outcome::Same);
            }
            if !expected.contains(&answer) {
                expected.push(answer);
            }
            observed.push(seen);
        }
        observed.retain(|observed| !expected.contains(observed));
        let is_stable = observed.len() == ROUNDS;
        let Some(observed) = observed.into_iter().next() else { return Ok(Outcome::Same) };
        Ok(match self.explanation(rival, probe, &observed) {
            Some(reason) => Outcome::Explained(reason.to_owned()),
            None if is_stable => Outcome::Different(Difference { expected, observed }),
            None => Outcome::Unstable(Difference { expected, observed }),
        })
    }

    /// Whether there is an unexplained difference in each of two attempts.
    pub(crate) fn differs(&self, rival: &Rival, probe: &Probe) -> Result<bool, String> {
        for _ in 0..2 {
            let (expected, observed) = self.observe(rival, probe)?;
            if expected == observed || self.explanation(rival, probe, &observed).is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn explanation(&self, rival: &Rival, probe: &Probe, seen: &Observation) -> Option<&str> {
        self.ledger.explanation(&rival.name, &seen.to_string(), |class| class.contains(probe))
    }

    /// The responses of the reference and of the other server.
    fn observe(&self, rival: &Rival, probe: &Probe) -> Result<(Observation, Observation), String> {
        let probe = &Arc::new(probe.clone());
        let expected =
            self.reference.run(probe, self.context).map_err(|finding| match finding {
                Finding::SetUpError(why) | Finding::ReferenceHung(why) => why,
                other => format!("the reference: {other:?}"),
            })?;
        let observed = match rival.server.run(probe, self.context, &Recorder::default()) {
            Ok(run) => run.observed,
            // That it ended or did not respond is what is observed of a server.
            Err(Finding::Broken(why)) => {
                let mut observation = Observation::default();
                observation.add("server", why);
                observation
            }
            Err(Finding::SetUpError(why)) => return Err(why),
            Err(other) => return Err(format!("{}: {other:?}", rival.name)),
        };
        Ok((expected, observed))
    }
}

impl Difference {
    /// The lines that differ, shortened: the same for most differences with the same cause.
    pub(crate) fn kind(&self) -> String {
        const SHOWN: usize = 14;
        let begin = |text: &str| text.chars().take(SHOWN).collect::<String>();
        let kind = |Mismatch { what, expected, observed, .. }: &Mismatch| {
            format!("{what}: {} / {}", begin(expected), begin(observed))
        };
        nearest(&self.expected, &self.observed).iter().map(kind).collect::<Vec<_>>().join("; ")
    }
}

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
