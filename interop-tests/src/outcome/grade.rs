//! Which peers can do what a case does: whether a difference can occur in production.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which peers can do what a case does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Grade {
    /// A legal peer, proxy or load balancer.
    ClientVisible,
    /// Only a peer made by hand.
    Edge,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientVisible => "client-visible",
            Self::Edge => "edge",
        })
    }
}

/// The description of a case in a failure.
pub(crate) fn described(grade: Grade, about: Option<&str>, unstable: Option<&str>) -> String {
    let about = about.map(|about| format!(": {about}")).unwrap_or_default();
    let unstable = unstable.map(|why| format!("\nunstable: {why}")).unwrap_or_default();
    format!("{grade}{about}{unstable}")
}
