//! The address of a server: `HOST:PORT` or `unix:PATH`.
//!
//! A type of its own, so that an invalid address is an error of the command line, before anything
//! is opened, and not an error of the resolver.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use http::uri::Authority;

/// The scheme of Unix sockets (gRPC Name Resolution).
const UNIX_SCHEME: &str = "unix:";

/// Where a server listens and a client connects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `HOST:PORT`: a name, an IPv4 address or a bracketed IPv6 address, and always a port.
    Tcp(Authority),
    /// `unix:PATH` or `unix:///PATH`: a socket in the file system.
    Unix(PathBuf),
}

/// The text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not an address: give HOST:PORT, such as localhost:50051 or [::1]:50051, or unix:PATH"
)]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let invalid = || AddressError(text.to_owned());
        if let Some(path) = text.strip_prefix(UNIX_SCHEME) {
            let path = match path.strip_prefix("//") {
                Some(absolute) if !absolute.starts_with('/') => return Err(invalid()),
                Some(absolute) => absolute,
                None => path,
            };
            return if path.is_empty() { Err(invalid()) } else { Ok(Self::Unix(path.into())) };
        }
        text.parse::<Authority>()
            .ok()
            .filter(|authority| authority.port_u16().is_some() && !authority.host().is_empty())
            .filter(|authority| !authority.as_str().contains('@'))
            .map(Self::Tcp)
            .ok_or_else(invalid)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(authority) => f.write_str(authority.as_str()),
            // What follows `unix:` is read as an absolute path after `//`.
            Self::Unix(path) if path.as_os_str().as_encoded_bytes().starts_with(b"//") => {
                write!(f, "{UNIX_SCHEME}//{}", path.display())
            }
            Self::Unix(path) => write!(f, "{UNIX_SCHEME}{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_host_and_a_port_are_parsed() {
        for good in ["localhost:50051", "127.0.0.1:1", "[::1]:50051", "[::]:0"] {
            assert_eq!(good.parse::<Address>().map(|address| address.to_string()), Ok(good.into()));
        }
    }

    #[test]
    fn a_path_is_parsed() {
        for (text, shown) in [
            ("unix:/run/c", "unix:/run/c"),
            ("unix:///run/c", "unix:/run/c"),
            ("unix:////run/c", "unix:////run/c"),
        ] {
            assert_eq!(
                text.parse::<Address>().map(|address| address.to_string()),
                Ok(shown.into())
            );
        }
    }

    #[test]
    fn an_invalid_address_is_quoted_in_the_error() {
        for bad in ["", "localhost", "host:", ":1", "a b:1", "me@host:1", "http://x:1", "x:65536"]
            .into_iter()
            .chain(["unix:", "unix://run/c", "unix"])
        {
            let error = bad.parse::<Address>().expect_err(bad);
            assert!(error.to_string().starts_with(&format!("'{bad}' is not an address")));
        }
    }
}
