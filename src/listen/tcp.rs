//! From a host and a port to listening sockets.
//!
//! grpcio binds `[::]:50051` for IPv6 and IPv4 at once, on IPv4 alone where the machine has no IPv6,
//! and a host name on every address that it has, and it shares a port with whoever else wants to; a
//! standard library listener does none of that.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use http::uri::Authority;
use socket2::{Domain, Protocol, Socket, Type};

use super::{BACKLOG, ListenError, LocalAddress, Options};

/// One socket for each address of the host that this machine has, all with the same port; port 0
/// takes a free one. Never returns an empty list.
///
/// `[::]` accepts IPv4 as well.
pub(super) fn bind(
    authority: &Authority,
    options: Options,
) -> Result<Vec<TcpListener>, ListenError> {
    let resolved = authority
        .as_str()
        .to_socket_addrs()
        .map_err(|source| ListenError::Resolve { address: authority.to_string(), source })?;
    bind_all(resolved, options)?
        .ok_or_else(|| ListenError::NoAddress { address: authority.to_string() })
}

/// `None` when there is no address at all.
fn bind_all(
    resolved: impl Iterator<Item = SocketAddr>,
    options: Options,
) -> Result<Option<Vec<TcpListener>>, ListenError> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut absent = None;
    for mut address in resolved {
        if let Some(first) = listeners.first() {
            address.set_port(local_port(first));
        }
        match bind_one(address, options) {
            Ok(listener) => listeners.push(listener),
            // A host name can have an address that this machine lacks: `/etc/hosts` gives localhost
            // an IPv6 one where IPv6 is switched off. One address that it has is enough.
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

fn bind_one(address: SocketAddr, options: Options) -> io::Result<TcpListener> {
    match open(address, options) {
        Err(error) if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && is_absent(&error) => {
            open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())), options)
        }
        result => result,
    }
}

/// A kernel without IPv6 has no such address family; one with IPv6 switched off has no address.
fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(EAFNOSUPPORT)
}

#[cfg(target_os = "linux")]
const EAFNOSUPPORT: i32 = 97;
#[cfg(not(target_os = "linux"))]
const EAFNOSUPPORT: i32 = 47;

fn open(address: SocketAddr, options: Options) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // Only the unspecified address can serve both; the machine's default may say otherwise.
        socket.set_only_v6(address.ip() != IpAddr::V6(Ipv6Addr::UNSPECIFIED))?;
    }
    // A restarted server must not wait for the connections of its predecessor to time out.
    socket.set_reuse_address(true)?;
    if options.reuse_port {
        share_port(&socket)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(not(any(windows, target_os = "solaris", target_os = "illumos", target_os = "cygwin")))]
fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(any(windows, target_os = "solaris", target_os = "illumos", target_os = "cygwin"))]
fn share_port(_: &Socket) -> io::Result<()> {
    // Of no kind, lest it be taken for an address that the machine lacks.
    Err(io::Error::other("this operating system cannot share a port: it has no SO_REUSEPORT"))
}

#[cfg(test)]
mod tests {
    use super::{ListenError, Options, bind, bind_all};
    use http::uri::Authority;
    use std::net::{SocketAddr, TcpListener, TcpStream};

    fn listen(address: &str) -> Result<Vec<TcpListener>, ListenError> {
        bind(&address.parse::<Authority>().expect("an address"), Options::default())
    }

    #[test]
    fn the_unspecified_ipv6_address_takes_ipv4_too() {
        let listeners = listen("[::]:0").expect("a free port");
        let port = listeners[0].local_addr().expect("bound").port();
        TcpStream::connect(("127.0.0.1", port)).expect("IPv4");
    }

    #[test]
    fn all_addresses_of_a_host_share_one_port() {
        let listeners = listen("localhost:0").expect("a free port");
        let ports: Vec<_> =
            listeners.iter().map(|one| one.local_addr().expect("bound").port()).collect();
        assert_ne!(ports[0], 0);
        assert!(ports.iter().all(|port| *port == ports[0]));
    }

    #[test]
    fn an_address_that_the_machine_lacks_is_left_out() {
        // Reserved for documentation.
        let absent = SocketAddr::from(([192, 0, 2, 1], 0));
        let present = SocketAddr::from(([127, 0, 0, 1], 0));
        for all in [[absent, present], [present, absent]] {
            let listeners = bind_all(all.into_iter(), Options::default())
                .expect("one is enough")
                .expect("not none");
            assert_eq!(listeners.len(), 1);
            assert!(listeners[0].local_addr().is_ok_and(|address| address.ip() == present.ip()));
        }
        let error = bind_all([absent].into_iter(), Options::default()).expect_err("none is not");
        assert!(error.to_string().starts_with("cannot listen on 192.0.2.1:0: "));
    }

    #[test]
    fn a_port_is_shared_only_by_those_who_want_to() {
        let sharing = Options { reuse_port: true };
        let at = |address: SocketAddr, options| {
            bind(&address.to_string().parse().expect("an address"), options)
        };
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        for (first, second) in [(sharing, Options::default()), (Options::default(), sharing)] {
            let one = at(any, first).expect("a free port");
            let address = one[0].local_addr().expect("bound");
            at(address, second).expect_err("one of them does not share");
        }
        let one = at(any, sharing).expect("a free port");
        let other = at(one[0].local_addr().expect("bound"), sharing).expect("both share");
        let ports = [one, other].map(|all| all[0].local_addr().map(|address| address.port()).ok());
        assert_eq!(ports[0], ports[1]);
    }

    #[test]
    fn errors_name_the_address() {
        let taken = listen("127.0.0.1:0").expect("a free port");
        let address = taken[0].local_addr().expect("bound");
        let error = listen(&address.to_string()).expect_err("the port is taken");
        assert!(matches!(error, ListenError::Bind { .. }));
        assert!(error.to_string().starts_with(&format!("cannot listen on {address}: ")));
        let error = listen("no.such.host.invalid:1").expect_err("a reserved name");
        assert!(error.to_string().starts_with("cannot resolve no.such.host.invalid:1: "));
    }
}
