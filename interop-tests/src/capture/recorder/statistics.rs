//! Counts what the expectations of a scenario state about the wire.
//!
//! Computed while frames are recorded and not from the recording, which drops frames of long calls.

use std::collections::{BTreeMap, BTreeSet};

use crate::capture::recorder::event::RecordedFrame;
use crate::capture::trace::Sender;
use crate::http2::frame::{Frame, FrameHeader, flag, kind};
use crate::http2::header_block::{BlockReader, Field};

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

struct Connection {
    open_streams: BTreeSet<u32>,
    client_has_ended: bool,
    client_blocks: BlockReader,
    server_blocks: BlockReader,
}

impl WireStats {
    pub(crate) fn connections(&self) -> usize {
        self.connections.len()
    }

    pub(super) fn open_connection(&mut self, connection: usize) {
        let state = Connection {
            open_streams: BTreeSet::new(),
            client_has_ended: false,
            client_blocks: BlockReader::new(),
            server_blocks: BlockReader::new(),
        };
        self.connections.insert(connection, state);
    }

    /// One side has closed the connection or its direction of it.
    pub(super) fn end_connection(&mut self, connection: usize, sender: Sender) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.client_has_ended |= sender == Sender::Client;
        }
    }

    /// Counts a frame, unless it was cut off.
    pub(super) fn add_frame(&mut self, connection: usize, sender: Sender, frame: &RecordedFrame) {
        let Some(state) = self.connections.get_mut(&connection).filter(|_| frame.is_whole()) else {
            return;
        };
        let (header, is_client) = (frame.header(), sender == Sender::Client);
        if !is_client && header.has(flag::END_STREAM) && header.kind <= kind::HEADERS {
            state.open_streams.remove(&header.stream);
        }
        match header.kind {
            kind::DATA => self.add_messages(sender, frame),
            kind::HEADERS | kind::CONTINUATION => match state.header_block(sender, frame) {
                Some(Ok((stream, fields))) => self.add_headers(connection, sender, stream, &fields),
                Some(Err(fault)) => self.fault(fault),
                None => {}
            },
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
    }

    fn add_messages(&mut self, sender: Sender, frame: &RecordedFrame) {
        if frame.content().is_none() {
            self.fault("the padding of a DATA frame is longer than the frame".to_owned());
        }
        let flags = &mut self.of(sender).flags;
        let first = frame.messages.iter().map(|message| (message.flag, 1));
        for (flag, count) in first.chain(frame.more_messages.clone()) {
            *flags.entry(flag).or_default() += count;
        }
    }

    fn add_headers(&mut self, connection: usize, sender: Sender, stream: u32, fields: &[Field]) {
        let value = |name: &str| {
            let field = fields.iter().find(|(key, _)| key == name.as_bytes());
            field.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        let first_field = if sender == Sender::Client { ":path" } else { ":status" };
        if value(first_field).is_none() {
            return;
        }
        if sender == Sender::Client
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

    fn of(&mut self, sender: Sender) -> &mut MessageStats {
        match sender {
            Sender::Client => &mut self.requests,
            Sender::Server => &mut self.responses,
        }
    }

    fn fault(&mut self, fault: String) {
        if self.faults.len() < FAULTS {
            self.faults.push(fault);
        }
    }
}

impl Connection {
    /// The stream and the fields of the header block that ends with `frame`, or what is wrong with it.
    fn header_block(
        &mut self,
        sender: Sender,
        frame: &RecordedFrame,
    ) -> Option<Result<(u32, Vec<Field>), String>> {
        if frame.payload.left_out > 0 {
            return Some(Err("a header block is too long to be decoded".to_owned()));
        }
        let blocks = match sender {
            Sender::Client => &mut self.client_blocks,
            Sender::Server => &mut self.server_blocks,
        };
        let FrameHeader { kind, flags, stream, .. } = frame.header();
        let frame = Frame::new(kind, flags, stream, frame.payload.kept.clone());
        let block = blocks.take(frame)?;
        let fields = block.fields.map(|fields| (block.stream, fields));
        Some(fields.map_err(|error| format!("a header block cannot be read: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::recorder::direction::ConnectionRecorder;
    use crate::capture::recorder::recording::Recorder;
    use crate::http2::frame::PREFACE;
    use crate::http2::frame_socket::Observer;
    use crate::http2::header_block;

    fn recorder() -> Recorder {
        let recorder = Recorder::default();
        recorder.enable_statistics();
        recorder
    }

    fn connect(recorder: &Recorder) -> ConnectionRecorder {
        let mut connection = recorder.connect();
        connection.client.bytes(PREFACE);
        connection
    }

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        Frame::new(kind, flags, stream, payload).write_to(&mut bytes);
        bytes
    }

    fn headers(flags: u8, stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        frame(kind::HEADERS, flags | flag::END_HEADERS, stream, &header_block::encode(&fields))
    }

    /// A request with `message` on `stream`.
    fn request(stream: u32, message: &[u8]) -> Vec<u8> {
        let headers = headers(0, stream, &[(":path", "/Calculator/SquareRoot")]);
        [headers, frame(kind::DATA, flag::END_STREAM, stream, message)].concat()
    }

    /// A response with `message` and trailers on `stream`.
    fn response(stream: u32, message: &[u8]) -> Vec<u8> {
        let headers_frame = headers(0, stream, &[(":status", "200"), ("grpc-encoding", "gzip")]);
        let trailers = headers(flag::END_STREAM, stream, &[("grpc-status", "0")]);
        [headers_frame, frame(kind::DATA, 0, stream, message), trailers].concat()
    }

    const MESSAGE: &[u8] = &[0, 0, 0, 0, 1, 8];
    const COMPRESSED: &[u8] = &[1, 0, 0, 0, 1, 8];

    #[test]
    fn they_do_not_depend_on_the_size_of_reads() {
        for size in [1, 5, 1000] {
            let recorder = recorder();
            let mut connection = connect(&recorder);
            let requests = [request(1, MESSAGE), request(3, MESSAGE)].concat();
            requests.chunks(size).for_each(|read| connection.client.bytes(read));
            let responses = [response(1, COMPRESSED), response(3, MESSAGE)].concat();
            responses.chunks(size).for_each(|read| connection.server.bytes(read));
            let stats = recorder.take_statistics();
            assert_eq!(stats.requests.flags, BTreeMap::from([(0, 2)]));
            assert_eq!(stats.requests.encodings, BTreeMap::from([("identity".to_owned(), 2)]));
            assert_eq!(stats.responses.flags, BTreeMap::from([(0, 1), (1, 1)]));
            assert_eq!(stats.responses.encodings, BTreeMap::from([("gzip".to_owned(), 2)]));
            assert_eq!((stats.streams_at_once, stats.connections()), (2, 1));
            assert!(stats.faults.is_empty(), "{:?}", stats.faults);
        }
    }

    #[test]
    fn they_are_exact_for_long_streams() {
        let recorder = recorder();
        let mut connection = connect(&recorder);
        connection.client.bytes(&request(1, &MESSAGE.repeat(1000)));
        connection.server.bytes(&headers(0, 1, &[(":status", "200")]));
        let reply =
            [frame(kind::DATA, 0, 1, MESSAGE), frame(kind::DATA, 0, 1, COMPRESSED)].concat();
        (0..10_000).for_each(|_| connection.server.bytes(&reply));
        assert!(recorder.lock().events.dropped > 0, "the recording is shorter");
        let stats = recorder.take_statistics();
        assert_eq!(stats.requests.flags, BTreeMap::from([(0, 1000)]));
        assert_eq!(stats.responses.flags, BTreeMap::from([(0, 10_000), (1, 10_000)]));
    }

    #[test]
    fn streams_are_open_until_the_server_ends_or_one_side_resets_them() {
        let recorder = recorder();
        let mut connection = connect(&recorder);
        for stream in [1, 3, 5, 7] {
            connection.client.bytes(&request(stream, MESSAGE));
            match stream {
                1 => connection.server.bytes(&response(stream, MESSAGE)),
                3 => connection.server.bytes(&frame(kind::RST_STREAM, 0, stream, &[0; 4])),
                5 => connection.client.bytes(&frame(kind::RST_STREAM, 0, stream, &[0; 4])),
                _ => {}
            }
        }
        let stats = recorder.take_statistics();
        assert_eq!((stats.streams_at_once, stats.client_resets), (1, 1));
    }

    #[test]
    fn only_a_goaway_that_the_client_did_not_cause_counts() {
        let goaway = frame(kind::GOAWAY, 0, 0, &[0; 8]);
        let recorder = recorder();
        let mut connections: Vec<_> = (0..3).map(|_| connect(&recorder)).collect();
        connections[0].client.bytes(&goaway);
        connections[1].client.half_closed();
        for connection in &mut connections {
            connection.server.bytes(&goaway);
        }
        recorder.refuse_connection();
        let stats = recorder.take_statistics();
        assert_eq!((stats.goaways, stats.connections()), (1, 3));
    }

    #[test]
    fn only_pings_of_the_client_that_it_sends_by_itself_count() {
        let recorder = recorder();
        let mut connection = connect(&recorder);
        let (ping, ack) = (frame(kind::PING, 0, 0, &[0; 8]), frame(kind::PING, 1, 0, &[0; 8]));
        connection.client.bytes(&[&ping[..], &ack, &ping[..12]].concat());
        connection.server.bytes(&ping);
        drop(connection);
        assert_eq!(recorder.take_statistics().pings, 1, "one of the two was cut off");
    }

    #[test]
    fn a_response_of_trailers_only_has_no_encoding() {
        let recorder = recorder();
        let mut connection = connect(&recorder);
        let fields = [(":status", "200"), ("grpc-status", "12")];
        connection.server.bytes(&headers(flag::END_STREAM, 1, &fields));
        assert!(recorder.take_statistics().responses.encodings.is_empty());
    }

    #[test]
    fn violations_of_the_protocol_are_faults() {
        let recorder = recorder();
        let mut connection = connect(&recorder);
        connection.server.bytes(&frame(kind::DATA, flag::PADDED, 1, &[9, 0, 0]));
        connection.server.bytes(&frame(kind::HEADERS, flag::END_HEADERS, 1, &[0xff; 4]));
        let header = FrameHeader { length: 70_000, kind: kind::HEADERS, flags: 4, stream: 1 };
        connection.server.bytes(&[&header.encode()[..], &vec![0; 70_000]].concat());
        let faults = recorder.take_statistics().faults;
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert_eq!(faults[0], "the padding of a DATA frame is longer than the frame");
        assert!(faults[1].starts_with("a header block cannot be read: "), "{faults:?}");
        assert_eq!(faults[2], "a header block is too long to be decoded");
    }
}
