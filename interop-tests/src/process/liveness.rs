//! The first word of a server: whether one is at an address.
//!
//! The kernel takes connections for a server that hangs or ends, so that one can be made says little.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::http2::frame::{Frame, PREFACE, kind};

/// How long a server may take to say it. One that hangs is not gone.
const LIMIT: Duration = Duration::from_secs(1);

/// Waits for the SETTINGS with which an HTTP/2 server begins; an error when it hangs up instead. One
/// that wants TLS first says nothing before it, so that it takes connections has to be enough.
pub(crate) fn wait(address: &str, is_encrypted: bool) -> io::Result<()> {
    if let Some(path) = address.strip_prefix("unix:") {
        let connection = UnixStream::connect(path)?;
        connection.set_read_timeout(Some(LIMIT))?;
        return read(connection);
    }
    let connection = TcpStream::connect(address)?;
    if is_encrypted {
        return Ok(());
    }
    connection.set_read_timeout(Some(LIMIT))?;
    read(connection)
}

fn read(mut connection: impl Read + Write) -> io::Result<()> {
    let mut start = PREFACE.to_vec();
    Frame::new(kind::SETTINGS, 0, 0, []).write_to(&mut start);
    connection.write_all(&start)?;
    match connection.read_exact(&mut [0]) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
        read => read,
    }
}
