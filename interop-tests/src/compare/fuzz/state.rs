//! What a run has found so far, for the reports at its end and after Ctrl-C.

use parking_lot::Mutex;

use crate::compare::fuzz::collected::{Cause, Collected};
use crate::compare::fuzz::finding::Finding;
use crate::output::out;

/// After how many requests the progress is printed.
const PROGRESS: u64 = 1_000;

/// What a run has found so far. The threads of the run and the handler of signals share it.
#[derive(Debug, Default)]
pub(crate) struct State(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// After a signal, servers are killed, so nothing counts any more.
    has_ended: bool,
    peers: Vec<PeerState>,
}

#[derive(Debug)]
struct PeerState {
    peer: String,
    collected: Collected,
    /// The findings, after all requests.
    findings: Option<Findings>,
}

/// The findings of a peer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) all: Vec<Finding>,
    /// The numbers of requests that differed only among others.
    pub(crate) not_repeated: Vec<u64>,
}

/// The result of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) peers: Vec<PeerSummary>,
}

/// The result of a run with one peer.
#[derive(Clone, Debug)]
pub(crate) struct PeerSummary {
    pub(crate) peer: String,
    pub(crate) requests: u64,
    /// How many of them the reference answered with OK.
    pub(crate) ok: u64,
    pub(crate) accepted: u64,
    pub(crate) findings: Findings,
}

impl State {
    /// The next requests are those of `peer`.
    pub(crate) fn begin(&self, peer: &str) {
        let state =
            PeerState { peer: peer.to_owned(), collected: Collected::default(), findings: None };
        self.0.lock().peers.push(state);
    }

    /// Adds to what has been collected for the current peer.
    pub(crate) fn collect(&self, add: impl FnOnce(&mut Collected)) {
        let mut inner = self.0.lock();
        if inner.has_ended {
            return;
        }
        let Some(PeerState { peer, collected, .. }) = inner.peers.last_mut() else { return };
        let before = collected.requests;
        add(collected);
        if collected.requests > before && collected.requests.is_multiple_of(PROGRESS) {
            let (requests, causes) = (collected.requests, collected.causes().len());
            out!("interop: {peer}: {requests} requests, {causes} causes of differences");
        }
    }

    /// What has been collected for the current peer.
    pub(crate) fn causes(&self) -> Vec<Cause> {
        self.0.lock().peers.last().map(|peer| peer.collected.causes()).unwrap_or_default()
    }

    /// Sets the findings of the current peer.
    pub(crate) fn set(&self, findings: Findings) {
        let mut inner = self.0.lock();
        if let (false, Some(peer)) = (inner.has_ended, inner.peers.last_mut()) {
            peer.findings = Some(findings);
        }
    }

    /// The result so far. Nothing counts after that.
    pub(crate) fn end(&self) -> Summary {
        let mut inner = self.0.lock();
        inner.has_ended = true;
        let peers = inner.peers.iter().map(|PeerState { peer, collected, findings }| {
            let of_causes = || {
                let causes = collected.causes();
                let all = causes.iter().filter_map(|cause| Finding::of_first(peer, cause));
                Findings { all: all.collect(), not_repeated: Vec::new() }
            };
            PeerSummary {
                peer: peer.clone(),
                requests: collected.requests,
                ok: collected.ok,
                accepted: collected.accepted,
                findings: findings.clone().unwrap_or_else(of_causes),
            }
        });
        Summary { peers: peers.collect() }
    }
}
