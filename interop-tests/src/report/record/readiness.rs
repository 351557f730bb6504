//! Whether one peer can replace another, as a record and its readers have it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::record::participant::Role;

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

/// Everything that was assessed, in one line.
pub(crate) fn line(readiness: &[Readiness]) -> String {
    if readiness.is_empty() {
        return "no peer is compared with a reference, so no replacement is judged".to_owned();
    }
    readiness.iter().map(Readiness::to_string).collect::<Vec<_>>().join("; ")
}
