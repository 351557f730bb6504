//! A tap: a proxy between a client and a server that records what they exchange.
//!
//! Whether a message is compressed or a connection is pinged is decided below the API of a library,
//! so no agent can report it. The tap forwards every byte, half-close and reset unchanged: a
//! difference that a peer could notice would be a difference in what is tested.
//!
//! - [`event_loop`]: the thread that serves all sockets
//! - [`connection_pair`]: forwards between a client's connection and the server's
//! - [`socket`]: TCP and Unix sockets by address

mod connection_pair;
mod event_loop;
mod socket;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::capture::recorder::{Recorder, WireStats};
use crate::capture::tap::event_loop::{Command, EventLoop};
use crate::capture::tap::socket::Listener;

/// A running tap; dropping it closes all its connections.
#[derive(Debug)]
pub(crate) struct Tap {
    address: String,
    recorder: Recorder,
    commands: Sender<Command>,
    /// A byte written here makes the event loop look for commands.
    waker: UnixStream,
    event_loop: Option<JoinHandle<()>>,
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
        let listener = Listener::bind(address)?;
        let address = listener.address()?;
        if statistics {
            recorder.enable_statistics();
        }
        let (commands, receiver) = mpsc::channel();
        let (waker, woken) = UnixStream::pair()?;
        let event_loop = EventLoop::new(listener, server, recorder.clone(), receiver, woken);
        let event_loop = Some(thread::spawn(move || event_loop.run()));
        Ok(Self { address, recorder, commands, waker, event_loop })
    }

    /// The address for the client.
    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// Closes the listener, so that connections are refused; open connections go on.
    pub(crate) fn stop_listening(&mut self) {
        let (done, is_done) = mpsc::channel();
        self.send(Command::StopListening(done));
        // An error means that the event loop has ended, and its listener with it.
        let _ = is_done.recv();
    }

    /// Listens again.
    pub(crate) fn resume_listening(&mut self) -> io::Result<()> {
        let listener = Listener::bind(&self.address)?;
        self.send(Command::Listen(listener));
        Ok(())
    }

    /// Waits until the client has closed its connections, but at most `limit`, ends the tap, and
    /// returns the statistics.
    pub(crate) fn finish(mut self, limit: Duration) -> WireStats {
        self.join(Instant::now() + limit);
        self.recorder.take_statistics()
    }

    fn join(&mut self, deadline: Instant) {
        let Some(event_loop) = self.event_loop.take() else { return };
        self.send(Command::Finish(deadline));
        // A panic of the event loop has been reported by its thread.
        let _ = event_loop.join();
    }

    fn send(&mut self, command: Command) {
        // Errors mean that the event loop has ended, which `join` waits for.
        let _ = self.commands.send(command);
        let _ = self.waker.write_all(&[0]);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.join(Instant::now());
    }
}
