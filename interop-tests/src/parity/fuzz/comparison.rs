//! Compares the responses of the reference and of another server to one request, and counts the results.
//!
//! A difference counts only if it occurs in every round, because some responses of the reference vary and deadlines
//! can pass on a busy machine.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::config::Peer;
use crate::outcome::{Finding, KnownDeviations, Mismatch, Observation, finding::nearest};
use crate::parity::baseline::{Subject, suite::Comparison as _};
use crate::parity::server::suite::{ReferenceServer, Server, ServerParity};
use crate::probe::table::Probe;
use crate::process::RunContext;

/// How often a request is sent to both servers if they differ.
const ROUNDS: usize = 6;

/// A server that is compared with the reference.
pub(crate) struct Candidate {
    pub(crate) name: String,
    server: Server,
}

/// The shared inputs of all comparisons.
pub(crate) struct Comparison<'a> {
    pub(crate) reference: &'a ReferenceServer,
    pub(crate) known: &'a KnownDeviations,
    pub(crate) context: &'a RunContext,
}

/// The result of a request.
pub(crate) enum Outcome {
    /// The same response, or one of the varying responses of the reference.
    Same,
    /// A difference in some rounds only.
    Unstable(Difference),
    /// A difference that `deviations.toml` explains with this reason.
    Explained(String),
    /// An unexplained difference.
    Different(Difference),
}

/// The responses of the reference, and a different response of the other server.
pub(crate) struct Difference {
    pub(crate) expected: Vec<Observation>,
    pub(crate) observed: Observation,
}

impl Candidate {
    /// The server of `peer`, if it has one. Logs go to `logs`.
    pub(crate) fn new(peer: &Peer, logs: &Path) -> Option<Self> {
        let name = peer.name().to_owned();
        let server = ServerParity::subject(peer, &logs.join(&name))?;
        Some(Self { name, server })
    }
}

impl Comparison<'_> {
    /// Compares the responses to `probe`. The error is the reason why they cannot be compared.
    pub(crate) fn outcome(&self, candidate: &Candidate, probe: &Probe) -> Result<Outcome, String> {
        let (mut expected, mut observed) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let [of_reference, of_candidate] = self.observe(candidate, probe)?;
            if round == 0 && of_reference == of_candidate {
                return Ok(Outcome::Same);
            }
            if !expected.contains(&of_reference) {
                expected.push(of_reference);
            }
            observed.push(of_candidate);
        }
        observed.retain(|observed| !expected.contains(observed));
        let is_stable = observed.len() == ROUNDS;
        let Some(observed) = observed.into_iter().next() else { return Ok(Outcome::Same) };
        Ok(match self.reason(candidate, probe, &observed) {
            Some(reason) => Outcome::Explained(reason.to_owned()),
            None if is_stable => Outcome::Different(Difference { expected, observed }),
            None => Outcome::Unstable(Difference { expected, observed }),
        })
    }

    /// Whether there is an unexplained difference in both of two attempts.
    pub(crate) fn differs(&self, candidate: &Candidate, probe: &Probe) -> Result<bool, String> {
        for _ in 0..2 {
            let [expected, observed] = self.observe(candidate, probe)?;
            if expected == observed || self.reason(candidate, probe, &observed).is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn reason(&self, candidate: &Candidate, probe: &Probe, seen: &Observation) -> Option<&str> {
        self.known.explanation(&candidate.name, &seen.to_string(), |class| class.contains(probe))
    }

    /// The responses of the reference and of the other server.
    fn observe(&self, candidate: &Candidate, probe: &Probe) -> Result<[Observation; 2], String> {
        let probe = &Arc::new(probe.clone());
        let expected =
            self.reference.run(probe, self.context).map_err(|finding| match finding {
                Finding::SetUpError(why) | Finding::ReferenceHung(why) => why,
                other => format!("the reference: {other:?}"),
            })?;
        let observed = match candidate.server.run(probe, self.context, &Recorder::default()) {
            Ok(run) => run.observed,
            // An exit or a missing response is an observation too.
            Err(Finding::Broken(why)) => {
                let mut observation = Observation::default();
                observation.add("server", why);
                observation
            }
            Err(Finding::SetUpError(why)) => return Err(why),
            Err(other) => return Err(format!("{}: {other:?}", candidate.name)),
        };
        Ok([expected, observed])
    }
}

impl Difference {
    /// The differing lines, shortened, so that differences with the same cause have the same kind.
    pub(crate) fn kind(&self) -> String {
        const SHOWN: usize = 14;
        let begin = |text: &str| text.chars().take(SHOWN).collect::<String>();
        let kind = |Mismatch { what, expected, observed, .. }: &Mismatch| {
            format!("{what}: {} / {}", begin(expected), begin(observed))
        };
        nearest(&self.expected, &self.observed).iter().map(kind).collect::<Vec<_>>().join("; ")
    }
}

/// The counted results.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    /// The number of differences that each known deviation explains, by its reason.
    pub(crate) explained: BTreeMap<String, u64>,
    /// Cases that differed only in some rounds.
    pub(crate) unstable: Vec<u64>,
    /// The number of unexplained differences of each kind.
    unexplained: BTreeMap<String, u64>,
}

/// How many differences of one kind are shrunk, because this is slow.
const SHRUNK: u64 = 2;

/// Of how many kinds differences are shrunk.
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
            writeln!(f, "interop: not counted: cases {unstable:?} differed only in some rounds")?;
        }
        let explained: u64 = explained.values().sum();
        let (unstable, unexplained) = (unstable.len(), self.unexplained());
        write!(
            f,
            "interop: {requests} requests, {explained} differences explained by deviations.toml, \
             {unstable} not stable, {unexplained} unexplained"
        )
    }
}
