//! Forwards between a connection of the client and the connection to the server that belongs to it.
//!
//! No more is read from one side than the other side has taken: otherwise the tap would hide a slow
//! reader from a fast writer.

use std::io::{ErrorKind, Read, Write};
use std::mem;
use std::net::Shutdown;

use rustix::event::{PollFd, PollFlags};
use socket2::Socket;

use crate::capture::recorder::{ConnectionRecorder, DirectionRecorder};
use crate::capture::tap::socket;

pub(super) struct ConnectionPair {
    /// The client and the server.
    sides: [Side; 2],
    /// Whether both sides have ended.
    pub(super) is_closed: bool,
}

/// One side: its socket, and the direction in which it sends.
struct Side {
    socket: Socket,
    recorder: DirectionRecorder,
    /// What it sent and the other side has not taken yet.
    unsent: Vec<u8>,
    sending: Sending,
    /// Whether writes to it fail.
    is_broken: bool,
    /// Whether poll reports an end or an error, which it would do again and again.
    is_hung_up: bool,
}

/// Whether a side still sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    Open,
    HalfClosed,
    /// It has half-closed, and so has the tap towards the other side.
    HalfCloseForwarded,
    Reset,
}

impl ConnectionPair {
    pub(super) fn new(client: Socket, server: Socket, recorder: ConnectionRecorder) -> Self {
        let side = |socket, recorder| Side {
            socket,
            recorder,
            unsent: Vec::new(),
            sending: Sending::Open,
            is_broken: false,
            is_hung_up: false,
        };
        let sides = [side(client, recorder.client), side(server, recorder.server)];
        Self { sides, is_closed: false }
    }

    /// The events to wait for at the client's socket and at the server's; none at a socket for which
    /// poll would return at once with what is already known.
    pub(super) fn interests(&self) -> [Option<PollFd<'_>>; 2] {
        [0, 1].map(|index| {
            let (side, other) = (&self.sides[index], &self.sides[1 - index]);
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, side.is_readable());
            flags.set(PollFlags::OUT, !other.unsent.is_empty());
            let is_useful = !flags.is_empty() || !side.is_hung_up;
            is_useful.then(|| PollFd::new(&side.socket, flags))
        })
    }

    /// Handles the events at the client's socket and at the server's.
    pub(super) fn handle(&mut self, events: [PollFlags; 2], buffer: &mut [u8]) {
        for (index, events) in events.into_iter().enumerate() {
            let is_end = events.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL);
            self.sides[index].is_hung_up |= is_end;
            if (is_end || events.contains(PollFlags::IN)) && self.sides[index].is_readable() {
                self.read(index, buffer);
            } else if events.contains(PollFlags::ERR) && self.sides[index].is_half_closed() {
                self.sides[index].sending = Sending::Reset;
            }
            if is_end || events.contains(PollFlags::OUT) {
                let unsent = mem::take(&mut self.sides[1 - index].unsent);
                self.forward(1 - index, &unsent);
            }
        }
        self.forward_ends();
    }

    /// Reads what one side sends and forwards it. Recorded first, so that a peer that has received a
    /// message finds it recorded.
    fn read(&mut self, from: usize, buffer: &mut [u8]) {
        let side = &mut self.sides[from];
        match side.socket.read(buffer) {
            Ok(0) => {
                side.sending = Sending::HalfClosed;
                side.recorder.half_close();
            }
            Ok(count) => {
                side.recorder.record(&buffer[..count]);
                self.forward(from, &buffer[..count]);
            }
            Err(error) if is_temporary(error.kind()) => {}
            Err(_) => side.sending = Sending::Reset,
        }
    }

    /// Writes to the other side as much as it takes.
    fn forward(&mut self, from: usize, mut bytes: &[u8]) {
        let to = &mut self.sides[1 - from];
        while !bytes.is_empty() && !to.is_broken {
            match to.socket.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.sides[from].unsent = bytes.to_vec();
                    return;
                }
                // What it has sent may still be readable.
                Err(_) => to.is_broken = true,
            }
        }
    }

    /// Forwards half-closes and resets once all bytes before them have been forwarded.
    fn forward_ends(&mut self) {
        for index in [0, 1] {
            let side = &mut self.sides[index];
            if !side.unsent.is_empty() {
                continue;
            }
            if side.sending == Sending::Reset || side.is_half_closed() && side.is_broken {
                side.recorder.reset();
                socket::reset_on_close(&self.sides[1 - index].socket);
                self.is_closed = true;
                return;
            }
            if side.sending == Sending::HalfClosed {
                side.sending = Sending::HalfCloseForwarded;
                let _ = self.sides[1 - index].socket.shutdown(Shutdown::Write);
            }
        }
        self.is_closed = self.sides.iter().all(|side| side.sending == Sending::HalfCloseForwarded);
    }
}

impl Side {
    fn is_half_closed(&self) -> bool {
        matches!(self.sending, Sending::HalfClosed | Sending::HalfCloseForwarded)
    }

    fn is_readable(&self) -> bool {
        self.unsent.is_empty() && self.sending == Sending::Open
    }
}

fn is_temporary(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
