//! One request at the reference and at one other server, until it is clear what differs.
//!
//! A difference counts only when it comes every time: the reference answers some requests by chance,
//! and a busy machine lets deadlines pass.

use std::path::Path;
use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::config::peer::Peer;
use crate::outcome::deviations::Ledger;
use crate::outcome::finding::{Finding, Mismatch, Observation, nearest};
use crate::parity::server::case_run::BurstLock;
use crate::parity::server::probe::Probe;
use crate::parity::server::reference::ReferenceServer;
use crate::process::context::RunContext;
use crate::process::server_config::ServerConfig;
use crate::process::server_pool::SharedServer;

/// How often both are asked again when they differ.
const ROUNDS: usize = 6;

/// A server that is compared with the reference.
pub(crate) struct Rival {
    name: String,
    server: SharedServer,
    crowd: BurstLock,
}

/// What is needed to compare.
#[derive(Clone, Copy)]
pub(crate) struct Comparison<'a> {
    pub(crate) reference: &'a ReferenceServer,
    pub(crate) rival: &'a Rival,
    pub(crate) ledger: &'a Ledger,
    pub(crate) context: &'a RunContext,
}

/// What came of a request.
pub(crate) enum Outcome {
    /// The same answers, or one of those that the reference gives by chance.
    Same,
    /// Now the same and now another.
    Unstable(Difference),
    /// A difference for which the ledger has this reason.
    Explained {
        reason: String,
    },
    Different(Difference),
}

/// What the reference was seen to answer, and what the other server did instead.
pub(crate) struct Difference {
    pub(crate) right: Vec<Observation>,
    pub(crate) seen: Observation,
}

impl Rival {
    /// The server of `peer`, if it has one.
    pub(crate) fn new(peer: &Peer, logs: &Path) -> Option<Self> {
        let (program, log) = (peer.server.clone()?, logs.join(peer.name()).join("server"));
        let server = SharedServer::new(program, &log, ServerConfig::default());
        Some(Self { name: peer.name().to_owned(), server, crowd: BurstLock::default() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A server that dies or hangs has answered with that.
    fn observe(&self, probe: &Probe, context: &RunContext) -> Result<Observation, String> {
        let address = self.server.address(context)?;
        let played = self.crowd.run(probe, &address, &Recorder::default());
        let mut fault = Observation::default();
        let ended = if played.is_err() { self.server.is_gone() } else { self.server.has_exited() };
        if let Some(how) = ended {
            fault.add("server", format!("ended {how}"));
            return Ok(fault);
        }
        Ok(played.map_or_else(
            |error| {
                fault.add("server", error.to_string());
                fault
            },
            |played| played.observed,
        ))
    }
}

impl Comparison<'_> {
    /// The error says why nothing can be compared.
    pub(crate) fn outcome(&self, probe: &Probe) -> Result<Outcome, String> {
        let (answer, seen) = self.ask(probe)?;
        if answer == seen {
            return Ok(Outcome::Same);
        }
        let (mut right, mut all_seen) = (vec![answer], vec![seen]);
        for _ in 1..ROUNDS {
            let (answer, seen) = self.ask(probe)?;
            if !right.contains(&answer) {
                right.push(answer);
            }
            all_seen.push(seen);
        }
        let wrong: Vec<_> = all_seen.iter().filter(|seen| !right.contains(seen)).collect();
        let Some(seen) = wrong.first().copied().cloned() else {
            return Ok(Outcome::Same);
        };
        let is_stable = wrong.len() == all_seen.len();
        let difference = Difference { right, seen };
        Ok(match self.explanation(probe, &difference.seen) {
            Some(reason) => Outcome::Explained { reason },
            None if is_stable => Outcome::Different(difference),
            None => Outcome::Unstable(difference),
        })
    }

    /// Whether an unexplained difference shows, as far as asking twice can tell.
    pub(crate) fn differs(&self, probe: &Probe) -> Result<bool, String> {
        for _ in 0..2 {
            let (answer, seen) = self.ask(probe)?;
            if answer == seen || self.explanation(probe, &seen).is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn explanation(&self, probe: &Probe, seen: &Observation) -> Option<String> {
        let explanation = self
            .ledger
            .explanation(self.rival.name(), &seen.to_string(), |class| class.contains(probe));
        explanation.map(str::to_owned)
    }

    /// What the reference answers and what the other server does.
    fn ask(&self, probe: &Probe) -> Result<(Observation, Observation), String> {
        let probe = &Arc::new(probe.clone());
        let answer = self.reference.run(probe, self.context).map_err(|finding| match finding {
            Finding::SetUpError(why) | Finding::ReferenceHung(why) => why,
            other => format!("the reference: {other:?}"),
        })?;
        Ok((answer, self.rival.observe(probe, self.context)?))
    }
}

impl Difference {
    /// Where the server differs from the answer that it is most like.
    pub(crate) fn mismatches(&self) -> Vec<Mismatch> {
        nearest(&self.right, &self.seen)
    }

    /// The same for differences of the same kind, as far as that can be told.
    pub(crate) fn kind(&self) -> String {
        const TOLD: usize = 14;
        let begin = |text: &str| text.chars().take(TOLD).collect::<String>();
        let kind = |mismatch: &Mismatch| {
            let (right, seen) = (begin(&mismatch.expected), begin(&mismatch.observed));
            format!("{}: {right} / {seen}", mismatch.what)
        };
        self.mismatches().iter().map(kind).collect::<Vec<_>>().join("; ")
    }
}
