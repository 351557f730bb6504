//! A peer in a record: its name, and what it is made of.
//!
//! The peer itself reports its versions, because a result without them cannot be repeated.

use std::path::Path;
use std::thread;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Peer;
use crate::parity::baseline::reference::versions;
use crate::process::RunContext;

/// A role that a peer can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Role {
    Server,
    Client,
}

/// A peer of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Participant {
    /// Its name in those of trials.
    pub(crate) name: String,
    /// The language and the library, for people.
    pub(crate) language: String,
    /// Whether it is what others are compared with.
    pub(crate) reference: bool,
    /// Whether it is compared with the reference byte for byte.
    pub(crate) parity: bool,
    /// The roles that it can have.
    pub(crate) roles: Vec<Role>,
    /// What it is made of, a line each, such as `grpcio 1.85.1`; empty where it reports none.
    pub(crate) versions: Vec<String>,
}

impl Participant {
    /// All `peers`, with their versions if they take part; `folder` gets the output.
    pub(crate) fn all(
        peers: &[Peer],
        takes_part: impl Fn(&Peer) -> bool + Sync,
        folder: &Path,
        context: &RunContext,
    ) -> Vec<Self> {
        let participant = |peer: &Peer| {
            let has_versions = peer.versions.is_some() && takes_part(peer);
            let lines = || versions(peer, &folder.join(peer.name()), context);
            let versions = has_versions.then(|| lines().unwrap_or_else(|why| vec![why]));
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
                versions: versions.unwrap_or_default(),
            }
        };
        // The programs that print the versions run side by side.
        thread::scope(|scope| {
            let threads: Vec<_> =
                peers.iter().map(|peer| scope.spawn(move || participant(peer))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        })
    }
}
