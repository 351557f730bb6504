//! The addresses of a host.
//!
//! `localhost` is not looked up. To grpcio's resolver it is the loopback interface, over IPv6 first,
//! even where the system's list of hosts has only one of the two addresses (RFC 6761, section 6.3).
//! To ask the system costs a program that makes one call a thread and 67 of its 175 system calls.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::lookup_host;

const LOCALHOST: &str = "localhost";

/// In the order in which grpcio tries them.
const LOOPBACK: [IpAddr; 2] = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];

/// Where `host` may listen at `port`, a name or an address without brackets.
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
    async fn localhost_is_the_loopback_interface_and_an_address_is_itself() {
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
