//! The name that the certificate of a server has to contain.
//!
//! A type of its own, so that an invalid name is an error of the command line, before anything is
//! opened, and not an error of a handshake.

use std::str::FromStr;

use http::uri::Authority;
use tokio_rustls::rustls::pki_types::{IpAddr, ServerName};

/// The subject of a certificate: a DNS name or an IP address, without a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerName {
    authority: Authority,
    name: ServerName<'static>,
}

/// The text is neither a DNS name nor an IP address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no name of a server: give a DNS name or an IP address, without a port")]
pub struct PeerNameError(String);

impl PeerName {
    /// The name in the syntax of HTTP.
    pub(super) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The name in the syntax of TLS.
    pub(super) fn server_name(&self) -> ServerName<'static> {
        self.name.clone()
    }
}

impl FromStr for PeerName {
    type Err = PeerNameError;

    fn from_str(text: &str) -> Result<Self, PeerNameError> {
        let invalid = || PeerNameError(text.to_owned());
        let name = ServerName::try_from(text.to_owned()).map_err(|_| invalid())?;
        let authority = match name {
            ServerName::IpAddress(IpAddr::V6(_)) => format!("[{text}]").parse(),
            _ => text.parse(),
        };
        Ok(Self { authority: authority.map_err(|_| invalid())?, name })
    }
}

#[cfg(test)]
mod tests {
    use super::PeerName;

    #[test]
    fn names_and_addresses_are_parsed() {
        for (text, authority) in [
            ("calculator.example", "calculator.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "[::1]"),
        ] {
            let name: PeerName = text.parse().expect(text);
            assert_eq!(
                (name.authority().as_str(), &*name.server_name().to_str()),
                (authority, text)
            );
        }
    }

    #[test]
    fn an_invalid_name_is_quoted_in_the_error() {
        for bad in ["a:1", "", "[::1]", "a b"] {
            let error = bad.parse::<PeerName>().expect_err(bad).to_string();
            assert!(error.starts_with(&format!("'{bad}' is no name of a server")), "{error}");
        }
    }
}
