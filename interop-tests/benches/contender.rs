//! A server to measure: an entry of `servers.toml`.
//!
//! The server is restarted for each measurement, so that an earlier load does not affect the next.

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

/// The role of a server in the comparison.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// The server with which all others are compared.
    Reference,
    /// A server of this project or of the user.
    Subject,
    /// A server that shows the cost of the library alone.
    Floor,
    #[default]
    Rival,
}

/// A property of a server.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Trait {
    /// It serves StreamingCalculator.
    Streams,
    /// It always responds with the root of 16.
    FixedAnswer,
    /// It runs in an interpreter, which takes a minute to start under callgrind.
    Interpreted,
}

/// An entry of `servers.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Contender {
    pub(crate) name: String,
    pub(crate) about: String,
    #[serde(default)]
    pub(crate) role: Role,
    /// Whether the run succeeds without it.
    #[serde(default)]
    pub(crate) optional: bool,
    #[serde(default)]
    pub(crate) has: BTreeSet<Trait>,
    /// Additional arguments of its program in the part `attacks`.
    #[serde(default)]
    pub(crate) attacked_with: Vec<String>,
    pub(crate) program: Program,
}

/// The contents of `servers.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contenders {
    pub(crate) server: Vec<Contender>,
}

/// A running contender.
pub(crate) struct Running {
    pub(crate) server: RunningServer,
    pub(crate) address: SocketAddr,
}

/// The reason why a contender cannot be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotStart {
    #[error("the program is not installed{}", .0.as_ref().map(|advice| format!(": {advice}")).unwrap_or_default())]
    NotInstalled(Option<String>),
    #[error("the server did not start: {0}")]
    Start(#[from] StartError),
    #[error("the server reported `{0}`, which is not an IP address with a port")]
    Address(String),
}

impl Contender {
    pub(crate) fn has(&self, what: Trait) -> bool {
        self.has.contains(&what)
    }

    /// Those of `exchanges` that it supports.
    pub(crate) fn answers(&self, exchanges: Vec<Exchange>) -> Rc<[Exchange]> {
        let fixed = self.has(Trait::FixedAnswer);
        exchanges.into_iter().take(if fixed { 1 } else { usize::MAX }).collect()
    }

    /// Unary calls.
    pub(crate) fn unary(&self) -> Rc<[Exchange]> {
        self.answers(exchange::unary())
    }

    /// Starts it on `cores` and waits until it accepts calls.
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
                CannotStart::NotInstalled(self.program.advice.as_ref().map(ToString::to_string))
            }
            error => CannotStart::Start(error),
        })?;
        // The tutorial's server listens on all addresses; the others report theirs.
        let address = server.address.replace("localhost", "127.0.0.1");
        let resolved = address.to_socket_addrs().ok().and_then(|mut all| all.next());
        let address = resolved.ok_or(CannotStart::Address(address))?;
        Ok(Running { server, address })
    }
}
