//! Which of a few processes has made a connection.
//!
//! Linux tells it in two steps: the kernel knows the inode of the socket at the other end, and a
//! process's open files name theirs. Elsewhere nobody can tell.

use std::fs;
use std::io;
use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::net::{Ipv4Addr, SocketAddrV4};

use rustix::process::Pid;

#[cfg(target_os = "linux")]
use crate::parity::client::programs::sock_diag;

/// The lists of IPv4 and of IPv6, which are also of each other: a socket of IPv6 may be connected to
/// an address of IPv4.
const LISTS: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// Whether the owner of a connection can be found here.
pub(crate) fn can_be_told() -> bool {
    LISTS.iter().any(|list| fs::File::open(list).is_ok()) && fs::read_dir("/proc/self/fd").is_ok()
}

/// The one of `groups` of processes from which there is a connection from port `from` to port `to`
/// of this machine.
pub(crate) fn owner(from: SocketAddr, to: u16, groups: &[Pid]) -> Option<Pid> {
    let link = format!("socket:[{}]", asked(from, to).or_else(|| listed(from.port(), to))?);
    let leader = groups.iter().find(|group| has_open(number(**group), &link));
    // What a group's leader has started, as a shell script does.
    leader.copied().or_else(|| {
        let (_, group) = processes().find(|(pid, group)| {
            groups.iter().any(|known| number(*known) == *group) && has_open(*pid, &link)
        })?;
        Pid::from_raw(group)
    })
}

fn number(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}

/// The inode of the socket that is connected from `local` to port `remote`, if the kernel can be asked.
#[cfg(target_os = "linux")]
fn asked(local: SocketAddr, remote: u16) -> Option<u64> {
    match local {
        SocketAddr::V4(local) => {
            sock_diag::inode(local, SocketAddrV4::new(Ipv4Addr::LOCALHOST, remote))
        }
        SocketAddr::V6(_) => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn asked(_local: SocketAddr, _remote: u16) -> Option<u64> {
    None
}

/// The inode of the socket that is bound to port `local` and connected to port `remote`.
fn listed(local: u16, remote: u16) -> Option<u64> {
    LISTS.iter().find_map(|list| {
        let text = fs::read_to_string(list).ok()?;
        text.lines().skip(1).find_map(|line| inode_in(line, local, remote))
    })
}

/// The inode in a line of a list, if that is about a connection between these ports:
/// `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …`
fn inode_in(line: &str, local: u16, remote: u16) -> Option<u64> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let mut has = |port: u16| {
        let hex = words.next()?.rsplit_once(':')?.1;
        (u16::from_str_radix(hex, 16).ok()? == port).then_some(())
    };
    has(local)?;
    has(remote)?;
    let inode = words.nth(6)?.parse().ok()?;
    // A socket that its process has closed already has none.
    (inode != 0).then_some(inode)
}

fn has_open(pid: i32, link: &str) -> bool {
    let files: io::Result<fs::ReadDir> = fs::read_dir(format!("/proc/{pid}/fd"));
    files
        .into_iter()
        .flatten()
        .flatten()
        .any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == link))
}

/// All processes, each with its group.
fn processes() -> impl Iterator<Item = (i32, i32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        // `pid (name) state parent group …`, where the name may be anything.
        let text = fs::read_to_string(entry.path().join("stat")).ok()?;
        let group = text.rsplit_once(')')?.1.split_ascii_whitespace().nth(2)?.parse().ok()?;
        Some((pid, group))
    })
}
