//! Credentials that are not as usual, by name: the files are made at run time.

use serde::Deserialize;

/// How the client's side of TLS is not as usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientTls {
    /// Whose certificates are trusted.
    #[serde(default)]
    pub(crate) ca: Authority,
    /// Whom the server's certificate has to name, if not the host of its address.
    pub(crate) name: Option<String>,
    /// With mutual TLS: what the client shows.
    #[serde(default)]
    pub(crate) client_certificate: ClientCertificate,
}

/// Who has signed a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Authority {
    /// The one of this run.
    #[default]
    Own,
    /// Another, which has signed nothing that a server shows.
    Other,
}

/// The client's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ClientCertificate {
    /// Signed by the authority that the server trusts.
    #[default]
    Own,
    /// Signed by another.
    Other,
    None,
}

/// The server's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ServerCertificate {
    /// Good for this machine.
    #[default]
    Good,
    /// Good until some years ago.
    Expired,
    /// Good for another host.
    Elsewhere,
}
