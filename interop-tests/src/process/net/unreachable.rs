//! Addresses where no server answers.
//!
//! Both are real sockets that the harness holds for the whole run, so that no other program can
//! get their ports in between.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use socket2::{Domain, Socket, Type};

/// Two ports without a server.
#[derive(Debug)]
pub(crate) struct UnreachableAddresses {
    /// Bound and never listening: connections are refused.
    nobody: Socket,
    /// Listening, and nobody accepts: the kernel takes connections and nothing ever answers.
    silence: TcpListener,
}

impl UnreachableAddresses {
    pub(crate) fn open() -> io::Result<Self> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let nobody = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        nobody.bind(&any.into())?;
        Ok(Self { nobody, silence: TcpListener::bind(any)? })
    }

    pub(crate) fn nobody(&self) -> io::Result<String> {
        let address = self.nobody.local_addr()?.as_socket();
        address.map(|address| address.to_string()).ok_or_else(|| io::ErrorKind::Other.into())
    }

    pub(crate) fn silence(&self) -> io::Result<String> {
        self.silence.local_addr().map(|address| address.to_string())
    }
}

/// A port for a server that has to come back at the same address.
pub(crate) fn port_to_come_back_to() -> io::Result<u16> {
    static PORTS: Ports = Ports { first: 20_000, given: AtomicU16::new(0) };
    PORTS.next()
}

/// A port at which nobody has been in this run. Clients remember, beyond the end of a channel, that
/// nobody listened at an address, and the kernel soon gives the same port again.
pub(crate) fn fresh_port() -> io::Result<u16> {
    static PORTS: Ports = Ports { first: 10_000, given: AtomicU16::new(0) };
    PORTS.next()
}

/// Ports that are given one after the other, none of them twice.
///
/// Below the range from which the kernel gives ports to outgoing connections, so that one is still
/// free after the server was away.
struct Ports {
    first: u16,
    given: AtomicU16,
}

impl Ports {
    fn next(&self) -> io::Result<u16> {
        const COUNT: u16 = 10_000;
        // Runs side by side start at different places.
        let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or_default();
        let given = || self.given.fetch_add(1, Ordering::Relaxed) % COUNT;
        (0..COUNT)
            .map(|_| self.first + (start + given()) % COUNT)
            .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
            .ok_or_else(|| io::ErrorKind::AddrInUse.into())
    }
}
