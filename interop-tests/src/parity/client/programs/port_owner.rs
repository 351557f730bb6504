//! Finds the process group that made a connection.
//!
//! On Linux this takes two steps: the kernel reports the inode of the socket at the other end, and `/proc` lists the
//! inodes of the open sockets of a process. Other systems do not report it.

use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::sync::LazyLock;

use rustix::process::Pid;

#[cfg(target_os = "linux")]
use crate::parity::client::programs::sock_diag;
#[cfg(target_os = "linux")]
use crate::process::group;

/// Whether the owner of a connection can be found on this system.
#[cfg(target_os = "linux")]
pub(crate) fn is_known() -> bool {
    static IS_KNOWN: LazyLock<bool> = LazyLock::new(|| {
        let files = procfs::process::Process::myself().and_then(|process| process.fd());
        sock_diag::is_available() && files.is_ok()
    });
    *IS_KNOWN
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_known() -> bool {
    false
}

/// The one of `groups` that has a connection from address `from` to port `to` of this machine.
#[cfg(target_os = "linux")]
pub(crate) fn owner(from: SocketAddr, to: u16, groups: &[Pid]) -> Option<Pid> {
    use procfs::process::Process;

    let SocketAddr::V4(from) = from else { return None };
    let inode = sock_diag::inode(from, to)?;
    let leader = |group: &&Pid| {
        let leader = Process::new(group.as_raw_nonzero().get());
        leader.is_ok_and(|process| has_open(&process, inode))
    };
    // Child processes of a group, such as those of a shell script, are checked last, because this reads all
    // processes.
    groups.iter().find(leader).copied().or_else(|| {
        let (group, _) = group::members(groups).find(|(_, process)| has_open(process, inode))?;
        Some(group)
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn owner(_from: SocketAddr, _to: u16, _groups: &[Pid]) -> Option<Pid> {
    None
}

#[cfg(target_os = "linux")]
fn has_open(process: &procfs::process::Process, inode: u64) -> bool {
    use procfs::process::FDTarget;

    let files = process.fd().into_iter().flatten().flatten();
    files
        .map(|file| file.target)
        .any(|target| matches!(target, FDTarget::Socket(at) if at == inode))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_group_of_this_process_owns_its_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("cannot reserve a port");
        let address = listener.local_addr().expect("the socket has no address");
        let client = TcpStream::connect(address).expect("it does not listen");
        let from = client.local_addr().expect("the socket has no address");
        let (own, other) = (rustix::process::getpgrp(), Pid::INIT);
        assert!(is_known());
        assert_eq!(owner(from, address.port(), &[other, own]), Some(own));
        assert_eq!(owner(from, address.port(), &[other]), None);
        assert_eq!(owner(from, address.port() ^ 1, &[own]), None, "there is no such connection");
        drop(client);
        assert_eq!(owner(from, address.port(), &[own]), None, "it is closed");
    }
}
