//! A peer in a record: its name, roles and versions.
//!
//! A peer reports its versions itself. Without them a result could not be reproduced.

use std::path::Path;
use std::thread;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Peer;
use crate::parity::baseline::reference::versions;
use crate::process::RunContext;

/// The role of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Role {
    /// It accepts connections.
    Server,
    /// It makes calls.
    Client,
}

/// A peer of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Participant {
    /// Its name, as in the names of trials.
    pub(crate) name: String,
    /// Its language and library, for people.
    pub(crate) language: String,
    /// Whether it is the reference, with which others are compared.
    pub(crate) reference: bool,
    /// Whether it is compared with the reference in the parity suites.
    pub(crate) parity: bool,
    /// The roles that it has programs for.
    pub(crate) roles: Vec<Role>,
    /// The versions of its libraries, one per line, such as `grpcio 1.85.1`; empty if it reports none.
    pub(crate) versions: Vec<String>,
}

impl Participant {
    /// All `peers`, with the versions of those that take part. The output of their programs goes to `folder`.
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
        // The programs that print the versions run in parallel.
        thread::scope(|scope| {
            let threads: Vec<_> =
                peers.iter().map(|peer| scope.spawn(move || participant(peer))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        })
    }
}
