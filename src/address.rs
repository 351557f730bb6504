//! Where a server listens and where a client connects: `HOST:PORT`.
//!
//! A type of its own so that a wrong address is an error of the command line, before anything is
//! opened, and not one of the resolver.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::Authority;

/// `HOST:PORT`: a name, an IPv4 address or an IPv6 address in brackets, and a port, never absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    authority: Authority,
    uri: Uri,
}

/// The text is no `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an address: give HOST:PORT, such as localhost:50051 or [::1]:50051")]
pub struct AddressError(String);

impl Address {
    /// `HOST:PORT`, as the authority of a URI.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// The same, as the URI of a server without TLS.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        text.parse::<Authority>()
            .ok()
            .filter(|authority| authority.port_u16().is_some() && !authority.host().is_empty())
            .filter(|authority| !authority.as_str().contains('@'))
            .and_then(|authority| {
                let uri = format!("http://{authority}/").parse().ok()?;
                Some(Self { authority, uri })
            })
            .ok_or_else(|| AddressError(text.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_host_and_a_port() {
        for good in ["localhost:50051", "127.0.0.1:1", "[::1]:50051", "[::]:0"] {
            assert_eq!(good.parse::<Address>().map(|address| address.to_string()), Ok(good.into()));
        }
    }

    #[test]
    fn anything_else_is_named_in_the_error() {
        for bad in ["", "localhost", "host:", ":1", "a b:1", "me@host:1", "http://x:1", "x:65536"] {
            let error = bad.parse::<Address>().expect_err(bad);
            assert!(error.to_string().starts_with(&format!("'{bad}' is not an address")));
        }
    }
}
