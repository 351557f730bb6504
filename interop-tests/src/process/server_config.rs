//! How a server is arranged: over what transport, with what certificate, with which options.
//!
//! The words for that are the peer's own, in `peers.toml`; here they are put together.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use crate::config::axes::{Transport, Variant};
use crate::config::capability::{Capability, ServerNeeds};
use crate::config::connection::ServerCertificate;
use crate::config::program::Program;
use crate::config::support;
use crate::process::context::RunContext;
use crate::process::net::unreachable;
use crate::process::server_slot::FREE_PORT;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServerConfig {
    transport: Transport,
    needs: ServerNeeds,
}

impl ServerConfig {
    pub(crate) fn new(variant: Variant, needs: Option<ServerNeeds>) -> Self {
        Self { transport: variant.transport, needs: needs.unwrap_or_default() }
    }

    /// Why the server of `peer` does not support this, if it does not.
    pub(crate) fn unsupported(
        &self,
        peer: &str,
        program: &Program,
        capabilities: &BTreeSet<Capability>,
        is_dedicated: bool,
    ) -> Option<String> {
        let Self { transport, needs } = self;
        support::unsupported_by_server(peer, program, *transport, needs, capabilities, is_dedicated)
    }

    /// What tells it from others: `tls-expired`.
    pub(crate) fn name(&self) -> String {
        let ServerNeeds { max_connection_age, certificate } = self.needs;
        let age = max_connection_age.map(|seconds| format!("-max-connection-age-{seconds}"));
        let certificate = match certificate {
            ServerCertificate::Good => "",
            ServerCertificate::Expired => "-expired",
            ServerCertificate::Elsewhere => "-elsewhere",
        };
        format!("{}{certificate}{}", self.transport.name(), age.unwrap_or_default())
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.transport.is_encrypted()
    }

    /// `program` with the arguments for this; the error says why it cannot be started so.
    pub(crate) fn arranged(
        &self,
        program: &Program,
        context: &RunContext,
    ) -> Result<Program, String> {
        if let Some(option) = support::missing_option(program, self.transport, &self.needs) {
            return Err(format!("it has no option `{}`", option.name()));
        }
        if self.is_encrypted() {
            context.certificates.make()?;
        }
        let pair = context.certificates.server(self.needs.certificate);
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let values = [
            ("{certificate}", text(pair.certificate)),
            ("{key}", text(pair.key)),
            ("{client-ca}", text(context.certificates.client_ca())),
            ("{seconds}", self.needs.max_connection_age.unwrap_or_default().to_string()),
        ];
        Ok(program.with_options(&self.needs.options(self.transport), &values))
    }

    /// An address that is given to a server that may choose its port.
    pub(crate) fn any_address(&self, context: &RunContext) -> Result<String, String> {
        match self.transport {
            Transport::Unix => context.sockets.next_address(),
            _ => Ok(FREE_PORT.to_owned()),
        }
    }

    /// An address of the same kind, for a person who starts the server again.
    pub(crate) fn shown_address(&self) -> &'static str {
        match self.transport {
            Transport::Unix => "unix:calculator.sock",
            _ => FREE_PORT,
        }
    }

    /// An address at which a server can come back.
    pub(crate) fn lasting_address(&self, context: &RunContext) -> Result<String, String> {
        self.address_at(unreachable::port_to_come_back_to, context)
    }

    /// An address at which nobody has been.
    pub(crate) fn fresh_address(&self, context: &RunContext) -> Result<String, String> {
        self.address_at(unreachable::fresh_port, context)
    }

    fn address_at(
        &self,
        port: impl FnOnce() -> io::Result<u16>,
        context: &RunContext,
    ) -> Result<String, String> {
        match self.transport {
            Transport::Unix => context.sockets.next_address(),
            _ => port()
                .map(|port| format!("127.0.0.1:{port}"))
                .map_err(|error| format!("no port is free: {error}")),
        }
    }
}
