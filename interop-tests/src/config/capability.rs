//! The capabilities of servers, and the needs of scenarios, with the names used in tables.

use serde::Deserialize;

use crate::config::connection::{ServerCertificate, Transport};

/// A feature that a server has only with certain arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum ServerOption {
    /// TLS.
    Tls,
    /// Mutual TLS.
    Mtls,
    /// A Unix socket.
    Unix,
    /// A maximum age of connections.
    MaxConnectionAge,
}

impl ServerOption {
    /// The option for this transport; `None` for plain TCP, which every server supports.
    fn for_transport(transport: Transport) -> Option<Self> {
        match transport {
            Transport::Plain => None,
            Transport::Tls => Some(Self::Tls),
            Transport::Mtls => Some(Self::Mtls),
            Transport::Unix => Some(Self::Unix),
        }
    }
}

/// A service or a feature that a server may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Capability {
    /// The service `StreamingCalculator`.
    StreamingCalculator,
    /// Health checking.
    Health,
    /// Reflection, of any version.
    Reflection,
    /// Behaviour that a test requests through metadata.
    TestBehaviour,
}

impl Capability {
    pub(crate) const ALL: [Self; 4] =
        [Self::StreamingCalculator, Self::Health, Self::Reflection, Self::TestBehaviour];

    /// The capabilities that a server needs for a call of `method` with this metadata.
    pub(crate) fn for_call(method: &str, metadata: &[(String, String)]) -> Vec<Self> {
        let services = [
            ("/StreamingCalculator/", Self::StreamingCalculator),
            ("/grpc.health.", Self::Health),
            ("/grpc.reflection.", Self::Reflection),
        ];
        let service = services.iter().find(|(prefix, _)| method.starts_with(prefix));
        let is_directive = |(key, _): &(String, String)| {
            ["x-interop-", "x-grpc-test-"].iter().any(|prefix| key.starts_with(prefix))
        };
        let directive = metadata.iter().any(is_directive).then_some(Self::TestBehaviour);
        service.map(|(_, capability)| *capability).into_iter().chain(directive).collect()
    }
}

/// The configuration of the server of a scenario, if it differs from the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ServerNeeds {
    /// The age in seconds at which the server closes a connection with GOAWAY.
    pub(crate) max_connection_age: Option<f64>,
    /// With TLS: the certificate of the server.
    #[serde(default)]
    pub(crate) certificate: ServerCertificate,
}

impl ServerNeeds {
    /// The options that a server needs for these needs and for `transport`.
    pub(crate) fn options(&self, transport: Transport) -> Vec<ServerOption> {
        let age = self.max_connection_age.map(|_| ServerOption::MaxConnectionAge);
        ServerOption::for_transport(transport).into_iter().chain(age).collect()
    }

    /// Checks the needs of a scenario. `is_encrypted` is whether all its calls are encrypted.
    pub(crate) fn check(&self, is_encrypted: bool) -> Result<(), String> {
        if self.certificate != ServerCertificate::Good && !is_encrypted {
            let error = "server: `certificate` needs vary.transport with only `tls` or `mtls`";
            return Err(error.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_call_needs_follows_from_its_method_and_its_metadata() {
        let metadata = |key: &str| vec![(key.to_owned(), String::new())];
        let for_call = Capability::for_call;
        assert_eq!(for_call("/Calculator/SquareRoot", &metadata("x-a")), []);
        let directive = for_call("/Calculator/SquareRoot", &metadata("x-interop-status"));
        assert_eq!(directive, [Capability::TestBehaviour]);
        let health = for_call("/grpc.health.v1.Health/Check", &metadata("x-grpc-test-echo"));
        assert_eq!(health, [Capability::Health, Capability::TestBehaviour]);
        assert_eq!(for_call("/grpc.reflection.v1.X/Y", &[]), [Capability::Reflection]);
        let streaming = for_call("/StreamingCalculator/Exchange", &[]);
        assert_eq!(streaming, [Capability::StreamingCalculator]);
    }

    #[test]
    fn a_certificate_requires_encryption() {
        let expired: ServerNeeds = toml::from_str("certificate = \"expired\"").unwrap();
        assert!(expired.check(false).is_err());
        assert_eq!(expired.check(true), Ok(()));
        assert_eq!(ServerNeeds::default().check(false), Ok(()));
    }
}
