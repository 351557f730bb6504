//! What a trace says of bytes: the same however they come in, and the truth also where they are wrong.

use libtest_mimic::Trial;

use crate::run;
use grpc_interop::capture::dissection::trace::{Frame, Part, Trace, What};
use grpc_interop::capture::recorder::{ConnectionRecorder, Recorder, Sender};
use grpc_interop::http2::frame;
use grpc_interop::http2::frame::PREFACE;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("reading-frames/cut-anywhere-they-are-the-same", cut_anywhere),
        ("reading-frames/every-byte-has-a-name", every_byte_has_a_name),
        ("reading-frames/padding", padding),
        ("reading-frames/continuation", continuation),
        ("reading-frames/a-message-in-three-frames", a_message_in_three_frames),
        ("reading-frames/messages-that-are-no-protobuf", no_protobuf),
        ("reading-frames/numbers-have-names", numbers_have_names),
        ("reading-frames/long-payloads-are-cut", long_payloads_are_cut),
        ("reading-frames/what-is-cut-off", what_is_cut_off),
        ("reading-frames/what-is-no-http-2", what_is_no_http_2),
        ("reading-frames/a-million-frames", a_million_frames),
        ("reading-frames/ends-are-told-once", ends_are_told_once),
    ])
}

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

/// The trace of a server that says this, in pieces of so many bytes.
fn said_in_pieces(bytes: &[u8], size: usize) -> Trace {
    let tape = Recorder::default();
    let ConnectionRecorder { client, mut server } = tape.connect();
    bytes.chunks(size).for_each(|piece| server.take(piece));
    drop((client, server));
    Trace::of(&tape)
}

fn said(bytes: &[u8]) -> Trace {
    said_in_pieces(bytes, usize::MAX)
}

fn frames(trace: &Trace) -> Vec<&Frame> {
    trace
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::Frame(frame) | What::CutOff(frame) => Some(frame),
            _ => None,
        })
        .collect()
}

/// The parts of a frame's payload: the bytes, their name and their value.
fn parts(frame: &Frame) -> Vec<(String, &str, &str)> {
    let all = frame.header.clone() + &frame.payload.hex;
    let behind_header = frame.parts.iter().filter(|part| part.start >= 9);
    let shown = |part: &Part| all[2 * part.start..2 * part.end].to_owned();
    behind_header.map(|part| (shown(part), &part.name[..], &part.value[..])).collect()
}

fn named<'a>(bytes: &str, name: &'a str, value: &'a str) -> (String, &'a str, &'a str) {
    (bytes.to_owned(), name, value)
}

/// HTTP/2 as a server speaks it, with all that this file is about.
fn conversation() -> Vec<u8> {
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

fn cut_anywhere() {
    let bytes = conversation();
    let whole = said(&bytes);
    assert_eq!(frames(&whole).len(), 8);
    for size in [1, 2, 7, 1000, 4099] {
        assert_eq!(as_json(&said_in_pieces(&bytes, size)), as_json(&whole), "pieces of {size}");
    }
    let read: Trace = serde_json::from_value(as_json(&whole)).expect("a trace can be read");
    assert_eq!(as_json(&read), as_json(&whole));
}

fn every_byte_has_a_name() {
    for frame in frames(&said(&conversation())) {
        let mut at = 0;
        for part in &frame.parts {
            assert_eq!(part.start, at, "a gap in {frame}");
            assert!(part.end > at, "an empty part in {frame}");
            at = part.end;
        }
        assert_eq!(at, frame.header.len() / 2 + frame.payload.length, "the end of {frame}");
    }
}

fn padding() {
    let padded = [&[2], &message(0, b"\x0d\0\0\x80\x40")[..], &[0xaa, 0xbb]].concat();
    let trace = said(&frame(DATA, 1 | 8, 1, &padded));
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
    let trace = said(&self::frame(DATA, 8, 1, &[200, 0, 0, 0, 0, 0]));
    assert_eq!(parts(frames(&trace)[0])[1], named("0000000000", "padding", ""));
    assert!(frames(&trace)[0].messages.is_empty(), "all of it is padding");
    let block = [1, 0, 0, 0, 7, 9, 0x88, 0xcc];
    let trace = said(&self::frame(HEADERS, 4 | 8 | 0x20, 1, &block));
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
    let block = frames(&trace)[0].block.as_ref().expect("a block");
    assert_eq!((&block.fields[0].name[..], &block.fields[0].value[..]), (":status", "200"));
}

fn continuation() {
    let bytes = [
        frame(HEADERS, 0, 1, &[0x88, 0x40, 3]),
        frame(9, 0, 1, b"k\xc3"),
        frame(9, 4, 1, b"y\x01\x0a"),
        frame(HEADERS, 4, 3, &[0xbe]),
    ];
    let trace = said(&bytes.concat());
    let frames = frames(&trace);
    assert!(frames[0].block.is_none() && frames[1].block.is_none(), "they have not ended");
    for frame in [frames[2], frames[3]] {
        let field = frame.block.as_ref().and_then(|block| block.fields.last()).expect("a field");
        assert_eq!((&field.name[..], &field.value[..]), (r"k\xc3y", r"\x0a"));
    }
    assert_eq!(frames[2].flags, ["END_HEADERS"]);
    let trace = said(&[frame(HEADERS, 4, 1, &[0xbe]), frame(HEADERS, 4, 3, &[0x88])].concat());
    let errors = self::frames(&trace).into_iter().map(|f| f.block.as_ref()?.error.clone());
    assert!(errors.clone().all(|error| error.is_some()), "{:?}", errors.collect::<Vec<_>>());
}

fn a_message_in_three_frames() {
    let two = [message(0, b"\x0d\0\0\x80\x40"), message(0, b"\x08\x96\x01")].concat();
    let bytes = [
        frame(DATA, 0, 1, &two[..3]),
        frame(DATA, 0, 1, &two[3..8]),
        // Another stream has its own messages.
        frame(DATA, 0, 3, &message(0, b"")),
        frame(DATA, 1, 1, &two[8..]),
    ];
    let trace = said(&bytes.concat());
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
    assert_eq!((first.start, &first.bytes.hex[..]), (None, "0d00008040"));
    let field = &first.fields[0];
    assert_eq!((field.start, field.value_start, field.end), (0, 1, 5));
    assert_eq!(field.value, "4.0 (0x40800000)");
    assert_eq!((second.start, &second.fields[0].value[..]), (Some(11), "150"));
}

fn no_protobuf() {
    let bytes = [
        message(0, b"\x0d\0\0"),
        message(0, b"\x08\x01\x07"),
        message(1, b"\x1f\x8b"),
        message(7, b""),
        message(0, b"\x0a\x03abc\x12\x02\0\xff\x19\0\0\0\0\0\0\xf0\x3f"),
    ];
    let trace = said(&frame(DATA, 1, 1, &bytes.concat()));
    let messages = &frames(&trace)[0].messages;
    let unread = |index: usize| messages[index].unread.clone().unwrap_or_default();
    assert_eq!(unread(0), "no protobuf from byte 0 on: 4 bytes should follow, and 2 do");
    assert!(unread(1).starts_with("no protobuf from byte 2 on: "), "{}", unread(1));
    assert_eq!(messages[1].fields.len(), 1, "the good field is read");
    assert_eq!(unread(2), "it is compressed");
    assert_eq!(unread(3), "7 is no compressed flag");
    let values: Vec<_> = messages[4].fields.iter().map(|field| &field.value[..]).collect();
    assert_eq!(values, [r#""abc""#, "00ff", "1.0 (0x3ff0000000000000)"]);
    assert_eq!(messages[4].unread, None);
}

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
    let trace = said(&bytes.concat());
    let frames = frames(&trace);
    assert_eq!(
        parts(frames[0]),
        [
            named("0003", "identifier", "3 MAX_CONCURRENT_STREAMS"),
            named("00000064", "value", "100"),
            named("fe03", "identifier", "65027 GRPC_ALLOW_TRUE_BINARY_METADATA"),
            named("00000001", "value", "1"),
            named("09", "bytes that do not belong here", ""),
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

fn long_payloads_are_cut() {
    let bytes = [frame(DATA, 0, 1, &message(0, &[0; 9000])), frame(DATA, 1, 1, &message(0, b""))];
    let trace = said(&bytes.concat());
    let frame = frames(&trace)[0];
    assert_eq!((frame.payload.length, frame.payload.left_out), (9005, 9005 - 1024));
    assert_eq!(frame.payload.hex.len(), 2048);
    let message = &frame.messages[0];
    assert_eq!((message.bytes.length, message.bytes.left_out), (9000, 9000 - 1024));
    assert_eq!(message.unread.as_deref(), Some("only 1024 of its bytes are kept"));
    assert_eq!(frames(&trace)[1].messages.len(), 1, "the next one is found");
}

fn what_is_cut_off() {
    let whole = frame(DATA, 1, 1, &message(0, b"\x0d\0\0\x80\x40"));
    let is_cut_off =
        |trace: &Trace| matches!(trace.events.last().map(|e| &e.what), Some(What::CutOff(_)));
    let header = said(&whole[..4]);
    assert!(is_cut_off(&header));
    let payload = said(&whole[..16]);
    assert!(is_cut_off(&payload));
    let frame = frames(&payload)[0];
    assert_eq!((frame.payload.length, &frame.parts[0].value[..]), (7, "10"));
    assert_eq!(parts(frame)[2], named("0d00", "part of a message", "2 of 5 bytes so far"));
    // A frame without its end is a message without its end.
    assert!(frame.messages.is_empty());
    assert!(header.to_string().contains("cut off: "), "{header}");
}

fn what_is_no_http_2() {
    let page = b"HTTP/1.1 503 Busy\r\n\r\n";
    for size in [1, 3, 100] {
        let trace = said_in_pieces(page, size);
        assert!(frames(&trace).is_empty());
        let bytes = trace.events.iter().filter_map(|event| match &event.what {
            What::Bytes(bytes) => Some(&bytes.hex[..]),
            _ => None,
        });
        assert!(bytes.collect::<String>().starts_with("485454502f312e31"), "{trace}");
    }
    assert!(said(page).to_string().contains(r"HTTP/1.1 503 Busy\x0d\x0a"), "it can be read");
    let tape = Recorder::default();
    let ConnectionRecorder { mut client, server } = tape.connect();
    client.take(b"GET / HTTP/1.1\r\n\r\n");
    drop((client, server));
    let trace = Trace::of(&tape);
    assert!(trace.to_string().contains("18 bytes that are no HTTP/2"), "{trace}");
    let record = [0x15, 3, 3, 0, 2, 2, 40];
    let trace = said(&[&record[..], &record[..]].concat());
    let text = trace.to_string();
    assert_eq!(text.matches("server  TLS record: alert, 2 bytes").count(), 2, "{text}");
    assert!(trace.notes[0].contains("encrypted"), "and why there is no more");
    let tape = Recorder::default();
    let ConnectionRecorder { mut client, server } = tape.connect();
    client.take(&PREFACE[..10]);
    client.take(&[&PREFACE[10..], &frame(SETTINGS, 0, 0, &[])].concat());
    drop((client, server));
    let whats: Vec<_> = Trace::of(&tape).events.into_iter().map(|event| event.what).collect();
    assert!(matches!(whats[..], [What::Opened, What::Preface(_), What::Frame(_)]), "{whats:?}");
}

fn a_million_frames() {
    let tape = Recorder::default();
    let ConnectionRecorder { client, mut server } = tape.connect();
    server.take(&frame(HEADERS, 4, 1, &[0x88, 0x40, 1, b'a', 1, b'b']));
    let reply = frame(DATA, 0, 1, &message(0, b"\x0d\0\0\x80\x40"));
    for round in 0..1000 {
        if round == 500 {
            // The last block says what this one says.
            server.take(&frame(HEADERS, 4, 3, &[0x88, 0x40, 1, b'c', 1, b'd']));
        }
        server.take(&reply.repeat(1000));
    }
    server.take(&frame(HEADERS, 1 | 4, 1, &[0xbe, 0xbf]));
    drop((client, server));
    let trace = Trace::of(&tape);
    let left_out = trace.left_out.expect("a gap");
    assert_eq!(trace.events.len() + left_out.events, 1_000_004);
    assert_eq!((trace.events.len(), left_out.after), (600, 400));
    let last = frames(&trace).into_iter().next_back().and_then(|frame| frame.block.as_ref());
    let names: Vec<_> = last.expect("a block").fields.iter().map(|f| &f.name[..]).collect();
    assert_eq!(names, ["c", "a"], "blocks that are left out count");
    assert!(trace.to_string().contains("… 999404 events are left out …"));
}

fn ends_are_told_once() {
    let ends = |trace: Trace| -> Vec<(Sender, What)> {
        trace.events.into_iter().skip(1).map(|event| (event.from, event.what)).collect()
    };
    let tape = Recorder::default();
    let ConnectionRecorder { mut client, mut server } = tape.connect();
    client.half_close();
    client.half_close();
    server.reset();
    client.reset();
    client.half_close();
    let all = ends(Trace::of(&tape));
    assert!(
        matches!(all[..], [(Sender::Client, What::HalfClosed), (Sender::Server, What::Reset)]),
        "{all:?}"
    );
    let tape = Recorder::default();
    let ConnectionRecorder { client: _client, mut server } = tape.connect();
    tape.rest();
    server.half_close();
    assert!(ends(Trace::of(&tape)).is_empty(), "what the harness ends is no event");
}
