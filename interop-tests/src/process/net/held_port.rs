//! A TCP port that the kernel chooses for no other socket.
//!
//! A server that restarts, or that has a fixed port, needs a port that stays free until then. The kernel could choose
//! it for a connection, or for a server that asked for any port, because ports that users choose are often in the
//! range of ephemeral ports (50051 is, by default), and that range can be all ports.
//!
//! On Linux, a socket that is bound and does not listen prevents that. A server can still bind the port, because both
//! sockets have `SO_REUSEADDR`, which every gRPC stack sets for servers. Clients are refused as if there were no socket.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// Keeps a port from being chosen until it is dropped. On systems other than Linux it does nothing, because there a
/// server could not bind the port.
#[derive(Debug)]
pub(crate) struct HeldPort {
    #[allow(dead_code, reason = "it is held")]
    socket: Option<Socket>,
}

impl HeldPort {
    /// Holds `port` on all addresses. The error has the kind `AddrInUse` if a socket already uses it, including one
    /// of a connection.
    pub(crate) fn hold(port: u16) -> io::Result<Self> {
        if !cfg!(target_os = "linux") {
            return Ok(Self { socket: None });
        }
        let socket = match bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))) {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                // IPv6 is disabled.
                bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?
            }
            bound => bound?,
        };
        Ok(Self { socket: Some(socket) })
    }
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    // grpcio's servers set it.
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn port_of(held: &HeldPort) -> u16 {
        let socket = held.socket.as_ref().expect("a socket");
        let address = socket.local_addr().expect("bound").as_socket();
        address.expect("an IP address").port()
    }

    #[test]
    fn a_server_can_use_a_held_port_and_nothing_listens_before() {
        let held = HeldPort::hold(0).expect("a free port");
        let address = (Ipv4Addr::LOCALHOST, port_of(&held));
        let refused = TcpStream::connect(address).expect_err("nothing listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        for _ in 0..2 {
            let _server = TcpListener::bind(address).expect("a server can listen");
            TcpStream::connect(address).expect("a client can connect");
        }
    }

    #[test]
    fn a_port_in_use_cannot_be_held() {
        let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = server.local_addr().expect("bound").port();
        let error = HeldPort::hold(port).expect_err("a server listens");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
