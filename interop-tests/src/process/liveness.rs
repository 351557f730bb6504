//! The liveness check of servers: whether an HTTP/2 server answers at an address.
//!
//! The kernel accepts connections for a server that hangs or is about to end, so that a connection can be
//! made proves little. A server that the user has started may be stopped in a debugger, so one that accepts
//! connections and sends nothing counts as alive.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::config::{Peer, Places};
use crate::http2::Frame;
use crate::http2::frame::{PREFACE, kind};
use crate::process::net::tutorial_port;

/// How long a server may take to send its first byte. One that hangs is not gone.
const LIMIT: Duration = Duration::from_secs(1);

/// Waits for the SETTINGS with which an HTTP/2 server begins; an error when it closes the connection
/// instead. A server with TLS sends nothing before the handshake, so that it accepts has to be enough.
pub(crate) fn check(address: &str, is_encrypted: bool) -> io::Result<()> {
    if let Some(path) = address.strip_prefix("unix:") {
        let connection = UnixStream::connect(path)?;
        connection.set_read_timeout(Some(LIMIT))?;
        return exchange_settings(connection);
    }
    let connection = TcpStream::connect(address)?;
    if is_encrypted {
        return Ok(());
    }
    connection.set_read_timeout(Some(LIMIT))?;
    exchange_settings(connection)
}

fn exchange_settings(mut connection: impl Read + Write) -> io::Result<()> {
    let mut start = PREFACE.to_vec();
    Frame::new(kind::SETTINGS, 0, 0, []).write_to(&mut start);
    connection.write_all(&start)?;
    match connection.read_exact(&mut [0]) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
        read => read,
    }
}

/// Checks that the attached servers of all `peers` are alive, except those of the peers that are left
/// out, and prints how the tool would have started them.
pub(crate) fn check_all(
    peers: &[Peer],
    places: &Places,
    left_out: &BTreeSet<String>,
) -> anyhow::Result<()> {
    for peer in peers.iter().filter(|peer| !left_out.contains(peer.name())) {
        let Some(address) = peer.attached_server() else { continue };
        let (name, mut commands) = (peer.name(), String::new());
        for (suite, line) in peer.ways_to_start(places) {
            let _ = write!(commands, "\n  for {suite}: {line}");
        }
        let if_any = |text| if commands.is_empty() { "" } else { text };
        if let Err(error) = check(&address.to_string(), false) {
            let how = if_any("; the tool would have started it so:");
            anyhow::bail!(
                "the server of `{name}` is not there: nothing answers at {address} ({error}): start \
                 it and run again, or leave the peer out with --without {name}{how}{commands}"
            );
        }
        let how = if_any("; the tool would have started it");
        println!("interop: the server of {name} is attached at {address}{how}{commands}");
    }
    Ok(())
}

/// Whether an attached server of `peers` has `port` of this machine.
pub(crate) fn any_holds(port: u16, peers: &[Peer]) -> bool {
    let addresses = || peers.iter().filter_map(Peer::attached_server);
    addresses().any(|address| address.port() == Some(port))
        && !tutorial_port::holders(port).is_empty()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn check_against(serve: impl FnOnce(TcpStream) + Send + 'static) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let server = thread::spawn(move || serve(listener.accept().expect("a connection").0));
        let result = check(&address, false);
        server.join().expect("the server ends");
        result
    }

    #[test]
    fn a_server_that_sends_something_is_alive_and_one_that_closes_is_not() {
        check_against(|mut socket| socket.write_all(&[0]).expect("it is read"))
            .expect("it is alive");
        check_against(drop).expect_err("it is gone");
    }

    #[test]
    fn a_server_that_hangs_is_not_gone() {
        check_against(|mut socket| {
            let _ = socket.read_to_end(&mut Vec::new());
        })
        .expect("it only hangs");
    }
}
