//! What a tap has seen: counts, so that it stays small however much goes through.

use std::collections::{BTreeMap, BTreeSet};

/// How many faults are told.
const TOLD: usize = 4;

/// See the module.
#[derive(Debug, Default)]
pub struct WireStats {
    pub requests: Side,
    pub responses: Side,
    /// PINGs of the client that are no answers.
    pub pings: usize,
    /// GOAWAYs of the server on connections that the client has not ended itself.
    pub goaways: usize,
    /// RST_STREAMs of the client.
    pub client_resets: usize,
    /// The most streams that were open at once on one connection.
    pub streams_at_once: usize,
    connections: Vec<Connection>,
    pub faults: Vec<String>,
}

#[derive(Debug, Default)]
struct Connection {
    open: BTreeSet<u32>,
    client_has_ended: bool,
}

/// What one side has sent on all streams.
#[derive(Debug, Default)]
pub struct Side {
    /// How many messages had each compressed flag.
    pub flags: BTreeMap<u8, usize>,
    /// How many streams had each `grpc-encoding`; `identity` where there was none.
    pub encodings: BTreeMap<String, usize>,
}

impl Side {
    pub fn message(&mut self, flag: u8) {
        *self.flags.entry(flag).or_default() += 1;
    }

    pub fn encoding(&mut self, name: String) {
        *self.encodings.entry(name).or_default() += 1;
    }
}

impl WireStats {
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    pub fn new_connection(&mut self) -> usize {
        self.connections.push(Connection::default());
        self.connections.len() - 1
    }

    pub fn side(&mut self, is_client: bool) -> &mut Side {
        if is_client { &mut self.requests } else { &mut self.responses }
    }

    pub fn open(&mut self, connection: usize, stream: u32) {
        if let Some(Connection { open, .. }) = self.connections.get_mut(connection) {
            open.insert(stream);
            self.streams_at_once = self.streams_at_once.max(open.len());
        }
    }

    pub fn close(&mut self, connection: usize, stream: u32) {
        if let Some(connection) = self.connections.get_mut(connection) {
            connection.open.remove(&stream);
        }
    }

    /// The client has said GOAWAY, or closed its side.
    pub fn client_ends(&mut self, connection: usize) {
        if let Some(connection) = self.connections.get_mut(connection) {
            connection.client_has_ended = true;
        }
    }

    /// The server has said GOAWAY, which is only an answer when the client has ended the connection.
    pub fn goaway(&mut self, connection: usize) {
        let ended = self.connections.get(connection).is_some_and(|known| known.client_has_ended);
        self.goaways += usize::from(!ended);
    }

    pub fn fault(&mut self, what: String) {
        if self.faults.len() < TOLD {
            self.faults.push(what);
        }
    }
}
