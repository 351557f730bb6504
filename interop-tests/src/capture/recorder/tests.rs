//! Tests of the statistics, through the parser that feeds them.

use std::collections::BTreeMap;

use crate::capture::recorder::{ConnectionRecorder, Recorder};
use crate::http2::frame::{PREFACE, flag, kind};
use crate::http2::{Frame, FrameHeader, Observer, header_block};

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
    let reply = [frame(kind::DATA, 0, 1, MESSAGE), frame(kind::DATA, 0, 1, COMPRESSED)].concat();
    (0..10_000).for_each(|_| connection.server.bytes(&reply));
    let stats = recorder.take_statistics();
    assert!(recorder.take().left_out.is_some(), "the recording is shorter");
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
    assert!(faults[1..].iter().all(|fault| fault.starts_with("a header block cannot be read: ")));
}
