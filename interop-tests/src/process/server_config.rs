//! The configuration of a server: its transport, its certificate and its options.
//!
//! How a server is told so is a matter of its language, and stands in `peers.toml`; here the arguments are
//! put together.

use std::io;
use std::path::PathBuf;

use crate::config::axes::{Transport, Variant};
use crate::config::capability::ServerNeeds;
use crate::config::connection::ServerCertificate;
use crate::config::program::Program;
use crate::config::support;
use crate::process::context::RunContext;
use crate::process::net::addresses;

/// The address for a server that may choose its port.
const ANY_PORT: &str = "127.0.0.1:0";

/// How a server is configured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServerConfig {
    pub(crate) transport: Transport,
    pub(crate) needs: ServerNeeds,
}

impl ServerConfig {
    pub(crate) fn new(variant: Variant, needs: Option<ServerNeeds>) -> Self {
        Self { transport: variant.transport, needs: needs.unwrap_or_default() }
    }

    /// A name that no other configuration has: `tls-expired`.
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
    pub(crate) fn apply_to(
        &self,
        program: &Program,
        context: &RunContext,
    ) -> Result<Program, String> {
        if let Some(option) = support::missing_option(program, self.transport, &self.needs) {
            return Err(format!("it has no option `{}`", option.name()));
        }
        let certificates = &context.certificates;
        if self.is_encrypted() {
            certificates.make()?;
        }
        let pair = certificates.server(self.needs.certificate);
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let values = [
            ("{certificate}", text(pair.certificate)),
            ("{key}", text(pair.key)),
            ("{client-ca}", text(certificates.client_ca())),
            ("{seconds}", self.needs.max_connection_age.unwrap_or_default().to_string()),
        ];
        Ok(program.with_options(&self.needs.options(self.transport), &values))
    }

    /// An address for a server that may choose its port.
    pub(crate) fn any_address(&self, context: &RunContext) -> Result<String, String> {
        self.address_at(|| Ok(0), context)
    }

    /// An address of the same kind, for a person who starts the server again.
    pub(crate) fn example_address(&self) -> &'static str {
        match self.transport {
            Transport::Unix => "unix:calculator.sock",
            _ => ANY_PORT,
        }
    }

    /// An address at which a server can come back.
    pub(crate) fn lasting_address(&self, context: &RunContext) -> Result<String, String> {
        self.address_at(addresses::lasting_port, context)
    }

    /// An address at which no server has been.
    pub(crate) fn fresh_address(&self, context: &RunContext) -> Result<String, String> {
        self.address_at(addresses::fresh_port, context)
    }

    fn address_at(
        &self,
        port: impl FnOnce() -> io::Result<u16>,
        context: &RunContext,
    ) -> Result<String, String> {
        match self.transport {
            Transport::Unix => context.addresses.next_socket(),
            _ => port()
                .map(|port| format!("127.0.0.1:{port}"))
                .map_err(|error| format!("no port is free: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(transport: Transport, needs: &str) -> ServerConfig {
        let needs = toml::from_str(needs).expect("needs");
        ServerConfig::new(Variant { transport, ..Variant::default() }, Some(needs))
    }

    #[test]
    fn the_name_tells_configurations_apart() {
        assert_eq!(ServerConfig::default().name(), "plain");
        assert_eq!(config(Transport::Tls, "certificate = 'expired'").name(), "tls-expired");
        let aged = config(Transport::Unix, "max-connection-age = 0.5");
        assert_eq!(aged.name(), "unix-max-connection-age-0.5");
    }
}
