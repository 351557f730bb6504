//! Queries the kernel for one connection by its addresses, with sock_diag(7).
//!
//! `/proc/net/tcp` lists connections too. But reading it takes milliseconds, because the kernel walks its whole
//! socket table, and connections can be missing while others open and close.

use std::net::{Ipv4Addr, SocketAddrV4};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

/// A message type and a flag of netlink(7).
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;

const AF_INET: u8 = 2;
const IPPROTO_TCP: u8 = 6;

/// The sizes of `nlmsghdr` and `inet_diag_req_v2`, and the offset of the inode in `inet_diag_msg`.
const HEADER: usize = 16;
const REQUEST: usize = 56;
const INODE: usize = 68;

/// The inode of the TCP socket that is bound to `local` and connected to port `remote` of this machine.
pub(crate) fn inode(local: SocketAddrV4, remote: u16) -> Option<u64> {
    inode_in(&answer(local, SocketAddrV4::new(Ipv4Addr::LOCALHOST, remote))?)
}

/// Whether the kernel supports the query.
pub(crate) fn is_available() -> bool {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    answer(address, address).is_some()
}

/// The kernel's reply about the socket that is bound to `local` and connected to `remote`.
fn answer(local: SocketAddrV4, remote: SocketAddrV4) -> Option<Vec<u8>> {
    let (family, protocol) = (AddressFamily::NETLINK, Some(netlink::SOCK_DIAG));
    let kernel = socket_with(family, SocketType::RAW, SocketFlags::CLOEXEC, protocol).ok()?;
    send(&kernel, &request(local, remote), SendFlags::empty()).ok()?;
    let mut answer = vec![0; 512];
    // The kernel replies synchronously.
    let (length, _) = recv(&kernel, &mut answer[..], RecvFlags::DONTWAIT).ok()?;
    answer.truncate(length);
    Some(answer)
}

fn request(local: SocketAddrV4, remote: SocketAddrV4) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + REQUEST);
    bytes.extend(u32::try_from(HEADER + REQUEST).unwrap_or(0).to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST.to_ne_bytes());
    // The sequence number and the port ID are 0: there is only one request, and the kernel knows the socket.
    bytes.extend([0; 8]);
    bytes.extend([AF_INET, IPPROTO_TCP, 0, 0]);
    let any_state = u32::MAX;
    bytes.extend(any_state.to_ne_bytes());
    bytes.extend(local.port().to_be_bytes());
    bytes.extend(remote.port().to_be_bytes());
    for address in [local.ip(), remote.ip()] {
        // The field has the size of an IPv6 address.
        bytes.extend(address.octets());
        bytes.extend([0; 12]);
    }
    let any_interface = 0_u32;
    bytes.extend(any_interface.to_ne_bytes());
    let no_cookie = u64::MAX;
    bytes.extend(no_cookie.to_ne_bytes());
    bytes
}

/// The inode in a reply; `None` if the reply is that there is no such socket.
fn inode_in(answer: &[u8]) -> Option<u64> {
    let kind = answer.get(4..6)?;
    if kind != SOCK_DIAG_BY_FAMILY.to_ne_bytes() {
        return None;
    }
    let inode = answer.get(HEADER + INODE..HEADER + INODE + 4)?;
    let inode = u32::from_ne_bytes(inode.try_into().ok()?);
    // A socket that its process has closed has inode 0.
    (inode != 0).then_some(inode.into())
}
