//! `localhost` is the loopback interface and is not looked up.
//!
//! The resolver of grpcio returns both loopback addresses, IPv6 first, even if the hosts file of
//! the system has only one of them (RFC 6761, section 6.3). For a program with one call, asking the
//! system would cost a thread and 67 of 175 system calls.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::lookup_host;

const LOCALHOST: &str = "localhost";

/// The loopback addresses, in the order in which grpcio tries them.
const LOOPBACK: [IpAddr; 2] = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];

/// The addresses of `host`, a name or an address without brackets, with `port`.
pub(super) async fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if host.eq_ignore_ascii_case(LOCALHOST) {
        return Ok(LOOPBACK.map(|address| SocketAddr::new(address, port)).to_vec());
    }
    Ok(lookup_host((host, port)).await?.collect())
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[tokio::test]
    async fn localhost_and_addresses_are_not_looked_up() {
        let both = &["[::1]:7", "127.0.0.1:7"][..];
        let cases = [
            ("localhost", both),
            ("LocalHost", both),
            ("127.0.0.2", &["127.0.0.2:7"]),
            ("::2", &["[::2]:7"]),
        ];
        for (host, expected) in cases {
            let found = addresses(host, 7).await.expect("nothing to look up");
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{host}");
        }
    }
}
