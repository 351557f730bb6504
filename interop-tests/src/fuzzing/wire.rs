//! The bytes of connections: frames, header blocks, and their recording.

use crate::capture::recorder::{ConnectionRecorder, Recorder};
use crate::capture::trace::{Bytes, EventKind, KEPT, Part, Trace};
use crate::http2::frame::{kind, settings, split_frame};
use crate::http2::header_block::{self, Decoder};
use crate::http2::{BlockReader, Frame, FrameHeader, Observer};

/// The frames of `bytes`, and the rest that is no whole frame.
pub(super) fn split(mut bytes: &[u8]) -> (Vec<Frame>, &[u8]) {
    let mut frames = Vec::new();
    while let Some((FrameHeader { kind, flags, stream, .. }, payload, rest)) = split_frame(bytes) {
        frames.push(Frame::new(kind, flags, stream, payload));
        bytes = rest;
    }
    (frames, bytes)
}

/// Both ways of reading frames read the same, and a frame is read again from what it is written as.
pub(super) fn frames(bytes: &[u8]) {
    let (frames, rest) = split(bytes);
    let mut reader = bytes;
    for frame in &frames {
        assert_eq!(Frame::read_from(&mut reader).expect("no error").as_ref(), Some(frame));
        let mut written = Vec::new();
        frame.write_to(&mut written);
        let again = Frame::read_from(&mut &written[..]).expect("no error");
        assert_eq!(again.as_ref(), Some(frame));
        let content = frame.content().unwrap_or_default().len();
        assert!(content <= frame.payload.len() && !frame.to_string().is_empty());
        assert_eq!(settings(&frame.payload).count(), frame.payload.len() / 6);
        for offset in [0, 4, frame.payload.len()] {
            assert_eq!(frame.number(offset).is_some(), offset + 4 <= frame.payload.len());
        }
    }
    assert_eq!(Frame::read_from(&mut reader).expect("no error"), None, "{rest:?}");
}

/// Fields are decoded again from their encoding. How a block is divided into frames does not matter.
pub(super) fn header_blocks(bytes: &[u8]) {
    let (mut decoder, mut reader) = (Decoder::default(), BlockReader::default());
    for block in bytes.split(|byte| *byte == b'|') {
        let result = decoder.decode(block);
        let first = Frame::new(kind::HEADERS, 0, 1, []);
        let size = block.first().copied().unwrap_or_default().into();
        let frames = header_block::frames(first, block, size);
        let read = frames.into_iter().find_map(|frame| reader.take(frame)).expect("a block");
        assert_eq!(read.fields, result);
        let Ok(fields) = result else { return };
        let encoded = header_block::encode(&fields);
        assert_eq!(Decoder::default().decode(&encoded), Ok(fields));
    }
    let mut reader = BlockReader::default();
    let frames = split(bytes).0.into_iter().filter(|frame| matches!(frame.kind, 1 | 9));
    frames.for_each(|frame| drop(reader.take(frame)));
}

/// A recording does not depend on the sizes of reads, explains every byte once, and keeps a part of
/// what is long.
pub(super) fn capture(bytes: &[u8]) {
    let (size, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    // The bytes of the client, and then those of the server.
    let end = bytes.windows(2).position(|pair| pair == b"||").unwrap_or(bytes.len());
    let (client, server) = bytes.split_at(end);
    let both = [client, server.get(2..).unwrap_or_default()];
    let whole = trace(both, usize::MAX);
    assert_eq!(json(&trace(both, usize::from(*size) + 1)), json(&whole));
    for event in &whole.events {
        match &event.what {
            EventKind::Frame(frame) | EventKind::CutOff(frame) => {
                let length = frame.header.len() + frame.payload.length;
                assert_are_contiguous(&frame.parts, length);
                assert_is_limited(&frame.payload);
                for message in &frame.messages {
                    assert_is_limited(&message.bytes);
                }
            }
            EventKind::Bytes(bytes) => assert_is_limited(bytes),
            _ => {}
        }
    }
    let written = json(&whole);
    let read: Trace = serde_json::from_str(&written).expect("its own text");
    assert_eq!(json(&read), written);
}

fn trace(both: [&[u8]; 2], size: usize) -> Trace {
    let recorder = Recorder::default();
    recorder.enable_statistics();
    let ConnectionRecorder { mut client, mut server } = recorder.connect();
    for (direction, bytes) in [&mut client, &mut server].into_iter().zip(both) {
        bytes.chunks(size).for_each(|read| direction.bytes(read));
        direction.closed();
    }
    drop((client, server));
    let mut trace = recorder.take();
    trace.events.iter_mut().for_each(|event| event.ms = 0.0);
    trace
}

fn json(trace: &Trace) -> String {
    serde_json::to_string(trace).expect("into memory")
}

fn assert_is_limited(bytes: &Bytes) {
    assert!(bytes.kept.len() <= KEPT);
    assert_eq!(bytes.kept.len() + bytes.left_out, bytes.length);
}

/// Checks that the parts have no gaps and no overlaps.
fn assert_are_contiguous(parts: &[Part], length: usize) {
    let end = parts.iter().fold(0, |end, part| {
        assert_eq!(part.start, end, "{parts:?}");
        assert!(part.end > part.start, "{parts:?}");
        part.end
    });
    assert_eq!(end, length, "{parts:?}");
}
