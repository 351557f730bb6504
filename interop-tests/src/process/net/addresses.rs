//! Addresses that the tool chooses: those of servers that come back, and those where no server answers.
//!
//! Clients remember, beyond the end of a channel, that no server was at an address, and the kernel soon
//! gives the same port again. So no address is given out twice in a run.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

/// The addresses of a run.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// Bound for the whole run and never listening: connections are refused.
    closed: Socket,
    /// Listening for the whole run, and nothing is accepted: the kernel takes connections and no byte is
    /// ever sent.
    silent: TcpListener,
    /// Below the system's folder for temporary files, because the path of a socket must be shorter than
    /// about a hundred bytes. It goes away with the run.
    folder: OnceLock<Result<TempDir, String>>,
    sockets: AtomicUsize,
}

impl Addresses {
    pub(crate) fn open() -> io::Result<Self> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let closed = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        closed.bind(&any.into())?;
        let (folder, sockets) = (OnceLock::new(), AtomicUsize::new(0));
        Ok(Self { closed, silent: TcpListener::bind(any)?, folder, sockets })
    }

    /// A port at which nothing listens.
    pub(crate) fn closed(&self) -> io::Result<String> {
        let address = self.closed.local_addr()?.as_socket();
        address.map(|address| address.to_string()).ok_or_else(|| io::ErrorKind::Other.into())
    }

    /// A port that accepts connections and never sends a byte.
    pub(crate) fn silent(&self) -> io::Result<String> {
        self.silent.local_addr().map(|address| address.to_string())
    }

    /// An address of a Unix socket, `unix:PATH`, that no other call gives.
    pub(crate) fn next_socket(&self) -> Result<String, String> {
        let make = || {
            let folder = tempfile::Builder::new().prefix("interop-").tempdir();
            folder.map_err(|error| format!("no folder for sockets can be made: {error}"))
        };
        let folder = self.folder.get_or_init(make).as_ref().map_err(Clone::clone)?;
        let number = self.sockets.fetch_add(1, Ordering::Relaxed);
        Ok(format!("unix:{}", folder.path().join(format!("{number}.sock")).display()))
    }
}

/// A port for a server that comes back at the same address.
pub(crate) fn lasting_port() -> io::Result<u16> {
    static PORTS: Ports = Ports { first: 20_000, given: AtomicU16::new(0) };
    PORTS.next()
}

/// A port that has not been used in this run.
pub(crate) fn fresh_port() -> io::Result<u16> {
    static PORTS: Ports = Ports { first: 10_000, given: AtomicU16::new(0) };
    PORTS.next()
}

/// Ports that are given out one after the other.
///
/// They are below the range from which the kernel gives ports to outgoing connections, so that a port is
/// still free after its server was away.
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

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_closed_port_refuses_and_a_silent_port_accepts() {
        let addresses = Addresses::open().expect("two ports");
        let refused = TcpStream::connect(addresses.closed().expect("its address"));
        assert_eq!(refused.expect_err("nothing listens").kind(), ErrorKind::ConnectionRefused);
        TcpStream::connect(addresses.silent().expect("its address")).expect("it accepts");
    }

    #[test]
    fn no_address_is_given_out_twice() {
        let addresses = Addresses::open().expect("two ports");
        assert_ne!(addresses.next_socket(), addresses.next_socket());
        assert_ne!(fresh_port().expect("a port"), fresh_port().expect("a port"));
    }
}
