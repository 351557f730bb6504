//! The configuration of a server: its transport, its certificate and its options.
//!
//! The arguments by which a server of some language is configured are in `peers.toml`.

use std::io;

use crate::config::{Program, ServerCertificate, ServerNeeds, Transport, Variant};
use crate::process::context::RunContext;

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
        let mut name = self.transport.name().to_owned();
        if certificate != ServerCertificate::Good {
            name = format!("{name}-{}", certificate.name());
        }
        if let Some(seconds) = max_connection_age {
            name = format!("{name}-max-connection-age-{seconds}");
        }
        name
    }

    /// `program` with the arguments for this; the error says why it cannot be started so.
    pub(crate) fn apply_to(
        &self,
        program: &Program,
        context: &RunContext,
    ) -> Result<Program, String> {
        if let Some(option) = program.missing_option(self.transport, &self.needs) {
            return Err(format!("it has no option `{}`", option.name()));
        }
        let certificates = &context.certificates;
        if self.transport.is_encrypted() {
            certificates.make()?;
        }
        let name = self.needs.certificate.name();
        let file = |name: &str| certificates.file(name).to_string_lossy().into_owned();
        let values = [
            ("{certificate}", file(&format!("{name}.pem"))),
            ("{key}", file(&format!("{name}.key"))),
            ("{client-ca}", file("ca.pem")),
            ("{seconds}", self.needs.max_connection_age.unwrap_or_default().to_string()),
        ];
        Ok(program.with_options(&self.needs.options(self.transport), &values))
    }

    /// An address for a person who starts the server again.
    pub(crate) fn example_address(&self) -> &'static str {
        if self.transport == Transport::Unix { "unix:calculator.sock" } else { "127.0.0.1:0" }
    }

    /// The address of a new socket, or that of `port` of this machine.
    pub(crate) fn address(
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
