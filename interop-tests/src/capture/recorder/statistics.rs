//! Counts frames and messages for the `wire` expectations of scenarios.
//!
//! Counting happens while frames are recorded, because the recording omits frames of long calls.

use std::collections::{BTreeMap, BTreeSet};

use crate::capture::dissection::frame::IncomingFrame;
use crate::http2::frame::{flag, kind};
use crate::http2::{Block, Field, Role};

/// How many faults are reported.
const FAULTS: usize = 4;

/// The statistics of all connections of a trial.
#[derive(Default)]
pub(crate) struct WireStats {
    pub(crate) requests: MessageStats,
    pub(crate) responses: MessageStats,
    /// PINGs of the client, without acknowledgements.
    pub(crate) pings: usize,
    /// GOAWAYs of the server on connections that the client had not ended itself.
    pub(crate) goaways: usize,
    /// RST_STREAMs of the client.
    pub(crate) client_resets: usize,
    /// The most streams that were open at once on one connection.
    pub(crate) streams_at_once: usize,
    /// Violations of the protocol.
    pub(crate) faults: Vec<String>,
    connections: BTreeMap<usize, Connection>,
}

/// What one side sent on all streams.
#[derive(Default)]
pub(crate) struct MessageStats {
    /// How many messages had each compressed flag.
    pub(crate) flags: BTreeMap<u8, usize>,
    /// How many streams had each `grpc-encoding`; `identity` where there was none.
    pub(crate) encodings: BTreeMap<String, usize>,
}

#[derive(Default)]
struct Connection {
    open_streams: BTreeSet<u32>,
    client_has_ended: bool,
}

impl WireStats {
    pub(crate) fn connections(&self) -> usize {
        self.connections.len()
    }

    pub(super) fn open_connection(&mut self, connection: usize) {
        self.connections.insert(connection, Connection::default());
    }

    /// One side has closed the connection or its direction of it.
    pub(super) fn end_connection(&mut self, connection: usize, sender: Role) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.client_has_ended |= sender == Role::Client;
        }
    }

    /// Counts a whole frame; `block` is the header block that ends with it.
    pub(super) fn add_frame(
        &mut self,
        connection: usize,
        sender: Role,
        frame: &IncomingFrame,
        block: Option<&Block>,
    ) {
        let (header, is_client) = (frame.header, sender == Role::Client);
        let Some(state) = self.connections.get_mut(&connection) else { return };
        if !is_client && header.ends_stream() {
            state.open_streams.remove(&header.stream);
        }
        match header.kind {
            kind::DATA => self.add_messages(sender, frame),
            kind::RST_STREAM => {
                self.client_resets += usize::from(is_client);
                state.open_streams.remove(&header.stream);
            }
            kind::PING => self.pings += usize::from(is_client && !header.has(flag::ACK)),
            kind::GOAWAY if is_client => state.client_has_ended = true,
            // A GOAWAY after the client has ended the connection only confirms that.
            kind::GOAWAY => self.goaways += usize::from(!state.client_has_ended),
            _ => {}
        }
        match block.map(|block| (block.stream, &block.fields)) {
            Some((stream, Ok(fields))) => self.add_headers(connection, sender, stream, fields),
            Some((_, Err(error))) => self.fault(format!("a header block cannot be read: {error}")),
            None => {}
        }
    }

    fn add_messages(&mut self, sender: Role, frame: &IncomingFrame) {
        if frame.content().is_none() {
            self.fault("the padding of a DATA frame is longer than the frame".to_owned());
        }
        for (flag, count) in &frame.messages.flags {
            *self.of(sender).flags.entry(*flag).or_default() += count;
        }
    }

    fn add_headers(&mut self, connection: usize, sender: Role, stream: u32, fields: &[Field]) {
        let value = |name: &str| {
            let field = fields.iter().find(|(key, _)| key == name.as_bytes());
            field.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        let first_field = if sender == Role::Client { ":path" } else { ":status" };
        if value(first_field).is_none() {
            return;
        }
        if sender == Role::Client
            && let Some(state) = self.connections.get_mut(&connection)
        {
            state.open_streams.insert(stream);
            self.streams_at_once = self.streams_at_once.max(state.open_streams.len());
        }
        // A response that is only trailers has no messages that could be encoded.
        if value("grpc-status").is_none() {
            let encoding = value("grpc-encoding").unwrap_or_else(|| "identity".to_owned());
            *self.of(sender).encodings.entry(encoding).or_default() += 1;
        }
    }

    fn of(&mut self, sender: Role) -> &mut MessageStats {
        match sender {
            Role::Client => &mut self.requests,
            Role::Server => &mut self.responses,
        }
    }

    fn fault(&mut self, fault: String) {
        if self.faults.len() < FAULTS {
            self.faults.push(fault);
        }
    }
}
