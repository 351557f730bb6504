//! Which processes hold a TCP port.
//!
//! grpcio sets SO_REUSEPORT: a second server binds the same port without an error and takes half of
//! the connections. So a port is checked before a server is started, and again afterwards.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

use rustix::process::{Pid, getpgid};

/// A process that listens on a port.
#[derive(Clone, Debug)]
pub enum Holder {
    Process {
        pid: i32,
        name: String,
    },
    /// The operating system does not tell this user which.
    Unknown,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { pid, name } => write!(f, "process {pid} ({name})"),
            Self::Unknown => write!(f, "a process of another user"),
        }
    }
}

impl Holder {
    /// Whether the process is one of `group`.
    pub fn is_in_group(&self, group: Pid) -> bool {
        match self {
            Self::Process { pid, .. } => {
                Pid::from_raw(*pid).is_some_and(|pid| getpgid(Some(pid)).is_ok_and(|g| g == group))
            }
            Self::Unknown => false,
        }
    }
}

/// All processes that listen on `port`, on whatever address.
pub fn holders(port: u16) -> Vec<Holder> {
    let listening = |listener: &listeners::Listener| {
        listener.socket.port() == port
            && listener.protocol == listeners::Protocol::TCP
            && listener.state == listeners::SocketState::Listen
    };
    let mut processes: Vec<_> = listeners::get_all()
        .unwrap_or_default()
        .into_iter()
        .filter(listening)
        .filter_map(|listener| {
            Some((i32::try_from(listener.process.pid).ok()?, listener.process.name))
        })
        .collect();
    processes.sort();
    processes.dedup();
    if processes.is_empty() && is_taken(port) {
        return vec![Holder::Unknown];
    }
    processes.into_iter().map(|(pid, name)| Holder::Process { pid, name }).collect()
}

fn is_taken(port: u16) -> bool {
    let taken = |bound: io::Result<TcpListener>| {
        bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    };
    taken(TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)))
        || taken(TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))
}
