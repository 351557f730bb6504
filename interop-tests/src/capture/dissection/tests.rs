//! Tests of the way from bytes to a trace, through the recorder.

use grpc_interop_protocol::hex;

use crate::capture::recorder::{ConnectionRecorder, Recorder};
use crate::capture::trace::{EventKind, Frame, Part, Trace};
use crate::http2::frame::{self, PREFACE};
use crate::http2::{Observer, Role};

const DATA: u8 = frame::kind::DATA;
const HEADERS: u8 = frame::kind::HEADERS;
const SETTINGS: u8 = frame::kind::SETTINGS;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::Frame::new(kind, flags, stream, payload).write_to(&mut bytes);
    bytes
}

/// A length-prefixed message.
fn message(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a short message").to_be_bytes();
    [&[flag], &length[..], message].concat()
}

/// The trace of a server that sends `bytes`, recorded in reads of `size` bytes.
fn trace_of_reads(bytes: &[u8], size: usize) -> Trace {
    let recorder = Recorder::default();
    let ConnectionRecorder { client, mut server } = recorder.connect();
    bytes.chunks(size).for_each(|read| server.bytes(read));
    drop((client, server));
    recorder.take()
}

fn trace_of(bytes: &[u8]) -> Trace {
    trace_of_reads(bytes, usize::MAX)
}

fn frames(trace: &Trace) -> Vec<&Frame> {
    trace
        .events
        .iter()
        .filter_map(|event| match &event.what {
            EventKind::Frame(frame) | EventKind::CutOff(frame) => Some(frame),
            _ => None,
        })
        .collect()
}

/// The parts of a frame's payload: the bytes, their name and their value.
fn parts(frame: &Frame) -> Vec<(String, &str, &str)> {
    let all = frame.kept();
    let behind_header = frame.parts.iter().filter(|part| part.start >= 9);
    let shown = |part: &Part| hex::encode(&all[part.start..part.end]);
    behind_header.map(|part| (shown(part), &part.name[..], &part.value[..])).collect()
}

fn named<'a>(bytes: &str, name: &'a str, value: &'a str) -> (String, &'a str, &'a str) {
    (bytes.to_owned(), name, value)
}

/// What a server sends in a call: padding, a message in two frames, and a frame that is cut off.
fn server_bytes() -> Vec<u8> {
    // :status: 200 and a: b, indexed for later; then both again.
    let (first, again) = ([0x88, 0x40, 1, b'a', 1, b'b'], [0x88, 0xbe]);
    let long = message(0, &[0x7a, 0x88, 0x27].into_iter().chain([7; 5000]).collect::<Vec<_>>());
    [
        frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0, 0, 99, 0, 0, 0, 1]),
        frame(HEADERS, 4, 1, &first),
        frame(DATA, 8, 1, &[&[3], &message(0, b"\x0d\0\0\x80\x40")[..], &[0; 3]].concat()),
        frame(DATA, 0, 1, &long[..2000]),
        frame(DATA, 0, 1, &long[2000..]),
        frame(HEADERS, 1 | 4, 1, &again),
        frame(7, 0, 0, b"\0\0\0\x01\0\0\0\x0bbye"),
        b"\0\0\x08\x06".to_vec(),
    ]
    .concat()
}

fn as_json(trace: &Trace) -> serde_json::Value {
    let mut json = serde_json::to_value(trace).expect("a trace can be written");
    for event in json["events"].as_array_mut().expect("events") {
        event["ms"] = 0.into();
    }
    json
}

#[test]
fn a_trace_does_not_depend_on_the_size_of_reads() {
    let bytes = server_bytes();
    let whole = trace_of(&bytes);
    assert_eq!(frames(&whole).len(), 8);
    for size in [1, 2, 7, 1000, 4099] {
        assert_eq!(
            as_json(&trace_of_reads(&bytes, size)),
            as_json(&whole),
            "reads of {size} bytes"
        );
    }
    let read: Trace = serde_json::from_value(as_json(&whole)).expect("a trace can be read");
    assert_eq!(as_json(&read), as_json(&whole));
}

#[test]
fn every_byte_has_a_name() {
    for frame in frames(&trace_of(&server_bytes())) {
        let mut at = 0;
        for part in &frame.parts {
            assert_eq!(part.start, at, "a gap in {frame:?}");
            assert!(part.end > at, "an empty part in {frame:?}");
            at = part.end;
        }
        assert_eq!(at, frame.header.len() + frame.payload.length, "the end of {frame:?}");
    }
}

#[test]
fn padding_is_not_content() {
    let padded = [&[2], &message(0, b"\x0d\0\0\x80\x40")[..], &[0xaa, 0xbb]].concat();
    let trace = trace_of(&frame(DATA, 1 | 8, 1, &padded));
    let [frame] = frames(&trace)[..] else { panic!("one frame") };
    assert_eq!(frame.flags, ["END_STREAM", "PADDED"]);
    assert_eq!(
        parts(frame),
        [
            named("02", "pad length", "2"),
            named("00", "compressed flag", "0"),
            named("00000005", "message length", "5"),
            named("0d00008040", "message", ""),
            named("aabb", "padding", ""),
        ]
    );
    assert_eq!(frame.messages[0].start, Some(10));
    let trace = trace_of(&self::frame(DATA, 8, 1, &[200, 0, 0, 0, 0, 0]));
    assert_eq!(parts(frames(&trace)[0])[1], named("0000000000", "padding", ""));
    assert!(frames(&trace)[0].messages.is_empty(), "all of it is padding");
    let block = [1, 0, 0, 0, 7, 9, 0x88, 0xcc];
    let trace = trace_of(&self::frame(HEADERS, 4 | 8 | 0x20, 1, &block));
    assert_eq!(
        parts(frames(&trace)[0]),
        [
            named("01", "pad length", "1"),
            named("00000007", "dependency", "7"),
            named("09", "weight", ""),
            named("88", "header block", ""),
            named("cc", "padding", ""),
        ]
    );
    let block = frames(&trace)[0].block.as_ref().expect("the header block is invalid");
    assert_eq!((&block.fields[0].name[..], &block.fields[0].value[..]), (":status", "200"));
}

#[test]
fn a_header_block_continues_in_later_frames() {
    let bytes = [
        frame(HEADERS, 0, 1, &[0x88, 0x40, 3]),
        frame(9, 0, 1, b"k\xc3"),
        frame(9, 4, 1, b"y\x01\x0a"),
        frame(HEADERS, 4, 3, &[0xbe]),
    ];
    let trace = trace_of(&bytes.concat());
    let frames = frames(&trace);
    assert!(frames[0].block.is_none() && frames[1].block.is_none(), "END_HEADERS is missing");
    for frame in [frames[2], frames[3]] {
        let field =
            frame.block.as_ref().and_then(|block| block.fields.last()).expect("there is no field");
        assert_eq!((&field.name[..], &field.value[..]), (r"k\xc3y", r"\x0a"));
    }
    assert_eq!(frames[2].flags, ["END_HEADERS"]);
    let trace = trace_of(&[frame(HEADERS, 4, 1, &[0xbe]), frame(HEADERS, 4, 3, &[0x88])].concat());
    let errors = self::frames(&trace).into_iter().map(|f| f.block.as_ref()?.error.clone());
    assert!(errors.clone().all(|error| error.is_some()), "{:?}", errors.collect::<Vec<_>>());
}

#[test]
fn a_message_continues_in_later_frames() {
    let two = [message(0, b"\x0d\0\0\x80\x40"), message(0, b"\x08\x96\x01")].concat();
    let bytes = [
        frame(DATA, 0, 1, &two[..3]),
        frame(DATA, 0, 1, &two[3..8]),
        // A message of another stream.
        frame(DATA, 0, 3, &message(0, b"")),
        frame(DATA, 1, 1, &two[8..]),
    ];
    let trace = trace_of(&bytes.concat());
    let frames = frames(&trace);
    assert_eq!(parts(frames[0]), [named("000000", "part of a message's prefix", "")]);
    let part = "3 of 5 bytes so far";
    assert_eq!(parts(frames[1]), [named("00050d0000", "part of a message", part)]);
    assert_eq!(frames[2].messages.len(), 1);
    assert_eq!(frames[2].messages[0].bytes.length, 0);
    assert_eq!(
        parts(frames[3]),
        [
            named("8040", "rest of a message", "5 bytes"),
            named("00", "compressed flag", "0"),
            named("00000003", "message length", "3"),
            named("089601", "message", ""),
        ]
    );
    let [first, second] = &frames[3].messages[..] else { panic!("two messages") };
    assert_eq!((first.start, &first.bytes.kept[..]), (None, &b"\x0d\0\0\x80\x40"[..]));
    let field = &first.fields[0];
    assert_eq!((field.start, field.value_start, field.end), (0, 1, 5));
    assert_eq!(field.value, "4.0 (0x40800000)");
    assert_eq!((second.start, &second.fields[0].value[..]), (Some(11), "150"));
}

#[test]
fn the_reason_why_a_message_is_not_protobuf_is_shown() {
    let bytes = [
        message(0, b"\x0d\0\0"),
        message(0, b"\x08\x01\x07"),
        message(1, b"\x1f\x8b"),
        message(7, b""),
        message(0, b"\x0a\x03abc\x12\x02\0\xff\x19\0\0\0\0\0\0\xf0\x3f"),
    ];
    let trace = trace_of(&frame(DATA, 1, 1, &bytes.concat()));
    let messages = &frames(&trace)[0].messages;
    let unread = |index: usize| messages[index].unread.clone().unwrap_or_default();
    assert_eq!(unread(0), "not protobuf from byte 0 on: 4 bytes should follow, but only 2 do");
    assert!(unread(1).starts_with("not protobuf from byte 2 on: "), "{}", unread(1));
    assert_eq!(messages[1].fields.len(), 1, "the field before it is read");
    assert_eq!(unread(2), "it is compressed");
    assert_eq!(unread(3), "7 is not a valid compressed flag");
    let values: Vec<_> = messages[4].fields.iter().map(|field| &field.value[..]).collect();
    assert_eq!(values, [r#""abc""#, "00ff", "1.0 (0x3ff0000000000000)"]);
    assert_eq!(messages[4].unread, None);
}

#[test]
fn numbers_have_names() {
    let bytes = [
        frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100, 0xfe, 3, 0, 0, 0, 1, 9]),
        frame(3, 0, 1, &[0, 0, 0, 8]),
        frame(7, 0, 0, b"\0\0\0\x01\0\0\0\x0btoo_many_pings"),
        frame(8, 0, 0, &[0x80, 1, 0, 0]),
        frame(6, 1, 0, b"12345678"),
        frame(0x54, 0x41, 5, b"TP"),
        frame(3, 0, 1, &[0, 0]),
    ];
    let trace = trace_of(&bytes.concat());
    let frames = frames(&trace);
    assert_eq!(
        parts(frames[0]),
        [
            named("0003", "identifier", "3 MAX_CONCURRENT_STREAMS"),
            named("00000064", "value", "100"),
            named("fe03", "identifier", "65027 GRPC_ALLOW_TRUE_BINARY_METADATA"),
            named("00000001", "value", "1"),
            named("09", "unexpected bytes", ""),
        ]
    );
    assert_eq!(parts(frames[1]), [named("00000008", "error code", "8 CANCEL")]);
    assert_eq!(parts(frames[2])[1], named("0000000b", "error code", "11 ENHANCE_YOUR_CALM"));
    assert_eq!(parts(frames[2])[2].2, "too_many_pings");
    assert_eq!(parts(frames[3]), [named("80010000", "increment", "65536")]);
    assert_eq!(frames[4].flags, ["ACK"]);
    assert_eq!(parts(frames[4]), [named("3132333435363738", "opaque data", "")]);
    assert_eq!((&frames[5].name[..], frames[5].stream), ("frame of type 84", 5));
    assert_eq!(frames[5].flags, ["0x41"]);
    assert_eq!(parts(frames[6]), [named("0000", "error code", "cut off")]);
}

#[test]
fn long_payloads_are_truncated() {
    let bytes = [frame(DATA, 0, 1, &message(0, &[0; 9000])), frame(DATA, 1, 1, &message(0, b""))];
    let trace = trace_of(&bytes.concat());
    let frame = frames(&trace)[0];
    assert_eq!((frame.payload.length, frame.payload.left_out), (9005, 9005 - 1024));
    assert_eq!(frame.payload.kept.len(), 1024);
    let message = &frame.messages[0];
    assert_eq!((message.bytes.length, message.bytes.left_out), (9000, 9000 - 1024));
    assert_eq!(message.unread.as_deref(), Some("only 1024 of its bytes are kept"));
    assert_eq!(frames(&trace)[1].messages.len(), 1, "the end of the message is found");
}

#[test]
fn a_frame_can_be_cut_off_anywhere() {
    let whole = frame(DATA, 1, 1, &message(0, b"\x0d\0\0\x80\x40"));
    let is_cut_off =
        |trace: &Trace| matches!(trace.events.last().map(|e| &e.what), Some(EventKind::CutOff(_)));
    let header = trace_of(&whole[..4]);
    assert!(is_cut_off(&header));
    let payload = trace_of(&whole[..16]);
    assert!(is_cut_off(&payload));
    let frame = frames(&payload)[0];
    assert_eq!((frame.payload.length, &frame.parts[0].value[..]), (7, "10"));
    assert_eq!(parts(frame)[2], named("0d00", "part of a message", "2 of 5 bytes so far"));
    assert!(frame.messages.is_empty());
    assert!(header.to_string().contains("cut off: "), "{header}");
}

#[test]
fn other_protocols_are_recognized() {
    let page = b"HTTP/1.1 503 Busy\r\n\r\n";
    for size in [1, 3, 100] {
        let trace = trace_of_reads(page, size);
        assert!(frames(&trace).is_empty());
        let bytes = trace.events.iter().filter_map(|event| match &event.what {
            EventKind::Bytes(bytes) => Some(&bytes.kept[..]),
            _ => None,
        });
        assert!(bytes.collect::<Vec<_>>().concat().starts_with(b"HTTP/1.1"), "{trace}");
    }
    assert!(trace_of(page).to_string().contains(r"HTTP/1.1 503 Busy\x0d\x0a"), "the text is shown");
    let recorder = Recorder::default();
    let ConnectionRecorder { mut client, server } = recorder.connect();
    client.bytes(b"GET / HTTP/1.1\r\n\r\n");
    drop((client, server));
    let trace = recorder.take();
    assert!(trace.to_string().contains("18 bytes that are not HTTP/2"), "{trace}");
    let recorder = Recorder::default();
    let ConnectionRecorder { mut client, server } = recorder.connect();
    client.bytes(&PREFACE[..10]);
    client.bytes(&[&PREFACE[10..], &frame(SETTINGS, 0, 0, &[])].concat());
    drop((client, server));
    let whats: Vec<_> = recorder.take().events.into_iter().map(|event| event.what).collect();
    assert!(
        matches!(whats[..], [EventKind::Opened, EventKind::Preface(_), EventKind::Frame(_)]),
        "{whats:?}"
    );
}

#[test]
fn tls_is_recorded_as_records() {
    let alert = [0x15, 3, 3, 0, 2, 2, 40];
    for size in [1, 4, 100] {
        let trace = trace_of_reads(&alert.repeat(2), size);
        let text = trace.to_string();
        assert_eq!(text.matches("server  TLS record: alert, 2 bytes").count(), 2, "{text}");
        assert!(trace.notes[0].contains("encrypted"), "{text}");
    }
}

#[test]
fn header_blocks_that_are_dropped_still_count() {
    let recorder = Recorder::default();
    let ConnectionRecorder { client, mut server } = recorder.connect();
    server.bytes(&frame(HEADERS, 4, 1, &[0x88, 0x40, 1, b'a', 1, b'b']));
    let reply = frame(DATA, 0, 1, &message(0, b"\x0d\0\0\x80\x40"));
    for round in 0..100 {
        if round == 50 {
            // The last block refers to this one.
            server.bytes(&frame(HEADERS, 4, 3, &[0x88, 0x40, 1, b'c', 1, b'd']));
        }
        server.bytes(&reply.repeat(1000));
    }
    server.bytes(&frame(HEADERS, 1 | 4, 1, &[0xbe, 0xbf]));
    drop((client, server));
    let trace = recorder.take();
    let left_out = trace.left_out.expect("a gap");
    assert_eq!(trace.events.len() + left_out.events, 100_004);
    assert_eq!((trace.events.len(), left_out.after), (600, 400));
    let last = frames(&trace).into_iter().next_back().and_then(|frame| frame.block.as_ref());
    let names: Vec<_> =
        last.expect("the header block is invalid").fields.iter().map(|f| &f.name[..]).collect();
    assert_eq!(names, ["c", "a"], "dropped blocks are decoded");
    assert!(trace.to_string().contains("… 99404 events omitted …"));
}

#[test]
fn an_end_is_recorded_once() {
    let ends = |trace: Trace| -> Vec<(Role, EventKind)> {
        trace.events.into_iter().skip(1).map(|event| (event.from, event.what)).collect()
    };
    let recorder = Recorder::default();
    let ConnectionRecorder { mut client, mut server } = recorder.connect();
    client.half_closed();
    client.half_closed();
    server.reset();
    client.reset();
    client.half_closed();
    let all = ends(recorder.take());
    assert!(
        matches!(
            all[..],
            [(Role::Client, EventKind::HalfClosed), (Role::Server, EventKind::Reset)]
        ),
        "{all:?}"
    );
    let recorder = Recorder::default();
    let ConnectionRecorder { client: _client, mut server } = recorder.connect();
    recorder.ignore_ends();
    server.half_closed();
    assert!(ends(recorder.take()).is_empty(), "ends are ignored");
}
