//! The door of a stage: a listener at which everybody is admitted.
//!
//! For a client that can be told an address of its own; one that knows only the document's port comes
//! in through a switchboard.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// See the module; it closes when this is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    is_closed: Arc<AtomicBool>,
    porter: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens at `port` of this machine, which is any if it is 0, and gives each connection to
    /// `admit`, with the address from which it was made.
    pub(crate) fn open(
        port: u16,
        admit: impl Fn(TcpStream, SocketAddr) + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let is_closed = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&is_closed);
        let porter = thread::spawn(move || {
            loop {
                let arrival = listener.accept();
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
                if let Ok((socket, from)) = arrival {
                    admit(socket, from);
                }
            }
        });
        Ok(Self { address, is_closed, porter: Some(porter) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Some(porter) = self.porter.take() else { return };
        self.is_closed.store(true, Ordering::SeqCst);
        // Wakes the porter.
        let _ = TcpStream::connect(self.address);
        let _ = porter.join();
    }
}
