//! A tap: a proxy between a client and a server that records what they exchange.
//!
//! An agent cannot report whether a message is compressed or a connection is pinged, because its library does not
//! report it. The tap forwards every byte, half-close and reset unchanged, so that peers do not notice it.
//!
//! - [`proxy`]: forwards between clients and the server
//! - [`socket`]: TCP and Unix sockets by address

mod proxy;
mod socket;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::capture::recorder::{Recorder, WireStats};
use crate::capture::tap::{proxy::Command, socket::Listener};

/// A running tap; dropping it closes all its connections.
#[derive(Debug)]
pub(crate) struct Tap {
    address: String,
    recorder: Recorder,
    commands: UnboundedSender<Command>,
    thread: Option<JoinHandle<()>>,
}

impl Tap {
    /// Starts a tap that listens at `address` and forwards to `server`, both `HOST:PORT` or
    /// `unix:PATH`. With `statistics`, [`Tap::finish`] returns more than zeros.
    pub(crate) fn start(
        address: &str,
        server: String,
        recorder: Recorder,
        statistics: bool,
    ) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (listener, address) = runtime.block_on(Listener::bind(address))?;
        if statistics {
            recorder.enable_statistics();
        }
        let (commands, receiver) = unbounded_channel();
        let proxy = proxy::run(listener, server, recorder.clone(), receiver);
        let thread = Some(thread::spawn(move || runtime.block_on(proxy)));
        Ok(Self { address, recorder, commands, thread })
    }

    /// The address for the client.
    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// Closes the listener, so that new connections are refused. Open connections continue.
    pub(crate) fn stop_listening(&mut self) {
        let (done, is_done) = mpsc::channel();
        let _ = self.commands.send(Command::StopListening(done));
        // An error means that the proxy has ended, and its listener with it.
        let _ = is_done.recv();
    }

    /// Listens again.
    pub(crate) fn resume_listening(&mut self) -> io::Result<()> {
        let (sender, result) = mpsc::channel();
        let _ = self.commands.send(Command::Listen(self.address.clone(), sender));
        result.recv().map_err(io::Error::other)?
    }

    /// Waits until the client has closed its connections, but at most `limit`, ends the tap, and
    /// returns the statistics.
    pub(crate) fn finish(mut self, limit: Duration) -> WireStats {
        self.join(limit);
        self.recorder.take_statistics()
    }

    fn join(&mut self, limit: Duration) {
        let Some(thread) = self.thread.take() else { return };
        // Errors mean that the proxy has panicked, which its thread has reported.
        let _ = self.commands.send(Command::Finish(Instant::now() + limit));
        let _ = thread.join();
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.join(Duration::ZERO);
    }
}
