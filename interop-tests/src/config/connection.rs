//! How a call reaches its destination: the address and the credentials of both sides.
//!
//! Tables name them; the addresses and the files are created at run time.

use serde::Deserialize;

/// The destination of a call, as `to` in a scenario names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Target {
    /// The server under test.
    #[default]
    #[serde(rename = "server")]
    Server,
    /// A port at which nothing listens: connections are refused.
    #[serde(rename = "nobody")]
    ClosedPort,
    /// A port that accepts connections and never sends a byte.
    #[serde(rename = "silence")]
    SilentPort,
}

/// The client's side of TLS, where it is not the usual one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientTls {
    /// The authority whose certificates the client trusts.
    #[serde(default)]
    pub(crate) ca: Authority,
    /// The name that the server's certificate must have, if not the host of its address.
    pub(crate) name: Option<String>,
    /// With mutual TLS: the client's certificate.
    #[serde(default)]
    pub(crate) client_certificate: ClientCertificate,
}

/// A certificate authority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Authority {
    /// The authority of this run, which has signed the servers' certificates.
    #[default]
    Own,
    /// Another one.
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
    None,
}

/// The server's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum ServerCertificate {
    /// Valid, for this machine.
    #[default]
    Good,
    /// Expired.
    Expired,
    /// Valid, for another host.
    Elsewhere,
}

impl ServerCertificate {
    pub(crate) fn name(self) -> &'static str {
        self.into()
    }
}
