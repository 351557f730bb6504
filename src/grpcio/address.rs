//! The address of a server, in the forms that grpcio's channel accepts.
//!
//! A type of its own, so that an invalid address is an error of the command line, before anything
//! is opened, and not an error of the resolver.

use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use http::uri::Authority;
use percent_encoding::{AsciiSet, percent_decode_str, percent_encode};

/// The schemes of gRPC Name Resolution that are supported.
const SCHEMES: [&str; 5] = ["dns", "ipv4", "ipv6", "unix", "unix-abstract"];

/// The port of an address without one, with and without TLS.
const DEFAULT_PORT: u16 = 443;

/// The bytes of a path that are not written as they are: those that would be decoded, or are no text.
const ENCODED: AsciiSet = percent_encoding::CONTROLS.add(b'%');

/// Where a server listens and a client connects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `HOST:PORT` or `HOST`, also after `dns:` or `dns:///`: a name, an IPv4 address or a bracketed
    /// IPv6 address. Without a port it is 443. Clients try all addresses of a name.
    Tcp(Authority),
    /// `ipv4:IP:PORT,…` or `ipv6:[IP]:PORT,…`: addresses of one server, at least one. Clients try
    /// them in this order.
    Sockets(Vec<SocketAddr>),
    /// `unix:PATH` or `unix:///PATH`: a socket in the file system.
    Unix(PathBuf),
    /// `unix-abstract:NAME`: a socket that has no file, on Linux.
    UnixAbstract(Vec<u8>),
}

/// The text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not an address: give HOST:PORT, such as localhost:50051 or [::1]:50051, HOST for port \
     443, dns:///HOST:PORT, ipv4:IP:PORT,…, ipv6:[IP]:PORT,…, unix:PATH or unix-abstract:NAME"
)]
pub struct AddressError(String);

impl Address {
    /// The host of `authority`, without brackets, and its port.
    pub(crate) fn host_and_port(authority: &Authority) -> (&str, u16) {
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        (host, authority.port_u16().unwrap_or(DEFAULT_PORT))
    }

    /// Parses `HOST:PORT` or `HOST`, where the port may also be `http` or `https`.
    pub(crate) fn parse_authority(text: &str) -> Option<Authority> {
        // Like grpcio, but in the syntax of HTTP, without which there would be no authority.
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return format!("[{address}]").parse().ok();
        }
        let end_of_host = text.rfind(']').unwrap_or_default();
        let (host, port) = match text[end_of_host..].find(':') {
            Some(colon) => text.split_at(end_of_host + colon),
            None => (text, ""),
        };
        let text = match port {
            // A port may be missing after its colon.
            ":" => host,
            // grpcio knows these names even if the system does not.
            ":https" => &format!("{host}:443"),
            ":http" => &format!("{host}:80"),
            _ => text,
        };
        if let Some(bracketed) = host.strip_prefix('[') {
            bracketed.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?;
        }
        text.parse::<Authority>()
            .ok()
            .filter(|authority| authority.host().len() == host.len() && !host.is_empty())
            .filter(|authority| authority.port_u16().is_some() || authority.as_str() == host)
            .filter(|authority| !authority.as_str().contains(['@', ',', '%']))
            // More likely an option of a command line than a name, which cannot begin like that.
            .filter(|_| !host.starts_with('-'))
    }

    /// The path by which the operating system knows the socket of that abstract name.
    pub(crate) fn abstract_path(name: &[u8]) -> PathBuf {
        OsString::from_vec([b"\0", name].concat()).into()
    }

    /// The address of a Unix socket with this path, which may stand for an abstract name.
    pub(crate) fn of_unix(path: &Path) -> Self {
        match path.as_os_str().as_bytes().strip_prefix(b"\0") {
            Some(name) => Self::UnixAbstract(name.to_owned()),
            None => Self::Unix(path.to_owned()),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        parse(text).ok_or_else(|| AddressError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Address> {
    let Some((scheme, rest)) = split_scheme(text) else {
        return Address::parse_authority(text).map(Address::Tcp);
    };
    // A server that resolves names, which could follow `//`, is not supported; nor is it in grpcio.
    let rest = match rest.strip_prefix("//") {
        Some(rest) if rest.starts_with('/') => rest,
        Some(_) => return None,
        None => rest,
    };
    let decoded: Vec<u8> = percent_decode_str(rest).collect();
    if decoded.contains(&0) {
        return None;
    }
    match scheme {
        "unix" | "unix-abstract" if decoded.is_empty() => None,
        "unix" => Some(Address::Unix(OsString::from_vec(decoded).into())),
        "unix-abstract" => Some(Address::UnixAbstract(decoded)),
        _ => {
            let decoded = String::from_utf8(decoded).ok()?;
            let path = decoded.strip_prefix('/').unwrap_or(&decoded);
            if scheme == "dns" {
                return Address::parse_authority(path).map(Address::Tcp);
            }
            let parts = path.split(',').filter(|part| !part.is_empty());
            let addresses: Vec<SocketAddr> =
                parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
            let is_valid = !addresses.is_empty()
                && addresses.iter().all(|address| address.is_ipv4() == (scheme == "ipv4"));
            is_valid.then_some(Address::Sockets(addresses))
        }
    }
}

/// The scheme, if it is one of [`SCHEMES`], and what follows its colon.
fn split_scheme(text: &str) -> Option<(&'static str, &str)> {
    let (start, rest) = text.split_once(':')?;
    let scheme = SCHEMES.into_iter().find(|scheme| scheme.eq_ignore_ascii_case(start))?;
    Some((scheme, rest))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A name such as `unix` followed by a port would be read as a scheme.
            Self::Tcp(authority) if split_scheme(authority.as_str()).is_some() => {
                write!(f, "dns:{authority}")
            }
            Self::Tcp(authority) => f.write_str(authority.as_str()),
            Self::Sockets(addresses) => {
                let is_ipv4 = addresses.first().is_none_or(SocketAddr::is_ipv4);
                let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                write!(f, "{}:{}", if is_ipv4 { "ipv4" } else { "ipv6" }, texts.join(","))
            }
            Self::Unix(path) => write_path(f, "unix", path.as_os_str().as_bytes()),
            Self::UnixAbstract(name) => write_path(f, "unix-abstract", name),
        }
    }
}

fn write_path(f: &mut fmt::Formatter<'_>, scheme: &str, path: &[u8]) -> fmt::Result {
    // What follows the scheme is read as an absolute path after `//`.
    let slashes = if path.starts_with(b"//") { "//" } else { "" };
    write!(f, "{scheme}:{slashes}")?;
    match std::str::from_utf8(path) {
        Ok(text) => percent_encode_text(f, text),
        Err(_) => write!(f, "{}", percent_encode(path, &ENCODED)),
    }
}

/// Writes letters of any language as they are.
fn percent_encode_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for letter in text.chars() {
        if letter == '%' || letter.is_ascii_control() {
            write!(f, "%{:02X}", u32::from(letter))?;
        } else {
            write!(f, "{letter}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Address;

    /// Addresses that grpcio 1.85.1 accepts, as they are written again.
    #[test]
    fn all_forms_of_grpcio_are_parsed() {
        for (text, shown) in [
            ("localhost:50051", "localhost:50051"),
            ("LOCALHOST:1", "LOCALHOST:1"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:50051", "[::1]:50051"),
            ("[::]:0", "[::]:0"),
            ("[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1"),
            ("localhost", "localhost"),
            ("localhost:", "localhost"),
            ("localhost:https", "localhost:443"),
            ("localhost:http", "localhost:80"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[::1]:", "[::1]"),
            ("::1", "[::1]"),
            ("unix", "unix"),
            ("dns:localhost:1", "localhost:1"),
            ("DNS:localhost:1", "localhost:1"),
            ("dns:/localhost:1", "localhost:1"),
            ("dns:///localhost:1", "localhost:1"),
            ("dns:///localhost", "localhost"),
            ("dns:[::1]:1", "[::1]:1"),
            ("dns:::1", "[::1]"),
            ("dns:unix:1", "dns:unix:1"),
            ("ipv4:127.0.0.1:1", "ipv4:127.0.0.1:1"),
            ("ipv4:///127.0.0.1:1", "ipv4:127.0.0.1:1"),
            ("ipv4:127.0.0.1:1,127.0.0.2:2", "ipv4:127.0.0.1:1,127.0.0.2:2"),
            ("ipv4:127.0.0.1:1,", "ipv4:127.0.0.1:1"),
            ("ipv6:[::1]:1", "ipv6:[::1]:1"),
            ("ipv6:%5B::1%5D:1", "ipv6:[::1]:1"),
            ("ipv6:///[::1]:1,[::2]:2", "ipv6:[::1]:1,[::2]:2"),
            ("unix:/run/c", "unix:/run/c"),
            ("UNIX:/run/c", "unix:/run/c"),
            ("unix:relative", "unix:relative"),
            ("unix:///run/c", "unix:/run/c"),
            ("unix:////run/c", "unix:////run/c"),
            ("unix:/a%20b%25c", "unix:/a b%25c"),
            ("unix:/ü", "unix:/ü"),
            ("unix:/%FF", "unix:/%FF"),
            ("unix-abstract:name", "unix-abstract:name"),
            ("unix-abstract:a%2Fb%0A", "unix-abstract:a/b%0A"),
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), shown, "{text}");
            assert_eq!(shown.parse(), Ok(address), "{text}");
        }
    }

    #[test]
    fn a_missing_port_is_443() {
        for (text, host, port) in
            [("localhost", "localhost", 443), ("[::1]", "::1", 443), ("a:7", "a", 7)]
        {
            let Ok(Address::Tcp(authority)) = text.parse() else { panic!("{text}") };
            assert_eq!(Address::host_and_port(&authority), (host, port));
        }
    }

    #[test]
    fn an_invalid_address_is_quoted_in_the_error() {
        for bad in ["", ":1", ":", "a b:1", "me@host:1", "http://x:1", "x:65536", "x:-1", "x:1:2"]
            .into_iter()
            .chain([
                "x:1/path",
                "x:1?a=b",
                "x/",
                "[::1",
                "[x]:1",
                "::g",
                "x,y:1",
                "host:name",
                "-1",
            ])
            .chain(["unix:", "unix://", "unix://run/c", "unix-abstract:", "unix:/a%00b"])
            .chain(["dns:", "dns:///", "dns://8.8.8.8/localhost:1", "dns://localhost:1"])
            .chain(["ipv4:", "ipv4:127.0.0.1", "ipv4:localhost:1", "ipv4:[::1]:1"])
            .chain(["ipv4://127.0.0.1:1", "ipv6:[::1]", "ipv6:::1", "ipv6:127.0.0.1:1"])
            .chain(["ipv4:127.0.0.1:1,x", "xds:///x", "passthrough:///x:1", "vsock:1:1"])
        {
            let error = bad.parse::<Address>().expect_err(bad).to_string();
            assert!(error.starts_with(&format!("'{bad}' is not an address: give HOST:PORT")));
            for form in ["dns:///HOST:PORT", "ipv4:", "ipv6:", "unix:PATH", "unix-abstract:NAME"] {
                assert!(error.contains(form), "{form} in {error}");
            }
        }
    }
}
