//! What runs in a tap's thread: it waits for all sockets at once.
//!
//! One thread and not two for each connection, because nobody else may hold a copy of a socket that is
//! to be reset.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::Socket;

use crate::capture::recorder::Recorder;
use crate::capture::recorder::WireStats;
use crate::capture::tap::connection_pair::Link;
use crate::capture::tap::socket;
use crate::capture::tap::socket::Entrance;

/// More connections than any scenario has at once; further ones are reset.
const MOST_CONNECTIONS: usize = 256;

/// How much is read at once.
const BUFFER: usize = 64 * 1024;

/// What the works are told to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Close the entrance, and say so.
    Shut(Sender<()>),
    /// Take connections here.
    Open(Entrance),
    /// End when no connection is left, or at this time.
    Finish(Instant),
}

/// See the module.
pub(crate) struct EventLoop {
    entrance: Option<Entrance>,
    server: String,
    tape: Recorder,
    counts: bool,
    orders: Receiver<Order>,
    bell: UnixStream,
    links: Vec<Link>,
    sight: WireStats,
    end: Option<Instant>,
}

/// What the kernel tells.
#[derive(Default)]
struct Told {
    is_bell: bool,
    is_client: bool,
    links: Vec<[PollFlags; 2]>,
}

impl EventLoop {
    pub(crate) fn new(
        entrance: Entrance,
        server: String,
        tape: Recorder,
        counts: bool,
        orders: Receiver<Order>,
        bell: UnixStream,
    ) -> Self {
        let (entrance, links, sight, end) =
            (Some(entrance), Vec::new(), WireStats::default(), None);
        Self { entrance, server, tape, counts, orders, bell, links, sight, end }
    }

    /// Passes on what clients and server say, until the end.
    pub(crate) fn run(mut self) -> WireStats {
        let mut buffer = vec![0; BUFFER];
        while self.end.is_none_or(|end| !self.links.is_empty() && Instant::now() < end) {
            let Ok(told) = self.wait() else { break };
            for (link, told) in self.links.iter_mut().zip(&told.links) {
                link.turn(*told, &mut buffer, &mut self.sight);
            }
            self.links.retain(|link| !link.is_over);
            if told.is_client
                && let Some(Ok(client)) = self.entrance.as_ref().map(Entrance::admit)
            {
                self.link(client);
            }
            if told.is_bell && !self.take_orders() {
                break;
            }
        }
        self.sight
    }

    fn wait(&self) -> rustix::io::Result<Told> {
        let bell = PollFd::new(&self.bell, PollFlags::IN);
        let entrance = self.entrance.as_ref().filter(|_| self.end.is_none());
        let entrance = entrance.map(|entrance| PollFd::new(&entrance.socket, PollFlags::IN));
        let interests: Vec<_> = self.links.iter().map(Link::interests).collect();
        let mut sockets = vec![bell];
        sockets.extend(entrance.clone());
        sockets.extend(interests.iter().flatten().flatten().cloned());
        let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut sockets, left.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Told::default()),
            Err(error) => return Err(error),
        }
        let mut flags = sockets.iter().map(PollFd::revents);
        let mut next = || flags.next().unwrap_or(PollFlags::empty());
        let is_bell = !next().is_empty();
        let is_client = entrance.is_some() && !next().is_empty();
        let mut of_end = |interest: &Option<PollFd<'_>>| match interest {
            Some(_) => next(),
            None => PollFlags::empty(),
        };
        let links = interests.iter().map(|[client, server]| [of_end(client), of_end(server)]);
        let links = links.collect();
        Ok(Told { is_bell, is_client, links })
    }

    /// Connects `client` to the server.
    fn link(&mut self, client: Socket) {
        let mut tracks = self.tape.connect();
        let server = socket::connect(&self.server);
        let Some(server) = server.ok().filter(|_| self.links.len() < MOST_CONNECTIONS) else {
            // Nearly what a client sees whose server is away: it has been taken in already.
            tracks.server.reset();
            socket::reset(&client);
            return;
        };
        let connection = self.sight.new_connection();
        self.links.push(Link::new(client, server, tracks, self.counts.then_some(connection)));
    }

    /// Does what has been ordered; false when nobody can order anything any more.
    fn take_orders(&mut self) -> bool {
        let rings = self.bell.read(&mut [0; 16]);
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Shut(done) => {
                    self.entrance = None;
                    let _ = done.send(());
                }
                Order::Open(entrance) => self.entrance = Some(entrance),
                Order::Finish(end) => self.end = Some(end),
            }
        }
        rings.is_ok_and(|rings| rings > 0)
    }
}
