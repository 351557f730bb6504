//! A tap: a proxy between client and server that reads what goes over the wire.
//!
//! What a library does below its API, whether a message is compressed or a connection is pinged, is
//! told by no agent. Only frames are read, and every byte is passed on as it is.
//!
//! - [`direction`]: the frames of one direction of a connection
//! - [`sight`]: what was seen
//! - [`expectation`]: what a table says of it

mod direction;
pub(crate) mod expectation;
pub(crate) mod sight;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use self::direction::{Direction, From};
use self::sight::Sight;

/// How long the client may take to close its connections once its calls have ended.
const CLOSING: Duration = Duration::from_secs(2);

/// How often it is looked whether it has.
const POLL: Duration = Duration::from_millis(5);

/// More connections than any scenario makes; further ones are refused.
const MOST_CONNECTIONS: usize = 256;

/// A running tap; it ends, with all its connections, when this is dropped.
pub(crate) struct Tap {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    server: String,
    ended: AtomicBool,
    sight: Mutex<Sight>,
    links: Mutex<Vec<Link>>,
}

/// A connection of the client and the one of the server that belongs to it.
struct Link {
    sockets: [TcpStream; 2],
    pumps: Vec<JoinHandle<()>>,
}

impl Tap {
    /// A tap before the server at `server`, `HOST:PORT`.
    pub(crate) fn start(server: String) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            ended: AtomicBool::new(false),
            sight: Mutex::default(),
            links: Mutex::default(),
        });
        let of_acceptor = Arc::clone(&shared);
        let acceptor = thread::spawn(move || {
            for client in listener.incoming() {
                if of_acceptor.ended.load(Ordering::SeqCst) {
                    break;
                }
                // A client whose server is away sees a connection that ends at once.
                let _ = client.and_then(|client| of_acceptor.link(client));
            }
        });
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    /// Where the client finds it.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until the client has closed its connections, ends the tap, and tells what was seen.
    pub(crate) fn finish(mut self) -> Sight {
        let deadline = Instant::now() + CLOSING;
        let is_open = |shared: &Shared| {
            let links = shared.links.lock().unwrap_or_else(PoisonError::into_inner);
            links.iter().any(|link| link.pumps.iter().any(|pump| !pump.is_finished()))
        };
        while is_open(&self.shared) && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        self.end();
        std::mem::take(&mut *self.shared.sight.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn end(&mut self) {
        let Some(acceptor) = self.acceptor.take() else { return };
        self.shared.ended.store(true, Ordering::SeqCst);
        // The acceptor looks at the flag when somebody connects.
        let _ = TcpStream::connect(self.address);
        let _ = acceptor.join();
        let mut links = self.shared.links.lock().unwrap_or_else(PoisonError::into_inner);
        for link in links.drain(..) {
            for socket in &link.sockets {
                let _ = socket.shutdown(Shutdown::Both);
            }
            for pump in link.pumps {
                let _ = pump.join();
            }
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    /// Connects `client` to the server and passes on what both say.
    fn link(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if links.len() >= MOST_CONNECTIONS {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let server = TcpStream::connect(&self.server)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let connection = self.sight.lock().unwrap_or_else(PoisonError::into_inner).new_connection();
        let ends = [(From::Client, &client, &server), (From::Server, &server, &client)];
        let mut pumps = Vec::new();
        for (from, input, output) in ends {
            let (input, output) = (input.try_clone()?, output.try_clone()?);
            let (shared, direction) = (Arc::clone(self), Direction::new(from, connection));
            pumps.push(thread::spawn(move || shared.pump(direction, input, output)));
        }
        links.push(Link { sockets: [client, server], pumps });
        Ok(())
    }

    /// Passes bytes on until one of the two ends; they are looked at first, so that whoever has got
    /// an answer finds it told.
    fn pump(&self, mut direction: Direction, mut input: TcpStream, mut output: TcpStream) {
        let mut buffer = vec![0; 64 * 1024];
        let sight = || self.sight.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let read = match input.read(&mut buffer) {
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {
                    let _ = output.shutdown(Shutdown::Both);
                    break;
                }
                Ok(read) => read,
            };
            let bytes = &buffer[..read];
            direction.take(bytes, &mut sight());
            if output.write_all(bytes).is_err() {
                let _ = input.shutdown(Shutdown::Both);
                break;
            }
        }
        direction.finish(&mut sight());
        let _ = output.shutdown(Shutdown::Write);
    }
}
