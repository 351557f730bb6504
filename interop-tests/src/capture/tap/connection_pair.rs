//! A connection of the client and the one of the server that belongs to it.
//!
//! No more is read from one side than the other has taken: otherwise nobody would ever have to wait for
//! a slow reader.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;

use rustix::event::{PollFd, PollFlags};
use socket2::Socket;

use crate::capture::recorder::ConnectionRecorder;
use crate::capture::recorder::DirectionRecorder;
use crate::capture::recorder::Sender;
use crate::capture::recorder::WireStats;
use crate::capture::tap::direction::Direction;
use crate::capture::tap::socket;

/// See the module.
pub(crate) struct Link {
    /// The client's, and the server's.
    ends: [End; 2],
    pub(crate) is_over: bool,
}

/// One side: its socket, and what it has said.
struct End {
    socket: Socket,
    track: DirectionRecorder,
    direction: Option<Direction>,
    /// What it has said and the other side has not taken.
    waiting: Vec<u8>,
    speech: Speech,
    /// Whether it takes nothing any more.
    is_deaf: bool,
    /// Whether the kernel tells of an end or an error again and again.
    is_hung_up: bool,
}

/// Whether a side says anything more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    GoesOn,
    Ended,
    /// It has ended, and the other side has been told.
    EndedForBoth,
    /// It has reset the connection.
    Reset,
}

impl Link {
    /// Between two sockets; frames are counted as those of `connection`, if they are.
    pub(crate) fn new(
        client: Socket,
        server: Socket,
        tracks: ConnectionRecorder,
        connection: Option<usize>,
    ) -> Self {
        let end = |socket, track, from| End {
            socket,
            track,
            direction: connection.map(|connection| Direction::new(from, connection)),
            waiting: Vec::new(),
            speech: Speech::GoesOn,
            is_deaf: false,
            is_hung_up: false,
        };
        let client = end(client, tracks.client, Sender::Client);
        let server = end(server, tracks.server, Sender::Server);
        Self { ends: [client, server], is_over: false }
    }

    /// What is waited for at the sockets of the two ends. None at one that would be told at once, again
    /// and again, what is known already.
    pub(crate) fn interests(&self) -> [Option<PollFd<'_>>; 2] {
        let interest = |of: usize| {
            let (end, other) = (&self.ends[of], &self.ends[1 - of]);
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, end.listens());
            flags.set(PollFlags::OUT, !other.waiting.is_empty());
            let is_worth_it = !flags.is_empty() || !end.is_hung_up;
            is_worth_it.then(|| PollFd::new(&end.socket, flags))
        };
        [interest(0), interest(1)]
    }

    /// Does what the kernel says can be done at the client's socket and at the server's.
    pub(crate) fn turn(&mut self, told: [PollFlags; 2], buffer: &mut [u8], sight: &mut WireStats) {
        for (of, told) in told.into_iter().enumerate() {
            let is_end = told.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL);
            self.ends[of].is_hung_up |= is_end;
            if (is_end || told.contains(PollFlags::IN)) && self.ends[of].listens() {
                self.hear(of, buffer, sight);
            } else if told.contains(PollFlags::ERR) && self.ends[of].has_ended() {
                self.ends[of].speech = Speech::Reset;
            }
            if (is_end || told.contains(PollFlags::OUT)) && !self.ends[1 - of].waiting.is_empty() {
                let waiting = std::mem::take(&mut self.ends[1 - of].waiting);
                self.pass_on(1 - of, &waiting);
            }
        }
        self.end();
    }

    /// Reads what one side says and passes it on. It is looked at first, so that whoever has got an
    /// answer finds it told.
    fn hear(&mut self, of: usize, buffer: &mut [u8], sight: &mut WireStats) {
        let end = &mut self.ends[of];
        match end.socket.read(buffer) {
            Ok(0) => {
                end.speech = Speech::Ended;
                end.track.half_close();
                if let Some(direction) = &end.direction {
                    direction.finish(sight);
                }
            }
            Ok(count) => {
                let bytes = &buffer[..count];
                end.track.take(bytes);
                if let Some(direction) = &mut end.direction {
                    direction.take(bytes, sight);
                }
                self.pass_on(of, bytes);
            }
            Err(error) if is_no_error(error.kind()) => {}
            Err(_) => end.speech = Speech::Reset,
        }
    }

    /// Sends the other side as much as it takes of what one side has said.
    fn pass_on(&mut self, from: usize, mut bytes: &[u8]) {
        let to = &mut self.ends[1 - from];
        while !bytes.is_empty() && !to.is_deaf {
            match to.socket.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.ends[from].waiting = bytes.to_vec();
                    return;
                }
                // What it has said before may still be read.
                Err(_) => to.is_deaf = true,
            }
        }
    }

    /// Passes on ends, once all that was said before them has been.
    fn end(&mut self) {
        for of in [0, 1] {
            let end = &mut self.ends[of];
            if !end.waiting.is_empty() {
                continue;
            }
            if end.speech == Speech::Reset || end.has_ended() && end.is_deaf {
                end.track.reset();
                socket::reset(&self.ends[1 - of].socket);
                self.is_over = true;
                return;
            }
            if end.speech == Speech::Ended {
                end.speech = Speech::EndedForBoth;
                let _ = self.ends[1 - of].socket.shutdown(Shutdown::Write);
            }
        }
        self.is_over = self.ends.iter().all(|end| end.speech == Speech::EndedForBoth);
    }
}

impl End {
    fn has_ended(&self) -> bool {
        matches!(self.speech, Speech::Ended | Speech::EndedForBoth)
    }

    /// Whether what it says is read.
    fn listens(&self) -> bool {
        self.waiting.is_empty() && self.speech == Speech::GoesOn
    }
}

fn is_no_error(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
