//! Which servers are reached through an HTTP proxy, as environment variables say.
//!
//! The rules are those of grpcio, which differ from those of other programs: only names in lower
//! case count, `https_proxy` comes before `http_proxy` even without TLS, and `*` is no wildcard.
//! Only [`Proxies::from_env`] reads the environment, so a program decides whether it counts.

use std::env;
use std::ffi::OsString;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;

use super::http_connect::{ConnectRequest, Credentials};
use crate::grpcio::address::Address;

/// The variables with the URI of the proxy. Only the first that is set counts.
const PROXY_VARIABLES: [&str; 3] = ["grpc_proxy", "https_proxy", "http_proxy"];

/// The variables with the servers to reach without the proxy. Only the first that is set counts.
const EXCEPTION_VARIABLES: [&str; 2] = ["no_grpc_proxy", "no_proxy"];

/// An HTTP proxy, and the servers that are reached without it. By default there is no proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    proxy: Option<Proxy>,
    exceptions: Vec<String>,
}

/// An HTTP proxy that opens connections for its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proxy {
    /// The host and usually a port. If they are invalid, all connections fail, because going
    /// around a proxy must be asked for.
    pub(super) name: String,
    credentials: Option<Credentials>,
}

/// The value of an environment variable is not the URI of an HTTP proxy. The value is not in the
/// message, because it may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the environment variable {variable} {reason}: give http://HOST:PORT or \
     http://USER:PASSWORD@HOST:PORT, or an empty value for no proxy"
)]
pub struct ProxyError {
    variable: &'static str,
    reason: Reason,
}

/// What is wrong with the URI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error("is not text in UTF-8")]
    NotText,
    #[error("does not begin with a scheme")]
    NoScheme,
    #[error("has the scheme '{0}', which is not supported")]
    Scheme(String),
    #[error("contains no host")]
    NoHost,
}

impl Proxies {
    /// The proxy in `grpc_proxy`, `https_proxy` or `http_proxy`, except for the servers in
    /// `no_grpc_proxy` or `no_proxy`.
    ///
    /// With an invalid URI, grpcio connects without a proxy. For that, ignore the error.
    pub fn from_env() -> Result<Self, ProxyError> {
        Self::from_variables(|name| env::var_os(name))
    }

    /// The same with other values of the variables.
    pub fn from_variables(get: impl Fn(&str) -> Option<OsString>) -> Result<Self, ProxyError> {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|&name| get(name).map(|value| (name, value)))
        };
        let Some((variable, value)) = first(&PROXY_VARIABLES) else { return Ok(Self::default()) };
        if value.is_empty() {
            return Ok(Self::default());
        }
        let proxy = value.into_string().map_err(|_| Reason::NotText);
        let proxy = proxy.and_then(|uri| Proxy::parse(&uri));
        let proxy = proxy.map_err(|reason| ProxyError { variable, reason })?;
        let exceptions = first(&EXCEPTION_VARIABLES).map(|(_, value)| value).unwrap_or_default();
        let exceptions = exceptions.to_string_lossy();
        let exceptions = exceptions.split(',').map(|entry| entry.trim_ascii().to_owned());
        Ok(Self { proxy: Some(proxy), exceptions: exceptions.collect() })
    }

    /// The proxy for a server, if there is one, and what to request from it. `host` is a name or an
    /// address without brackets.
    pub(super) fn route(&self, host: &str, port: u16) -> Option<(&Proxy, ConnectRequest)> {
        let proxy = self.proxy.as_ref()?;
        if self.exceptions.iter().any(|entry| is_domain(entry, host) || is_subnet(entry, host)) {
            return None;
        }
        let server =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Some((proxy, ConnectRequest { server, credentials: proxy.credentials.clone() }))
    }
}

impl Proxy {
    fn parse(uri: &str) -> Result<Self, Reason> {
        let (scheme, rest) = uri.split_once(':').ok_or(Reason::NoScheme)?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !is_scheme {
            return Err(Reason::NoScheme);
        }
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(Reason::Scheme(scheme.to_owned()));
        }
        let rest = rest.strip_prefix("//").ok_or(Reason::NoHost)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // A password may contain `@`.
        let (credentials, name) = authority.rsplit_once('@').unwrap_or(("", authority));
        let name = percent_decode_str(name).decode_utf8().map_err(|_| Reason::NotText)?;
        let name = name.trim_ascii_end().to_owned();
        if name.is_empty() {
            return Err(Reason::NoHost);
        }
        let credentials: Vec<u8> = percent_decode_str(credentials).collect();
        let credentials = (!credentials.is_empty()).then_some(Credentials(credentials));
        Ok(Self { name, credentials })
    }

    /// The host, without brackets, and the port, which is 443 by default. `None` if they are
    /// invalid.
    pub(super) fn host_and_port(&self) -> Option<(String, u16)> {
        let authority = Address::parse_authority(&self.name)?;
        let (host, port) = Address::host_and_port(&authority);
        Some((host.to_owned(), port))
    }
}

/// Whether `host` is `entry` or a subdomain of it. A dot may precede the name of a domain. Addresses
/// are compared in the same way.
fn is_domain(entry: &str, host: &str) -> bool {
    let domain = entry.strip_prefix('.').unwrap_or(entry);
    let Some(start) = host.len().checked_sub(domain.len()) else { return false };
    let (front, back) = host.as_bytes().split_at(start);
    !domain.is_empty()
        && back.eq_ignore_ascii_case(domain.as_bytes())
        && (front.is_empty() || front.ends_with(b"."))
}

/// Whether `host` is an address in the subnet `entry`: `ADDRESS/BITS`.
///
/// The last part of the subnet, which the mask hides, is ignored. More bits than an address has
/// are all bits.
fn is_subnet(entry: &str, host: &str) -> bool {
    let parse = || -> Option<bool> {
        let (network, bits) = entry.split_once('/')?;
        let network = network.trim_start_matches('[').trim_end_matches(']');
        let bits: u32 = bits.trim_ascii().parse().ok()?;
        Some(match (network.parse().ok()?, host.parse().ok()?) {
            (IpAddr::V4(network), IpAddr::V4(host)) => {
                let shift = u32::BITS.saturating_sub(bits);
                (network.to_bits() ^ host.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(host)) => {
                let shift = u128::BITS.saturating_sub(bits);
                (network.to_bits() ^ host.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        })
    };
    parse().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::Proxies;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    /// Names and values.
    type Variables<'a> = &'a [(&'a str, &'a str)];

    fn proxies(variables: Variables<'_>) -> Result<Proxies, String> {
        let get = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Proxies::from_variables(get).map_err(|error| error.to_string())
    }

    /// The proxy for `a.example:7`, with the request to it.
    fn proxy(variables: Variables<'_>) -> Option<String> {
        let proxies = proxies(variables).expect("a valid URI");
        proxies.route("a.example", 7).map(|(proxy, request)| {
            assert_eq!(request.server, "a.example:7");
            proxy.name.clone()
        })
    }

    #[test]
    fn only_the_first_variable_that_is_set_counts() {
        const FIRST: &str = "http://first:1";
        const SECOND: &str = "http://second:2";
        let cases: &[(Variables<'_>, Option<&str>)] = &[
            (&[], None),
            (&[("grpc_proxy", FIRST)], Some("first:1")),
            (&[("https_proxy", FIRST)], Some("first:1")),
            (&[("http_proxy", FIRST)], Some("first:1")),
            (&[("http_proxy", SECOND), ("https_proxy", FIRST)], Some("first:1")),
            (&[("https_proxy", SECOND), ("grpc_proxy", FIRST)], Some("first:1")),
            (&[("grpc_proxy", ""), ("http_proxy", SECOND)], None),
            (&[("http_proxy", "")], None),
            (&[("HTTP_PROXY", FIRST), ("GRPC_PROXY", FIRST), ("HTTPS_PROXY", FIRST)], None),
            (&[("all_proxy", FIRST)], None),
            (&[("http_proxy", FIRST), ("no_proxy", "a.example")], None),
            (&[("http_proxy", FIRST), ("no_grpc_proxy", "a.example"), ("no_proxy", "b")], None),
            (
                &[("http_proxy", FIRST), ("no_grpc_proxy", "b"), ("no_proxy", "a.example")],
                Some("first:1"),
            ),
            (
                &[("http_proxy", FIRST), ("no_grpc_proxy", ""), ("no_proxy", "a.example")],
                Some("first:1"),
            ),
            (&[("http_proxy", FIRST), ("NO_PROXY", "a.example")], Some("first:1")),
        ];
        for (variables, expected) in cases {
            assert_eq!(proxy(variables).as_deref(), *expected, "{variables:?}");
        }
    }

    #[test]
    fn the_uri_has_a_host_and_may_have_a_port_and_credentials() {
        let cases: &[(&str, &str, u16, &[u8])] = &[
            ("http://p:3128", "p", 3128, b""),
            ("HTTP://p:3128", "p", 3128, b""),
            ("http://p:3128/", "p", 3128, b""),
            ("http://p:3128/a b?c#d", "p", 3128, b""),
            ("http://p:3128?c", "p", 3128, b""),
            ("http://p:3128 ", "p", 3128, b""),
            ("http://%70:3128", "p", 3128, b""),
            ("http://p", "p", 443, b""),
            ("http://p:", "p", 443, b""),
            ("http://p:http", "p", 80, b""),
            ("http://[::1]:3128", "::1", 3128, b""),
            ("http://user:pa%73s@p:3128", "p", 3128, b"user:pass"),
            ("http://user@p:3128", "p", 3128, b"user"),
            ("http://@p:3128", "p", 3128, b""),
            ("http://a@b:c@p:3128", "p", 3128, b"a@b:c"),
            ("http://u:%40%20%3A%ff%zz@p:3128", "p", 3128, b"u:@ :\xff%zz"),
        ];
        for (uri, host, port, credentials) in cases {
            let proxies = proxies(&[("http_proxy", uri)]).expect(uri);
            let (proxy, request) = proxies.route("a.example", 7).expect(uri);
            assert_eq!(proxy.host_and_port(), Some(((*host).to_owned(), *port)), "{uri}");
            let found = request.credentials.map(|found| found.0).unwrap_or_default();
            assert_eq!(found, *credentials, "{uri}");
        }
    }

    #[test]
    fn an_invalid_host_or_port_is_no_reason_to_go_around_the_proxy() {
        for uri in [
            "http://p:x",
            "http://p:65536",
            "http://:1",
            "http://a b:1",
            "http://a,b:1",
            "http://[::1",
            "http://u:p@:1",
        ] {
            let proxies = proxies(&[("http_proxy", uri)]).expect(uri);
            let (proxy, _) = proxies.route("a.example", 7).expect(uri);
            assert_eq!(proxy.host_and_port(), None, "{uri}");
        }
    }

    #[test]
    fn an_invalid_uri_is_an_error_that_hides_the_password() {
        for (uri, reason) in [
            ("secret:1", "http_proxy has the scheme 'secret', which is not supported: give "),
            ("127.0.0.1:1", "http_proxy does not begin with a scheme: give http://HOST:PORT "),
            ("p", "does not begin with a scheme"),
            (" http://p:1", "does not begin with a scheme"),
            ("://p:1", "does not begin with a scheme"),
            ("hü://p:1", "does not begin with a scheme"),
            ("https://u:hidden@p:1", "has the scheme 'https', which is not supported"),
            ("ftp://p:1", "has the scheme 'ftp', which is not supported"),
            ("http:p:1", "contains no host"),
            ("http:///p:1", "contains no host"),
            ("http://", "contains no host"),
            ("http://u:hidden@", "contains no host"),
            ("http://%ff:1", "is not text in UTF-8"),
        ] {
            // An error does not make the next variable count.
            let error = proxies(&[("http_proxy", uri)]).expect_err(uri);
            assert!(error.contains(reason) && !error.contains("hidden"), "{uri}: {error}");
            let error = proxies(&[("grpc_proxy", uri), ("http_proxy", "http://p:1")]);
            assert!(error.expect_err(uri).contains("grpc_proxy"), "{uri}");
        }
        let error = Proxies::from_variables(|_| Some(OsString::from_vec(b"http://\xff".to_vec())));
        assert!(error.expect_err("no text").to_string().contains("is not text in UTF-8"));
    }

    #[test]
    fn servers_with_these_entries_need_no_proxy() {
        let cases = [
            ("localhost", "localhost", true),
            ("localhost", " LOCALHOST ", true),
            ("localhost", "a, localhost", true),
            ("localhost", ".localhost", true),
            ("localhost", "host", false),
            ("localhost", "a;localhost", false),
            ("localhost", "*", false),
            ("localhost", "", false),
            ("localhost", " ", false),
            ("localhost", ",,", false),
            ("localhost", "localhost:7", false),
            ("localhost", "127.0.0.0/8", false),
            ("a.b.example", "example", true),
            ("a.b.example", ".example", true),
            ("a.b.example", "B.EXAMPLE", true),
            ("a.b.example", ".a.b.example", true),
            ("a.b.example", "..example", false),
            ("a.b.example", "xample", false),
            ("a.b.example", "*.example", false),
            ("a.b.example", "example.", false),
            ("a.b.example", ".", false),
            ("a.b.example", "..", false),
            ("a.b.example", "z.a.b.example", false),
            ("a.b.example.", "example", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "0.1", true),
            ("127.0.0.1", ".1", true),
            ("127.0.0.1", "1", true),
            ("127.0.0.1", "127.0.0.0/8", true),
            ("127.0.0.1", "x,127.0.0.0/8 ,y", true),
            ("127.0.0.1", "127.0.0.1/32", true),
            ("127.0.0.1", "127.0.0.1/33", true),
            ("127.0.0.1", "1.0.0.0/0", true),
            ("127.0.0.1", "127.255.0.0/08", true),
            ("127.0.0.1", "127.0.0.0/ 8", true),
            ("127.0.0.1", "127.0.0.0/+8", true),
            ("127.0.0.1", "127.0.0.2/31", false),
            ("127.0.0.1", "127.0.0.0/8/1", false),
            ("127.0.0.1", "127.0.0.0//8", false),
            ("127.0.0.1", "127.0.0.0 /8", false),
            ("127.0.0.1", "127.0.0.1/", false),
            ("127.0.0.1", "127.0.0.0/-1", false),
            ("127.0.0.1", "127.0.0.0/8x", false),
            ("127.0.0.1", "127.0.0.1/4294967296", false),
            ("127.0.0.1", "127.1/8", false),
            ("127.0.0.1", "/8", false),
            ("127.0.0.1", "::/0", false),
            ("127.0.0.1", "::ffff:127.0.0.0/104", false),
            ("::1", "::1", true),
            ("::1", "::/0", true),
            ("::1", "[::]/0", true),
            ("::1", "::1/128", true),
            ("::1", "::1/129", true),
            ("::1", "::2/128", false),
            ("::1", "[::1]", false),
            ("::1", "0.0.0.0/0", false),
            ("::ffff:127.0.0.1", "127.0.0.0/8", false),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.0/104", true),
        ];
        for (host, exceptions, expected) in cases {
            let proxies = proxies(&[("http_proxy", "http://p:1"), ("no_proxy", exceptions)]);
            let route = proxies.expect("a valid URI").route(host, 7).is_none();
            assert_eq!(route, expected, "{host} with {exceptions:?}");
        }
    }

    #[test]
    fn the_request_names_the_server_in_the_syntax_of_http() {
        let proxies = proxies(&[("http_proxy", "http://p:1")]).expect("a valid URI");
        for (host, port, server) in [
            ("LOCALHOST", 7, "LOCALHOST:7"),
            ("::1", 443, "[::1]:443"),
            ("10.0.0.1", 1, "10.0.0.1:1"),
        ] {
            let (_, request) = proxies.route(host, port).expect("a proxy");
            assert_eq!(request.server, server);
        }
    }
}
