//! A listening socket in the file system, from its file's beginning to its end.
//!
//! A server that was killed leaves the file behind, and the next one could not start; but the file of
//! a server that runs must not be taken away from it, so the socket is asked whether anybody listens.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::{BACKLOG, ListenError, LocalAddress};

/// A listening socket whose file goes with it.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    file: SocketFile,
}

/// Removes the file when it is dropped, unless another server has put its own there.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: Option<(u64, u64)>,
}

impl UnixSocket {
    pub(super) fn bind(path: &Path) -> Result<Self, ListenError> {
        let address = || LocalAddress::Unix(path.to_owned());
        let refused = |source| ListenError::Bind { address: address(), source };
        let listener = match open(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                match state(path).map_err(refused)? {
                    State::InUse => return Err(ListenError::InUse(address())),
                    State::NoSocket => return Err(ListenError::NoSocket(address())),
                    State::LeftOver => fs::remove_file(path).map_err(refused)?,
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

    /// The socket, and its file, which has to be kept for as long as it is to be found.
    #[must_use]
    pub fn into_parts(self) -> (UnixListener, SocketFile) {
        (self.listener, self.file)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && self.identity == identity(&self.path) {
            // Whoever has removed it meanwhile has done what was to be done.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

fn open(path: &Path) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What is at a path where no socket can be made.
enum State {
    InUse,
    LeftOver,
    NoSocket,
    Gone,
}

fn state(path: &Path) -> io::Result<State> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(State::Gone),
        Ok(file) if !file.file_type().is_socket() => return Ok(State::NoSocket),
        _ => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(State::LeftOver),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(State::Gone),
        // One whose queue is full listens too.
        Ok(_) => Ok(State::InUse),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(State::InUse),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::UnixSocket;
    use crate::listen::ListenError;
    use std::fs;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_file_that_nobody_listens_at_is_replaced_and_removed_at_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
        assert!(path.exists(), "left over");
        let socket = UnixSocket::bind(&path).expect("replaced");
        UnixStream::connect(&path).expect("it listens");
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_in_use_or_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
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
        let error = UnixSocket::bind(&path).expect_err("no socket");
        assert!(matches!(error, ListenError::NoSocket(_)));
        assert_eq!(fs::read(&path).expect("still there"), b"a text");
    }

    #[test]
    fn the_file_of_a_successor_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let first = UnixSocket::bind(&path).expect("a free path");
        fs::remove_file(&path).expect("its file");
        let second = UnixSocket::bind(&path).expect("a free path");
        drop(first);
        UnixStream::connect(&path).expect("the second one listens");
        drop(second);
    }
}
