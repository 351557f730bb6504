//! How a call reaches its destination: target, transport, compression, and the credentials of both sides.
//!
//! Tables only name these; addresses and certificates are created at run time. A scenario is written once and runs
//! with every combination of the transports and compressions that it names.

use std::collections::BTreeSet;

use grpc_interop_protocol::Encoding;
use serde::Deserialize;

/// The destination of a call: the key `to` of a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    /// The server under test.
    #[default]
    Server,
    /// A port that refuses connections.
    #[serde(alias = "nobody")]
    ClosedPort,
    /// A port that accepts connections and never sends a byte.
    #[serde(alias = "silence")]
    SilentPort,
}

/// The TLS options of a client, if they differ from the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientTls {
    /// The certificate authority that the client trusts.
    #[serde(default)]
    pub(crate) ca: Authority,
    /// The name that the server's certificate must contain. The default is the host of its address.
    pub(crate) name: Option<String>,
    /// With mutual TLS: the certificate of the client.
    #[serde(default)]
    pub(crate) client_certificate: ClientCertificate,
}

/// A certificate authority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Authority {
    /// The authority of this run, which signed the certificates of the servers.
    #[default]
    Own,
    /// Another authority.
    Other,
}

/// The client's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ClientCertificate {
    /// Signed by the authority that the server trusts.
    #[default]
    Own,
    /// Signed by another authority.
    Other,
    /// No certificate.
    None,
}

/// The server's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum ServerCertificate {
    /// Valid for this machine.
    #[default]
    Good,
    /// Expired.
    Expired,
    /// Valid for another host.
    Elsewhere,
}

/// The transport between client and server.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Transport {
    /// TCP without encryption.
    #[default]
    Plain,
    /// TLS with a certificate of the server.
    Tls,
    /// Mutual TLS: also with a certificate of the client.
    Mtls,
    /// A Unix domain socket without encryption.
    Unix,
}

impl Transport {
    pub(crate) fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Mtls)
    }
}

/// The compression of the messages in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Compression {
    #[default]
    None,
    Gzip,
    Deflate,
}

impl Compression {
    /// The encoding of the messages; `None` without compression.
    pub(crate) fn encoding(self) -> Option<Encoding> {
        match self {
            Self::None => None,
            Self::Gzip => Some(Encoding::Gzip),
            Self::Deflate => Some(Encoding::Deflate),
        }
    }

    /// The value of `grpc-encoding`.
    pub(crate) fn name(self) -> &'static str {
        self.encoding().map_or("identity", Encoding::name)
    }
}

/// A combination of transport and compression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) transport: Transport,
    pub(crate) compression: Compression,
}

impl Variant {
    /// The name of `case` with this combination, such as `tls+gzip/case`. Default values have no name.
    pub(crate) fn name_of(self, case: &str) -> String {
        let transport = (self.transport != Transport::Plain).then(|| self.transport.to_string());
        let encoding = self.compression.encoding().map(|encoding| encoding.name().to_owned());
        let unusual: Vec<_> = transport.into_iter().chain(encoding).collect();
        if unusual.is_empty() { case.to_owned() } else { format!("{}/{case}", unusual.join("+")) }
    }
}

/// The transports and compressions of a scenario: the key `vary`. A missing key means the default value.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vary {
    transport: Option<Vec<Transport>>,
    compression: Option<Vec<Compression>>,
}

impl Vary {
    /// These values, and for missing keys those of `file`.
    pub(crate) fn or(&self, file: &Self) -> Self {
        Self {
            transport: self.transport.clone().or_else(|| file.transport.clone()),
            compression: self.compression.clone().or_else(|| file.compression.clone()),
        }
    }

    /// All combinations.
    pub(crate) fn variants(&self) -> Vec<Variant> {
        let transports = self.transport.clone().unwrap_or_else(|| vec![Transport::Plain]);
        let compressions = self.compression.clone().unwrap_or_else(|| vec![Compression::None]);
        let at = |transport| {
            compressions.iter().map(move |&compression| Variant { transport, compression })
        };
        transports.into_iter().flat_map(at).collect()
    }

    /// Checks that no list is empty or contains a value twice.
    pub(crate) fn check(&self) -> Result<(), String> {
        fn is_valid<T: Ord>(axis: Option<&Vec<T>>) -> bool {
            axis.is_none_or(|values| {
                !values.is_empty() && BTreeSet::from_iter(values).len() == values.len()
            })
        }
        if is_valid(self.transport.as_ref()) && is_valid(self.compression.as_ref()) {
            return Ok(());
        }
        Err("vary: `transport` and `compression` must not be empty or contain a value twice"
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vary(table: &str) -> Vary {
        toml::from_str(table).unwrap()
    }

    fn names(vary: &Vary) -> Vec<String> {
        vary.variants().iter().map(|variant| variant.name_of("case")).collect()
    }

    #[test]
    fn every_value_of_an_axis_is_combined_with_every_value_of_the_other() {
        let both = vary("transport = [\"plain\", \"mtls\"]\ncompression = [\"none\", \"deflate\"]");
        assert_eq!(names(&both), ["case", "deflate/case", "mtls/case", "mtls+deflate/case"]);
        assert_eq!(names(&Vary::default()), ["case"]);
    }

    #[test]
    fn an_axis_that_is_not_named_is_that_of_the_file() {
        let file = vary("transport = [\"unix\"]\ncompression = [\"gzip\"]");
        assert_eq!(names(&vary("transport = [\"tls\"]").or(&file)), ["tls+gzip/case"]);
        assert_eq!(names(&Vary::default().or(&file)), ["unix+gzip/case"]);
    }

    #[test]
    fn an_axis_has_values_and_each_once() {
        assert_eq!(vary("transport = [\"tls\", \"unix\"]").check(), Ok(()));
        assert!(vary("transport = []").check().is_err());
        assert!(vary("compression = [\"gzip\", \"gzip\"]").check().is_err());
        assert!(toml::from_str::<Vary>("transport = [\"pigeon\"]").is_err());
    }
}
