//! The purposes of PEM files. Errors name them, because a program can have several such files.

use std::fmt;

/// The purpose of a PEM file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The certificate chain of a server or a client.
    Certificate,
    /// The private key of a server or a client.
    Key,
    /// The CA certificates that sign the certificates of clients.
    ClientCa,
    /// The CA certificates that sign the certificates of servers.
    ServerCa,
}

impl Content {
    /// What such a file has to contain.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::Certificate | Self::ClientCa | Self::ServerCa => "BEGIN CERTIFICATE in it",
            Self::Key => "BEGIN PRIVATE KEY in it, not encrypted",
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "TLS certificate",
            Self::Key => "TLS key",
            Self::ClientCa => "CA certificate for clients",
            Self::ServerCa => "CA certificate for servers",
        })
    }
}
