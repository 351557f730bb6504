//! Addresses that the tool chooses: for servers, and for ports on which no server responds.
//!
//! Clients remember failed connection attempts even after a channel is closed, and the kernel soon reuses ports. So
//! no address is used twice in a run.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use parking_lot::Mutex;
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::process::net::held_port::HeldPort;

/// The addresses of a run.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// The address of a port that refuses connections.
    pub(crate) closed: String,
    /// The address of a port that accepts connections and never sends a byte.
    pub(crate) silent: String,
    /// The sockets behind these addresses, for the whole run. The first is bound and does not listen, so connections
    /// are refused. The second listens and never calls accept(), so only the kernel accepts connections.
    _bound: (Socket, TcpListener),
    /// The folder for Unix sockets, which is removed at the end of the run.
    folder: OnceLock<Result<TempDir, String>>,
    sockets: AtomicUsize,
}

impl Addresses {
    /// Binds the closed and the silent port.
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

    /// The folder for Unix sockets; the error is why there is none.
    pub(crate) fn socket_folder(&self) -> Result<&TempDir, String> {
        let folder = self.folder.get_or_init(|| socket_folder(&std::env::temp_dir()));
        folder.as_ref().map_err(Clone::clone)
    }

    /// A new address of a Unix socket, `unix:PATH`.
    pub(crate) fn next_socket(&self) -> Result<String, String> {
        let folder = self.socket_folder()?;
        let number = self.sockets.fetch_add(1, Ordering::Relaxed);
        Ok(format!("unix:{}", folder.path().join(format!("{number}.sock")).display()))
    }
}

/// Folders for Unix sockets if that of `TMPDIR` is not suitable.
const OTHERS: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// Creates a folder for Unix sockets in `temporary`, which is that of `TMPDIR`, or in one of [`OTHERS`].
fn socket_folder(temporary: &Path) -> Result<TempDir, String> {
    let mut problems = Vec::new();
    for parent in std::iter::once(temporary).chain(OTHERS.map(Path::new)) {
        match socket_folder_in(parent) {
            Ok(folder) => return Ok(folder),
            Err(error) => problems.push(format!("{}: {error}", parent.display())),
        }
    }
    Err(format!(
        "cannot create Unix sockets in any of these folders: {}; set TMPDIR to the absolute path of a folder that is \
         writable and has a short path of letters, digits and -._/",
        problems.join("; ")
    ))
}

/// Creates a folder in `parent` in which servers can create Unix sockets. The path of a socket is limited to about a
/// hundred bytes, and some file systems have no sockets, so this creates one.
fn socket_folder_in(parent: &Path) -> io::Result<TempDir> {
    // Servers have other working directories.
    let path = parent.to_str().filter(|_| parent.is_absolute());
    // In `unix:PATH`, gRPC libraries read other characters in different ways, such as `%` and `?`.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
    if !path.is_some_and(|path| path.chars().all(is_plain)) {
        let why = "the path is relative, or has characters that are special in an address";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let folder = tempfile::Builder::new().prefix("interop-").tempdir_in(parent)?;
    let longest = folder.path().join(format!("{}.sock", u32::MAX));
    UnixListener::bind(&longest)?;
    std::fs::remove_file(longest)?;
    Ok(folder)
}

/// A port for a server that restarts at the same address.
pub(crate) fn lasting_port() -> io::Result<u16> {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    next_port(20_000, &GIVEN, true)
}

/// The number of ports in the range of [`fresh_port`] and [`passing_port`] that were given.
static FRESH: AtomicU16 = AtomicU16::new(0);

/// A port that has not been used in this run.
pub(crate) fn fresh_port() -> io::Result<u16> {
    next_port(10_000, &FRESH, true)
}

/// A port that is used again only after 10,000 others, for a socket that listens at once and until its end. It is not
/// held, because a run may need more of them than it can have open files.
pub(crate) fn passing_port() -> io::Result<u16> {
    next_port(10_000, &FRESH, false)
}

/// The next free port, starting at `first`; `given` counts the ports that were already used.
///
/// If it `is_held`, it stays free until its server starts, and when it restarts. For the kernel, it is held on Linux;
/// elsewhere these ports are below the range of ephemeral ports. For other runs, which could choose it, too, each run
/// holds the UDP port of the same number, which servers do not use.
fn next_port(first: u16, given: &AtomicU16, is_held: bool) -> io::Result<u16> {
    const COUNT: u16 = 10_000;
    static HELD: Mutex<Vec<(UdpSocket, HeldPort)>> = Mutex::new(Vec::new());
    // Concurrent runs start at different ports.
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or_default();
    for _ in 0..COUNT {
        let number = given.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = first + (start + number) % COUNT;
        let address = (Ipv4Addr::LOCALHOST, port);
        let bind = || {
            let socket = UdpSocket::bind(address)?;
            TcpListener::bind(address)?;
            Ok((socket, HeldPort::hold(port)?))
        };
        match bind() {
            Ok(sockets) => {
                if is_held {
                    HELD.lock().push(sockets);
                }
                return Ok(port);
            }
            // The other ports would fail in the same way.
            Err(error) if is_out_of_files(&error) => return Err(error),
            Err(_) => {}
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Whether too many files are open.
fn is_out_of_files(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_closed_port_refuses_and_a_silent_port_accepts() {
        let addresses = Addresses::open().expect("cannot reserve two ports");
        let refused = TcpStream::connect(&addresses.closed);
        assert_eq!(refused.expect_err("nothing listens").kind(), ErrorKind::ConnectionRefused);
        TcpStream::connect(&addresses.silent).expect("cannot connect");
    }

    #[test]
    fn no_address_is_given_out_twice() {
        let addresses = Addresses::open().expect("cannot reserve two ports");
        assert_ne!(addresses.next_socket(), addresses.next_socket());
        assert_ne!(
            fresh_port().expect("cannot reserve a port"),
            fresh_port().expect("cannot reserve a port")
        );
    }

    #[test]
    fn a_folder_that_is_not_suitable_for_sockets_is_replaced() {
        let base = tempfile::tempdir_in("/tmp").expect("cannot create a folder");
        let in_base = |name: &str| {
            let path = base.path().join(name);
            std::fs::create_dir(&path).expect("cannot create a folder");
            path
        };
        let long = in_base(&"x".repeat(100));
        let (space, percent) = (in_base("a b"), in_base("a%20b"));
        let missing = base.path().join("missing");
        std::fs::write(base.path().join("file"), "").expect("cannot write a file");
        let file = base.path().join("file");
        let relative = Path::new("relative").to_owned();
        for unsuitable in [long, space, percent, missing, file, relative] {
            let folder = socket_folder(&unsuitable).expect("/tmp should replace it");
            assert_eq!(folder.path().parent(), Some(Path::new("/tmp")), "{}", unsuitable.display());
            socket_folder_in(&unsuitable).expect_err("it should not be used");
        }
        let folder = socket_folder(base.path()).expect("it is suitable");
        assert_eq!(folder.path().parent(), Some(base.path()));
        assert_eq!(std::fs::read_dir(folder.path()).expect("it exists").count(), 0);
    }

    #[test]
    fn a_port_that_another_run_holds_is_skipped() {
        static GIVEN: AtomicU16 = AtomicU16::new(0);
        let first = next_port(30_000, &GIVEN, true).expect("cannot reserve a port");
        // Another run would begin at the same port.
        let next = next_port(30_000, &AtomicU16::new(0), true).expect("cannot reserve a port");
        assert!(next > first, "{first} was given out again");
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, first)).is_ok(), "a server can use it");
    }
}
