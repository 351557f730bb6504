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
    /// The address of a port at which nothing listens.
    pub(crate) closed: String,
    /// The address of a port that accepts connections and never sends a byte.
    pub(crate) silent: String,
    /// One is bound for the whole run and never listens, so that connections are refused. The other listens for
    /// the whole run and accepts nothing, so that the kernel takes connections.
    _bound: (Socket, TcpListener),
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
        let address = closed.local_addr()?.as_socket().ok_or(io::ErrorKind::Other)?;
        let silent = TcpListener::bind(any)?;
        Ok(Self {
            closed: address.to_string(),
            silent: silent.local_addr()?.to_string(),
            _bound: (closed, silent),
            folder: OnceLock::new(),
            sockets: AtomicUsize::new(0),
        })
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
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    next_port(20_000, &GIVEN)
}

/// A port that has not been used in this run.
pub(crate) fn fresh_port() -> io::Result<u16> {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    next_port(10_000, &GIVEN)
}

/// The next port from `first` on that is free, after the ports that were `given` out before.
///
/// These ports are below the range from which the kernel gives ports to outgoing connections, so that a port is
/// still free after its server was away.
fn next_port(first: u16, given: &AtomicU16) -> io::Result<u16> {
    const COUNT: u16 = 10_000;
    // Runs side by side start at different places.
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or_default();
    let next = || given.fetch_add(1, Ordering::Relaxed) % COUNT;
    (0..COUNT)
        .map(|_| first + (start + next()) % COUNT)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| io::ErrorKind::AddrInUse.into())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_closed_port_refuses_and_a_silent_port_accepts() {
        let addresses = Addresses::open().expect("two ports");
        let refused = TcpStream::connect(&addresses.closed);
        assert_eq!(refused.expect_err("nothing listens").kind(), ErrorKind::ConnectionRefused);
        TcpStream::connect(&addresses.silent).expect("it accepts");
    }

    #[test]
    fn no_address_is_given_out_twice() {
        let addresses = Addresses::open().expect("two ports");
        assert_ne!(addresses.next_socket(), addresses.next_socket());
        assert_ne!(fresh_port().expect("a port"), fresh_port().expect("a port"));
    }
}
