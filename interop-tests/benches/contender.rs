//! A server that is measured, as `servers.toml` names it.
//!
//! Started anew for each measurement: what an earlier load has left in its memory must not help or hurt
//! the next one.

use std::collections::BTreeSet;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;

use super::load::exchange;
use super::load::exchange::Exchange;
use super::pinning;
use super::pinning::Cores;
use grpc_interop::config::{CommandError, Places, Program};
use grpc_interop::process::net::tutorial_port;
use grpc_interop::process::{Logs, RunningServer, SpawnError, StartError};

/// What a server is for in the comparison.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// What all others are compared with.
    Reference,
    /// What is to be fast.
    Subject,
    /// What the library alone costs.
    Floor,
    #[default]
    Rival,
}

/// What is to be known of a server before it is asked.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Trait {
    /// It has StreamingCalculator.
    Streams,
    /// It answers the root of 16 to everything.
    FixedAnswer,
    /// It runs in an interpreter, which takes a minute to start where every instruction is counted.
    Interpreted,
}

/// An entry of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) about: String,
    #[serde(default)]
    pub(crate) role: Role,
    /// A run without it is as good.
    #[serde(default)]
    pub(crate) optional: bool,
    #[serde(default)]
    pub(crate) has: BTreeSet<Trait>,
    pub(crate) program: Program,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contenders {
    pub(crate) server: Vec<Contender>,
}

/// A contender that accepts calls.
pub(crate) struct Running {
    pub(crate) server: RunningServer,
    pub(crate) address: SocketAddr,
}

/// Why a contender cannot be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotStart {
    #[error("it is not installed{}", .0.as_ref().map(|advice| format!(": {advice}")).unwrap_or_default())]
    NotInstalled(Option<String>),
    #[error("it did not start: {0}")]
    Start(#[from] StartError),
    #[error("its address {0} is none")]
    Address(String),
}

impl Contender {
    pub(crate) fn has(&self, what: Trait) -> bool {
        self.has.contains(&what)
    }

    /// Those of `exchanges` that it answers rightly.
    pub(crate) fn answers(&self, exchanges: Vec<Exchange>) -> Rc<[Exchange]> {
        let fixed = self.has(Trait::FixedAnswer);
        exchanges.into_iter().take(if fixed { 1 } else { usize::MAX }).collect()
    }

    /// Roots, one a call.
    pub(crate) fn unary(&self) -> Rc<[Exchange]> {
        self.answers(exchange::unary())
    }

    /// Starts it on `cores`, and waits until it accepts calls.
    pub(crate) fn start(
        &self,
        places: &Places,
        cores: Cores,
        logs: &Path,
    ) -> Result<Running, CannotStart> {
        let logs = Logs::at(&logs.join(&self.name));
        let started = pinning::on(cores, || match &self.program.ready {
            Some(_) => RunningServer::start(&self.program, places, "127.0.0.1:0", logs),
            None => RunningServer::start_on(&self.program, places, tutorial_port::PORT, logs),
        });
        let server = started.map_err(|error| match error {
            StartError::Spawn(SpawnError::Command(CommandError::NotInstalled(_))) => {
                CannotStart::NotInstalled(self.program.advice.clone())
            }
            error => CannotStart::Start(error),
        })?;
        // The document's server listens on all addresses; the others say theirs.
        let address = server.address.replace("localhost", "127.0.0.1");
        let resolved = address.to_socket_addrs().ok().and_then(|mut all| all.next());
        let address = resolved.ok_or(CannotStart::Address(address))?;
        Ok(Running { server, address })
    }
}
