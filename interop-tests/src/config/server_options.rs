//! What a scenario or a point on the axes needs of a server, by the names of its options.
//!
//! Whether a server has an option stands in `peers.toml`; a case that needs one that is missing is
//! not supported, which is neither a pass nor a failure.

use serde::Deserialize;

use crate::config::axes::{Transport, Variant};
use crate::config::credentials::ServerCertificate;

/// An option of a server, as `peers.toml` calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerOption {
    Tls,
    Mtls,
    Unix,
    MaxConnectionAge,
}

impl ServerOption {
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Mtls => "mtls",
            Self::Unix => "unix",
            Self::MaxConnectionAge => "max-connection-age",
        }
    }

    /// What a server has to have for this transport.
    pub fn of(transport: Transport) -> Option<Self> {
        match transport {
            Transport::Plain => None,
            Transport::Tls => Some(Self::Tls),
            Transport::Mtls => Some(Self::Mtls),
            Transport::Unix => Some(Self::Unix),
        }
    }
}

/// What a server may lack that the suite `calls` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Offering {
    /// The service `StreamingCalculator`.
    StreamingCalculator,
    /// Health checking.
    Health,
    /// Reflection, of whatever version.
    Reflection,
    /// What tests ask for in metadata.
    TestBehaviour,
}

impl Offering {
    pub const ALL: [Self; 4] =
        [Self::StreamingCalculator, Self::Health, Self::Reflection, Self::TestBehaviour];

    pub fn name(self) -> &'static str {
        match self {
            Self::StreamingCalculator => "streaming-calculator",
            Self::Health => "health",
            Self::Reflection => "reflection",
            Self::TestBehaviour => "test-behaviour",
        }
    }

    /// What a server has to have for a call of `method` with this metadata.
    pub fn of_call(method: &str, metadata: &[(String, String)]) -> Vec<Self> {
        let service = [
            ("/StreamingCalculator/", Self::StreamingCalculator),
            ("/grpc.health.", Self::Health),
            ("/grpc.reflection.", Self::Reflection),
        ]
        .into_iter()
        .find_map(|(start, offering)| method.starts_with(start).then_some(offering));
        let is_asked = |(key, _): &(String, String)| {
            ["x-interop-", "x-grpc-test-"].iter().any(|start| key.starts_with(start))
        };
        let asked = metadata.iter().any(is_asked).then_some(Self::TestBehaviour);
        service.into_iter().chain(asked).collect()
    }
}

/// How a server is started, where that is not as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServerNeeds {
    /// Seconds after which a connection is ended with GOAWAY.
    pub max_connection_age: Option<f64>,
    /// With TLS: which certificate it shows.
    #[serde(default)]
    pub certificate: ServerCertificate,
}

impl ServerNeeds {
    /// The options that a server has to have at `variant`.
    pub fn options(&self, variant: Variant) -> Vec<ServerOption> {
        let age = self.max_connection_age.map(|_| ServerOption::MaxConnectionAge);
        ServerOption::of(variant.transport).into_iter().chain(age).collect()
    }

    /// What is wrong with it for a scenario whose calls all are, or are not all, over TLS.
    pub fn check(&self, is_encrypted: bool) -> Result<(), String> {
        if self.certificate != ServerCertificate::Good && !is_encrypted {
            return Err("server: a certificate goes with vary.transport `tls` or `mtls`".to_owned());
        }
        Ok(())
    }
}
