//! A listening Unix socket and its file.
//!
//! A killed server leaves its file behind, and the next one could not start. The file of a running
//! server must not be removed, however, so a connection attempt shows whether a server listens. An
//! abstract name, whose path starts with NUL, has no file, and the kernel frees it.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::socket::{ListenError, LocalAddress, listen};
use crate::grpcio::address::Address;

/// A listening socket, whose file is removed when it is dropped.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    file: SocketFile,
}

/// The file of a socket. Dropping it removes the file, unless another server has replaced it.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// The device and inode of the file.
    identity: Option<(u64, u64)>,
}

impl UnixSocket {
    pub(super) fn bind(path: &Path) -> Result<Self, ListenError> {
        let address = || LocalAddress::Unix(path.to_owned());
        let refused = |source| ListenError::Bind { address: address(), source };
        let listener = match open(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                if matches!(Address::of_unix(path), Address::UnixAbstract(_)) {
                    return Err(ListenError::InUse(address()));
                }
                match inspect(path).map_err(refused)? {
                    State::InUse => return Err(ListenError::InUse(address())),
                    State::NotASocket => return Err(ListenError::NotASocket(address())),
                    State::Stale => fs::remove_file(path).map_err(refused)?,
                    State::Gone => {}
                }
                open(path)
            }
            result => result,
        };
        let listener = listener.map_err(refused)?;
        let file = SocketFile { path: path.to_owned(), identity: identity(path) };
        Ok(Self { listener, file })
    }

    /// The path as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The socket and its file, which has to be kept for as long as clients shall find it.
    #[must_use]
    pub fn into_parts(self) -> (UnixListener, SocketFile) {
        (self.listener, self.file)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && self.identity == identity(&self.path) {
            // Fails only if the file has been removed in the meantime.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

fn open(path: &Path) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    listen(&socket, &SockAddr::unix(path)?)?;
    Ok(socket.into())
}

/// What occupies a path.
enum State {
    InUse,
    /// A socket that no server listens on.
    Stale,
    NotASocket,
    /// The file has been removed in the meantime.
    Gone,
}

fn inspect(path: &Path) -> io::Result<State> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(State::Gone),
        Ok(file) if !file.file_type().is_socket() => return Ok(State::NotASocket),
        _ => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(State::Stale),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(State::Gone),
        // A server whose queue is full listens, too.
        Ok(_) => Ok(State::InUse),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(State::InUse),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::UnixSocket;
    use crate::grpcio::address::Address;
    use crate::grpcio::serve::listen::socket::ListenError;
    use std::fs;
    use std::os::unix::net::UnixStream;
    use tempfile::TempDir;

    /// Not in TMPDIR, which may be too long for the path of a socket.
    fn folder() -> TempDir {
        tempfile::tempdir_in("/tmp").expect("a folder")
    }

    #[test]
    fn a_stale_file_is_replaced_and_removed_at_the_end() {
        let folder = folder();
        let path = folder.path().join("socket");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
        assert!(path.exists(), "stale");
        let socket = UnixSocket::bind(&path).expect("the file is replaced");
        UnixStream::connect(&path).expect("it listens");
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_socket_in_use_and_other_files_are_kept() {
        let folder = folder();
        let path = folder.path().join("socket");
        let first = UnixSocket::bind(&path).expect("a free path");
        let error = UnixSocket::bind(&path).expect_err("in use");
        assert!(matches!(error, ListenError::InUse(_)));
        assert!(
            error.to_string().starts_with(&format!("cannot listen on unix:{}", path.display()))
        );
        UnixStream::connect(&path).expect("it still listens");
        drop(first);
        fs::write(&path, "a text").expect("a file");
        let error = UnixSocket::bind(&path).expect_err("not a socket");
        assert!(matches!(error, ListenError::NotASocket(_)));
        assert_eq!(fs::read(&path).expect("still there"), b"a text");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_abstract_name_is_free_when_its_server_ends() {
        let name = format!("calculator-test-{}", std::process::id());
        let path = Address::abstract_path(name.as_bytes());
        for _ in 0..2 {
            let _first = UnixSocket::bind(&path).expect("a free name");
            let error = UnixSocket::bind(&path).expect_err("in use");
            assert!(matches!(error, ListenError::InUse(_)));
            let start = format!("cannot listen on unix-abstract:{name}: another server");
            assert!(error.to_string().starts_with(&start), "{error}");
        }
    }

    #[test]
    fn the_file_of_a_successor_is_kept() {
        let folder = folder();
        let path = folder.path().join("socket");
        let first = UnixSocket::bind(&path).expect("a free path");
        fs::remove_file(&path).expect("its file");
        let second = UnixSocket::bind(&path).expect("a free path");
        drop(first);
        UnixStream::connect(&path).expect("the second one listens");
        drop(second);
    }
}
