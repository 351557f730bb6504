//! A peer as a record knows it: its name, and what it is made of.
//!
//! The versions are asked of the peer itself, because a result without them cannot be repeated.

use std::path::Path;
use std::thread;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::peer::Peer;
use crate::parity::baseline::versions::Versions;
use crate::process::context::RunContext;
use crate::report::record::readiness::Role;

/// A peer that there was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Participant {
    /// Its name in the trials'.
    pub(crate) name: String,
    /// The language and the library, for people.
    pub(crate) language: String,
    /// Whether it is what others are compared with.
    pub(crate) reference: bool,
    /// Whether it is compared with the reference byte for byte.
    pub(crate) parity: bool,
    /// What it can be.
    pub(crate) roles: Vec<Role>,
    /// What it is made of, a line each, such as `grpcio 1.85.1`; empty where it does not tell.
    pub(crate) versions: Vec<String>,
}

impl Participant {
    /// All `peers`, each asked for its versions if it takes part; `folder` gets what they print.
    pub(crate) fn all(
        peers: &[Peer],
        takes_part: impl Fn(&Peer) -> bool,
        folder: &Path,
        context: &RunContext,
    ) -> Vec<Self> {
        thread::scope(|scope| {
            let asked: Vec<_> = peers
                .iter()
                .map(|peer| {
                    let asks = peer.versions.is_some() && takes_part(peer);
                    let versions = Versions::of(peer, &folder.join(peer.name()));
                    let ask = move || versions.lines(context).unwrap_or_else(|why| vec![why]);
                    (peer, asks.then(|| scope.spawn(ask)))
                })
                .collect();
            let told = |(peer, asked): (&Peer, Option<thread::ScopedJoinHandle<'_, _>>)| {
                Self::new(peer, asked.and_then(|thread| thread.join().ok()).unwrap_or_default())
            };
            asked.into_iter().map(told).collect()
        })
    }

    fn new(peer: &Peer, versions: Vec<String>) -> Self {
        let roles = [
            (peer.server.is_some() || peer.server_program.is_some(), Role::Server),
            (peer.agent.is_some() || peer.client_program.is_some(), Role::Client),
        ];
        Self {
            name: peer.name().to_owned(),
            language: peer.language.clone(),
            reference: peer.reference,
            parity: peer.parity,
            roles: roles.into_iter().filter_map(|(has, role)| has.then_some(role)).collect(),
            versions,
        }
    }
}
