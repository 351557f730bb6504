//! The thread of a tap, which waits for all its sockets at once.
//!
//! One thread, not two for each connection: a reset is sent when the last copy of a socket is closed,
//! so no other thread may hold one.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::Socket;

use crate::capture::recorder::Recorder;
use crate::capture::tap::connection_pair::ConnectionPair;
use crate::capture::tap::socket;
use crate::capture::tap::socket::Listener;

/// More connections than any scenario has at once; further ones are reset.
const MAX_CONNECTIONS: usize = 256;

/// How many bytes are read at once.
const BUFFER: usize = 64 * 1024;

#[derive(Debug)]
pub(super) enum Command {
    /// Close the listener and confirm it.
    StopListening(Sender<()>),
    /// Accept connections from this listener.
    Listen(Listener),
    /// End when no connection is left, or at this time.
    Finish(Instant),
}

pub(super) struct EventLoop {
    listener: Option<Listener>,
    server: String,
    recorder: Recorder,
    commands: Receiver<Command>,
    /// Readable when there are commands, or when the tap is gone.
    woken: UnixStream,
    connections: Vec<ConnectionPair>,
    deadline: Option<Instant>,
}

/// The sockets that are ready.
#[derive(Default)]
struct Ready {
    woken: bool,
    listener: bool,
    /// The events of each pair's client and server.
    connections: Vec<[PollFlags; 2]>,
}

impl EventLoop {
    pub(super) fn new(
        listener: Listener,
        server: String,
        recorder: Recorder,
        commands: Receiver<Command>,
        woken: UnixStream,
    ) -> Self {
        let (listener, connections, deadline) = (Some(listener), Vec::new(), None);
        Self { listener, server, recorder, commands, woken, connections, deadline }
    }

    /// Forwards until the tap finishes or is gone.
    pub(super) fn run(mut self) {
        let mut buffer = vec![0; BUFFER];
        while self.deadline.is_none_or(|d| !self.connections.is_empty() && Instant::now() < d) {
            let Ok(ready) = self.wait() else { break };
            for (pair, events) in self.connections.iter_mut().zip(&ready.connections) {
                pair.handle(*events, &mut buffer);
            }
            self.connections.retain(|pair| !pair.is_closed);
            if ready.listener
                && let Some(Ok(client)) = self.listener.as_ref().map(Listener::accept)
            {
                self.connect(client);
            }
            if ready.woken && !self.run_commands() {
                break;
            }
        }
    }

    fn wait(&self) -> rustix::io::Result<Ready> {
        let woken = PollFd::new(&self.woken, PollFlags::IN);
        let listener = self.listener.as_ref().filter(|_| self.deadline.is_none());
        let listener = listener.map(|listener| PollFd::new(&listener.socket, PollFlags::IN));
        let interests: Vec<_> = self.connections.iter().map(ConnectionPair::interests).collect();
        let mut sockets = vec![woken];
        sockets.extend(listener.clone());
        sockets.extend(interests.iter().flatten().flatten().cloned());
        let left = self.deadline.map(|d| d.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut sockets, left.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(error),
        }
        let mut events = sockets.iter().map(PollFd::revents);
        let mut next = || events.next().unwrap_or(PollFlags::empty());
        let woken = !next().is_empty();
        let listener = listener.is_some() && !next().is_empty();
        let mut of_side = |interest: &Option<PollFd<'_>>| match interest {
            Some(_) => next(),
            None => PollFlags::empty(),
        };
        let connections = interests.iter();
        let connections = connections.map(|[client, server]| [of_side(client), of_side(server)]);
        Ok(Ready { woken, listener, connections: connections.collect() })
    }

    /// Connects a new client with the server.
    fn connect(&mut self, client: Socket) {
        let server = socket::connect(&self.server);
        if let Some(server) = server.ok().filter(|_| self.connections.len() < MAX_CONNECTIONS) {
            let recorder = self.recorder.connect();
            self.connections.push(ConnectionPair::new(client, server, recorder));
        } else {
            // The closest to a refused connection, because this one has been accepted.
            self.recorder.refuse_connection();
            socket::reset_on_close(&client);
        }
    }

    /// Runs the commands that were sent; false when the tap is gone.
    fn run_commands(&mut self) -> bool {
        let wakes = self.woken.read(&mut [0; 16]);
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::StopListening(done) => {
                    self.listener = None;
                    let _ = done.send(());
                }
                Command::Listen(listener) => self.listener = Some(listener),
                Command::Finish(deadline) => self.deadline = Some(deadline),
            }
        }
        wakes.is_ok_and(|wakes| wakes > 0)
    }
}
