//! Which processes hold a TCP port.
//!
//! grpcio sets SO_REUSEPORT: a second server binds the same port without an error and takes half of
//! the connections. So a port is checked before a server is started, and again afterwards.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

use rustix::process::{Pid, getpgid};

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

fn is_taken(port: u16) -> bool {
    let all: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
    all.into_iter().any(|address| {
        TcpListener::bind((address, port)).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
    })
}
