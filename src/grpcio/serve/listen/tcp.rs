//! Opens the TCP sockets for a host and a port.
//!
//! grpcio binds `[::]:50051` to IPv6 and IPv4, or to IPv4 alone if the machine has no IPv6, and a
//! host name to all of its addresses. It also shares its port. A listener of the standard library
//! does none of that.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use http::uri::Authority;
use socket2::{Domain, Protocol, Socket, Type};

use super::socket::{ListenError, LocalAddress, listen};
use crate::grpcio::address::Address;

/// Opens one socket for each address of the host that this machine has. All have the same port;
/// port 0 selects a free one. The list is never empty.
///
/// `[::]` also accepts IPv4.
pub(super) fn bind(
    authority: &Authority,
    reuse_port: bool,
) -> Result<Vec<TcpListener>, ListenError> {
    let resolved = Address::host_and_port(authority)
        .to_socket_addrs()
        .map_err(|source| ListenError::Resolve { address: authority.to_string(), source })?;
    bind_all(resolved, reuse_port)?
        .ok_or_else(|| ListenError::NoAddress { address: authority.to_string() })
}

/// Opens one socket for each of `addresses`, with its own port.
pub(super) fn bind_each(
    addresses: &[SocketAddr],
    reuse_port: bool,
) -> Result<Vec<TcpListener>, ListenError> {
    let bind = |&address| {
        let refused = |source| ListenError::Bind { address: LocalAddress::Tcp(address), source };
        bind_one(address, reuse_port).map_err(refused)
    };
    addresses.iter().map(bind).collect()
}

/// Returns `None` if there is no address.
fn bind_all(
    resolved: impl Iterator<Item = SocketAddr>,
    reuse_port: bool,
) -> Result<Option<Vec<TcpListener>>, ListenError> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut absent = None;
    for mut address in resolved {
        if let Some(first) = listeners.first() {
            address.set_port(local_port(first));
        }
        match bind_one(address, reuse_port) {
            Ok(listener) => listeners.push(listener),
            // A host name may have an address that this machine lacks: `/etc/hosts` gives localhost
            // an IPv6 address even if IPv6 is disabled. One usable address is enough.
            Err(source) if is_absent(&source) => {
                absent = Some(ListenError::Bind { address: LocalAddress::Tcp(address), source });
            }
            Err(source) => {
                return Err(ListenError::Bind { address: LocalAddress::Tcp(address), source });
            }
        }
    }
    if listeners.is_empty() { absent.map_or(Ok(None), Err) } else { Ok(Some(listeners)) }
}

fn local_port(listener: &TcpListener) -> u16 {
    listener.local_addr().map_or(0, |address| address.port())
}

fn bind_one(address: SocketAddr, reuse_port: bool) -> io::Result<TcpListener> {
    match open(address, reuse_port) {
        Err(error) if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && is_absent(&error) => {
            open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())), reuse_port)
        }
        result => result,
    }
}

/// Whether the machine lacks the address family (a kernel without IPv6) or the address (IPv6 is
/// disabled).
fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(EAFNOSUPPORT)
}

#[cfg(target_os = "linux")]
const EAFNOSUPPORT: i32 = 97;
#[cfg(not(target_os = "linux"))]
const EAFNOSUPPORT: i32 = 47;

fn open(address: SocketAddr, reuse_port: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // Only the unspecified address can accept both; the default depends on the machine.
        socket.set_only_v6(address.ip() != IpAddr::V6(Ipv6Addr::UNSPECIFIED))?;
    }
    // A restarted server must not wait until the connections of its predecessor time out.
    socket.set_reuse_address(true)?;
    if reuse_port {
        share_port(&socket)?;
    }
    listen(&socket, &address.into())?;
    Ok(socket.into())
}

#[cfg(not(any(windows, target_os = "solaris", target_os = "illumos", target_os = "cygwin")))]
fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(any(windows, target_os = "solaris", target_os = "illumos", target_os = "cygwin"))]
fn share_port(_: &Socket) -> io::Result<()> {
    // Not `Unsupported`, which would mean that the machine lacks the address.
    Err(io::Error::other("this operating system cannot share a port: it has no SO_REUSEPORT"))
}

#[cfg(test)]
mod tests {
    use super::{ListenError, bind, bind_all, bind_each};
    use http::uri::Authority;
    use std::net::{SocketAddr, TcpListener, TcpStream};

    fn bind_text(address: &str) -> Result<Vec<TcpListener>, ListenError> {
        bind(&address.parse::<Authority>().expect("an address"), false)
    }

    #[test]
    fn the_unspecified_ipv6_address_also_accepts_ipv4() {
        let listeners = bind_text("[::]:0").expect("a free port");
        let port = listeners[0].local_addr().expect("bound").port();
        TcpStream::connect(("127.0.0.1", port)).expect("IPv4");
    }

    #[test]
    fn all_addresses_of_a_host_share_one_port() {
        let listeners = bind_text("localhost:0").expect("a free port");
        let ports: Vec<_> =
            listeners.iter().map(|one| one.local_addr().expect("bound").port()).collect();
        assert_ne!(ports[0], 0);
        assert!(ports.iter().all(|port| *port == ports[0]));
    }

    #[test]
    fn an_address_that_the_machine_lacks_is_skipped() {
        // Reserved for documentation.
        let absent = SocketAddr::from(([192, 0, 2, 1], 0));
        let present = SocketAddr::from(([127, 0, 0, 1], 0));
        for all in [[absent, present], [present, absent]] {
            let listeners =
                bind_all(all.into_iter(), false).expect("one is enough").expect("a listener");
            assert_eq!(listeners.len(), 1);
            assert!(listeners[0].local_addr().is_ok_and(|address| address.ip() == present.ip()));
        }
        let error = bind_all([absent].into_iter(), false).expect_err("no usable address");
        assert!(error.to_string().starts_with("cannot listen on 192.0.2.1:0: "));
    }

    #[test]
    fn a_port_is_shared_only_if_both_sockets_share_it() {
        let at = |address: SocketAddr, reuse_port| {
            bind(&address.to_string().parse().expect("an address"), reuse_port)
        };
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        for (first, second) in [(true, false), (false, true)] {
            let one = at(any, first).expect("a free port");
            let address = one[0].local_addr().expect("bound");
            at(address, second).expect_err("one of them does not share");
        }
        let one = at(any, true).expect("a free port");
        let other = at(one[0].local_addr().expect("bound"), true).expect("both share");
        let ports = [one, other].map(|all| all[0].local_addr().map(|address| address.port()).ok());
        assert_eq!(ports[0], ports[1]);
    }

    #[test]
    fn each_address_of_a_list_has_a_socket() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = bind_each(&[any, any], false).expect("two free ports");
        let ports: Vec<_> = listeners.iter().map(|one| one.local_addr().expect("bound")).collect();
        assert_eq!(ports.len(), 2);
        assert_ne!(ports[0].port(), ports[1].port());
        let error = bind_each(&[any, ports[0]], false).expect_err("the port is in use");
        assert!(error.to_string().starts_with(&format!("cannot listen on {}: ", ports[0])));
    }

    #[test]
    fn errors_name_the_address() {
        let first = bind_text("127.0.0.1:0").expect("a free port");
        let address = first[0].local_addr().expect("bound");
        let error = bind_text(&address.to_string()).expect_err("the port is in use");
        assert!(matches!(error, ListenError::Bind { .. }));
        assert!(error.to_string().starts_with(&format!("cannot listen on {address}: ")));
        let error = bind_text("no.such.host.invalid:1").expect_err("a reserved name");
        assert!(error.to_string().starts_with("cannot resolve no.such.host.invalid:1: "));
    }
}
