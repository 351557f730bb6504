//! Whether one peer can replace another: what the whole run was for.
//!
//! Strict, because somebody switches a server off for it: a case that was left out or not supported is
//! no reason to say yes, and neither is a reference that fails itself.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calls::programs::NO_SERVER;
use crate::outcome::grade::Grade;
use crate::report::record::Record;
use crate::report::record::participant::Participant;
use crate::report::record::trial::{TrialRecord, VerdictKind};

/// Whether a peer can take the place of the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Readiness {
    /// The peer that is to replace the other.
    pub(crate) peer: String,
    pub(crate) role: Role,
    /// The peer that is to be replaced.
    pub(crate) reference: String,
    pub(crate) answer: Answer,
}

/// What is to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    Server,
    Client,
}

/// Whether it can be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is", deny_unknown_fields)]
pub(crate) enum Answer {
    /// Nothing failed.
    Ready {
        /// How many recorded deviations there are.
        deviations: usize,
        /// How many of those a legal peer, proxy or load balancer can meet.
        client_visible: usize,
    },
    NotReady {
        /// How many trials say so.
        trials: usize,
        /// The worst of them.
        worst: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing says that it cannot, and not everything was run that could.
    NotJudged { why: String },
}

/// What `record` says of every peer that claims to be like the reference.
pub(crate) fn of(record: &Record) -> Vec<Readiness> {
    let Some(reference) = record.peers.iter().find(|peer| peer.reference) else {
        return Vec::new();
    };
    let candidates = record.peers.iter().filter(|peer| peer.parity && !peer.reference);
    let judged = |peer: &Participant, role| Readiness {
        peer: peer.name.clone(),
        role,
        reference: reference.name.clone(),
        answer: answer(record, &peer.name, role, &reference.name),
    };
    candidates.flat_map(|peer| peer.roles.iter().map(move |role| judged(peer, *role))).collect()
}

fn answer(record: &Record, peer: &str, role: Role, reference: &str) -> Answer {
    // A side that no peer has is scripted.
    let is_measure =
        |side: Option<&str>| side.is_none_or(|name| [reference, NO_SERVER].contains(&name));
    let of_peer = |trial: &&TrialRecord| sides(trial, role).0 == Some(peer);
    let trials = || record.trials();
    // What the peer at the other side cannot do, if that is a third one, says nothing of this one.
    let counts = |trial: &&TrialRecord| {
        let (_, other) = sides(trial, role);
        trial.verdict.is_failure()
            || trial.verdict == VerdictKind::NotSupported
                && (is_measure(other) || other == Some(peer))
    };
    let against: Vec<_> = trials().filter(of_peer).filter(counts).collect();
    if let Some(worst) = against.iter().max_by_key(|trial| severity(trial)) {
        let (trials, why) = (against.len(), worst.in_short());
        return Answer::NotReady { trials, worst: worst.name.clone(), why };
    }
    if let Some(warning) = record.warning() {
        return Answer::NotJudged { why: warning };
    }
    if !record.is_whole() {
        let (chosen, all) = (record.selection.chosen, record.selection.all);
        return Answer::NotJudged { why: format!("only {chosen} of {all} trials were run") };
    }
    let own = |trial: &&TrialRecord| {
        let (one, other) = sides(trial, role);
        is_measure(one) && is_measure(other)
    };
    if let Some(failed) = trials().filter(own).find(|trial| trial.verdict.is_failure()) {
        let why = format!("{reference} itself failed {}: {}", failed.name, failed.in_short());
        return Answer::NotJudged { why };
    }
    let mut skipped =
        trials().filter(of_peer).filter(|trial| trial.verdict == VerdictKind::Skipped);
    if let Some(skipped) = skipped.next() {
        let why = skipped.why.clone().unwrap_or_default();
        return Answer::NotJudged {
            why: format!("trials were skipped, such as {} ({why})", skipped.name),
        };
    }
    let known: Vec<_> =
        trials().filter(of_peer).filter(|t| t.verdict == VerdictKind::KnownDeviation).collect();
    let visible = |trial: &&&TrialRecord| trial.grade != Some(Grade::Edge);
    Answer::Ready { deviations: known.len(), client_visible: known.iter().filter(visible).count() }
}

/// The peer that has this role in `trial`, and the one that has the other; a script is no peer.
fn sides(trial: &TrialRecord, role: Role) -> (Option<&str>, Option<&str>) {
    let (server, client) = (trial.server.as_deref(), trial.client.as_deref());
    match role {
        Role::Server => (server, client),
        Role::Client => (client, server),
    }
}

/// The worse, the greater.
fn severity(trial: &TrialRecord) -> (VerdictKind, bool) {
    (trial.verdict, trial.grade != Some(Grade::Edge))
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Client => "client",
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { deviations: 0, .. } => f.write_str("ready"),
            Self::Ready { deviations, client_visible } => {
                let plural = if *deviations == 1 { "" } else { "s" };
                let visible = match client_visible {
                    0 => "none".to_owned(),
                    some => some.to_string(),
                };
                write!(
                    f,
                    "ready with {deviations} recorded deviation{plural} ({visible} client-visible)"
                )
            }
            Self::NotReady { trials, worst, why } => {
                let trials =
                    if *trials == 1 { "1 trial".to_owned() } else { format!("{trials} trials") };
                write!(f, "not ready because of {trials}, the worst {worst}: {why}")
            }
            Self::NotJudged { why } => write!(f, "not judged: {why}"),
        }
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, role, reference, answer } = self;
        write!(f, "the {peer} {role} in place of the {reference} {role}: {answer}")
    }
}

/// All that was judged, in one line.
pub(crate) fn line(readiness: &[Readiness]) -> String {
    if readiness.is_empty() {
        return "no peer is compared with a reference, so no replacement is judged".to_owned();
    }
    readiness.iter().map(Readiness::to_string).collect::<Vec<_>>().join("; ")
}
