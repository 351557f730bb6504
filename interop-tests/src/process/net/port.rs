//! Which processes hold a TCP port.
//!
//! grpcio sets SO_REUSEPORT: a second server binds the same port without an error and takes half of
//! the connections. So a port is checked before a server is started, and again afterwards.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::process::{Pid, getpgid};
use socket2::{Domain, Socket, Type};

/// A process that listens on a port.
#[derive(Clone, Debug, strum::Display)]
pub enum Holder {
    #[strum(to_string = "process {pid} ({name})")]
    Process { pid: i32, name: String },
    /// The operating system does not show it to this user.
    #[strum(to_string = "a process of another user")]
    Unknown,
}

impl Holder {
    /// Whether the process is one of `group`.
    pub fn is_in_group(&self, group: Pid) -> bool {
        let Self::Process { pid, .. } = self else { return false };
        getpgid(Pid::from_raw(*pid)).is_ok_and(|of_process| of_process == group)
    }
}

/// All processes that listen on `port`, on whatever address.
pub fn holders(port: u16) -> Vec<Holder> {
    let listening = |listener: &listeners::Listener| {
        listener.socket.port() == port
            && listener.protocol == listeners::Protocol::TCP
            && listener.state == listeners::SocketState::Listen
    };
    let listeners = listeners::get_all().unwrap_or_default();
    let processes = listeners.into_iter().filter(listening).map(|listener| listener.process);
    // A process may listen on several addresses.
    let names: BTreeMap<_, _> =
        processes.filter_map(|it| Some((i32::try_from(it.pid).ok()?, it.name))).collect();
    if names.is_empty() && is_taken(port) {
        return vec![Holder::Unknown];
    }
    names.into_iter().map(|(pid, name)| Holder::Process { pid, name }).collect()
}

/// Whether something listens on `port`. Binds and does not listen itself: a client that connects in between
/// would be reset.
fn is_taken(port: u16) -> bool {
    let bind = |address: IpAddr| {
        let address = SocketAddr::from((address, port));
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())
    };
    let all: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
    all.map(bind).into_iter().any(|it| it.is_err_and(|error| error.kind() == ErrorKind::AddrInUse))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_is_taken_while_something_listens() {
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let listener = TcpListener::bind(address).expect("a port");
            let port = listener.local_addr().expect("its address").port();
            assert!(is_taken(port), "{address}");
            let own = i32::try_from(std::process::id()).expect("an ID");
            let is_own = |it: &Holder| matches!(it, Holder::Process { pid, .. } if *pid == own);
            assert!(holders(port).iter().all(is_own), "{:?}", holders(port));
            drop(listener);
            assert!(!is_taken(port), "{address}");
            assert!(holders(port).is_empty());
        }
    }
}
