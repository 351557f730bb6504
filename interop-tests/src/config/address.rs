//! The address of a server: `HOST:PORT` or `unix:PATH`.
//!
//! Addresses are parsed early, so that a wrong address is an error in the command line or in a file, and not a
//! failure of a peer.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use http::uri::Authority;
use serde::Deserialize;

use crate::config::connection::Transport;

/// The scheme of Unix sockets in gRPC name resolution.
const UNIX: &str = "unix:";

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Address {
    /// `HOST:PORT`: a name, an IPv4 address or an IPv6 address in brackets, and a port.
    Tcp(Authority),
    /// `unix:PATH` or `unix:///PATH`: a socket in the file system. The path is made absolute, because clients run in
    /// other directories.
    Unix(PathBuf),
}

/// The text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not an address: use HOST:PORT, such as localhost:50051 or [::1]:50051, or unix:PATH"
)]
pub(crate) struct AddressError(String);

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        let wrong = || AddressError(text.clone());
        if let Some(path) = text.strip_prefix(UNIX) {
            let path = match path.strip_prefix("//") {
                Some(absolute) if !absolute.starts_with('/') => return Err(wrong()),
                Some(absolute) => absolute,
                None => path,
            };
            return std::path::absolute(path).map(Self::Unix).map_err(|_| wrong());
        }
        text.parse::<Authority>()
            .ok()
            .filter(|authority| authority.port_u16().is_some() && !authority.host().is_empty())
            .filter(|authority| !authority.as_str().contains('@'))
            .map(Self::Tcp)
            .ok_or_else(wrong)
    }
}

impl Address {
    /// The transport of the address, without encryption.
    pub(crate) fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) => Transport::Plain,
            Self::Unix(_) => Transport::Unix,
        }
    }

    /// The TCP port, if it has one.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(authority) => authority.port_u16(),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(authority) => f.write_str(authority.as_str()),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

/// The value of `--attach`: `ADDRESS` or `PEER=ADDRESS`.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    /// The peer whose entry describes the server, if one is named.
    pub(crate) peer: Option<String>,
    pub(crate) server: Address,
    /// The text of the option.
    pub(crate) text: String,
}

impl FromStr for Attachment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The path of a socket may contain `=`.
        let named = text.split_once('=').filter(|_| !text.starts_with("unix:"));
        let (peer, address) = named.map_or((None, text), |(peer, address)| (Some(peer), address));
        if peer.is_some_and(str::is_empty) {
            let error = "the name of the peer before `=` is empty: use PEER=ADDRESS or ADDRESS";
            return Err(error.to_owned());
        }
        let (peer, text) = (peer.map(str::to_owned), text.to_owned());
        let server =
            address.to_owned().try_into().map_err(|error: AddressError| error.to_string())?;
        Ok(Self { peer, server, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<Address, AddressError> {
        text.to_owned().try_into()
    }

    #[test]
    fn an_address_is_a_host_with_a_port_or_the_path_of_a_socket() {
        for text in ["localhost:50051", "[::1]:1", "unix:/tmp/a=b.sock"] {
            assert_eq!(address(text).expect(text).to_string(), text);
        }
        assert_eq!(
            address("unix:///tmp/x").expect("the address is invalid").to_string(),
            "unix:/tmp/x"
        );
        for text in
            ["", "localhost", ":1", "user@host:1", "http://localhost:1", "unix:", "unix://tmp/x"]
        {
            let error = address(text).expect_err(text).to_string();
            assert!(
                error.starts_with(&format!("'{text}' is not an address: use HOST:PORT")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_relative_path_starts_in_the_working_directory() {
        let here = std::env::current_dir().expect("the working directory is unknown");
        let address = address("unix:a.sock").expect("the address is invalid");
        assert_eq!(address, Address::Unix(here.join("a.sock")));
        assert_eq!((address.transport(), address.port()), (Transport::Unix, None));
    }

    #[test]
    fn a_peer_may_precede_the_address() {
        let attachment = |text: &str| {
            let Attachment { peer, server, .. } = text.parse().unwrap();
            (peer, server.to_string())
        };
        assert_eq!(attachment("rust=[::1]:1"), (Some("rust".to_owned()), "[::1]:1".to_owned()));
        assert_eq!(attachment("localhost:1"), (None, "localhost:1".to_owned()));
        assert_eq!(attachment("unix:/a=b"), (None, "unix:/a=b".to_owned()));
        assert!(
            "=localhost:1"
                .parse::<Attachment>()
                .unwrap_err()
                .starts_with("the name of the peer before `=` is empty")
        );
        assert!("rust=localhost".parse::<Attachment>().unwrap_err().contains("'localhost' is not"));
    }
}
