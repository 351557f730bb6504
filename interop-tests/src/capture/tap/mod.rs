//! A tap: a proxy between client and server that looks at what goes over the wire.
//!
//! What a library does below its API, whether a message is compressed or a connection is pinged, is
//! told by no agent. Every byte is passed on as it is, and every end too: who could tell a tap from a
//! server would be tested against the tap.
//!
//! - [`entrance`], [`works`], [`link`]: what passes the bytes on
//! - [`direction`]: the frames of one direction of a connection
//! - [`sight`]: what was seen
//! - [`expectation`]: what a table says of it

pub(crate) mod connection_pair;
pub(crate) mod direction;
pub(crate) mod event_loop;
pub(crate) mod socket;

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::capture::recorder::Recorder;
use crate::capture::recorder::WireStats;
use crate::capture::tap::event_loop::{EventLoop, Order};
use crate::capture::tap::socket::Entrance;

/// A running tap; it ends, with all its connections, when this is dropped.
#[derive(Debug)]
pub struct Tap {
    address: String,
    orders: Sender<Order>,
    /// The works look for orders when something comes out of its other end.
    bell: UnixStream,
    works: Option<JoinHandle<WireStats>>,
}

impl Tap {
    /// A tap at `asked` before the server at `server`, both `HOST:PORT` or `unix:PATH`. What goes over
    /// the wire is taken on `tape`; frames are only counted if this `counts`, which takes longer.
    pub fn start(asked: &str, server: String, tape: Recorder, counts: bool) -> io::Result<Self> {
        let entrance = Entrance::open(asked)?;
        let address = entrance.address()?;
        let (orders, of_works) = mpsc::channel();
        let (bell, rung) = UnixStream::pair()?;
        let works = EventLoop::new(entrance, server, tape, counts, of_works, rung);
        let works = Some(thread::spawn(move || works.run()));
        Ok(Self { address, orders, bell, works })
    }

    /// Where the client finds it.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Takes no connections any more, so that they are refused; those that are there go on.
    pub fn shut(&mut self) {
        let (done, is_done) = mpsc::channel();
        self.order(Order::Shut(done));
        // An error says that the works have ended, and their entrance with them.
        let _ = is_done.recv();
    }

    /// Takes connections again.
    pub fn open(&mut self) -> io::Result<()> {
        let entrance = Entrance::open(&self.address)?;
        self.order(Order::Open(entrance));
        Ok(())
    }

    /// Waits until the client has closed its connections, but no longer than `patience`, ends the tap,
    /// and tells what was seen.
    pub fn finish(mut self, patience: Duration) -> WireStats {
        self.order(Order::Finish(Instant::now() + patience));
        self.works.take().and_then(|works| works.join().ok()).unwrap_or_default()
    }

    fn order(&mut self, order: Order) {
        // Whether the works still run shows when they are joined.
        let _ = self.orders.send(order);
        let _ = self.bell.write_all(&[0]);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let Some(works) = self.works.take() else { return };
        self.order(Order::Finish(Instant::now()));
        let _ = works.join();
    }
}
