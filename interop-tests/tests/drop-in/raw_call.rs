//! A call over any connection, in frames written by hand.
//!
//! A client library would bring its own connection along, and its own idea of an authority.

use std::io::{self, Read, Write};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// Asks for the root of 16 as a client that calls the server `authority`; the data of the answer.
pub(crate) fn root_of_16(mut server: impl Read + Write, authority: &str) -> io::Result<Vec<u8>> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/Calculator/SquareRoot"),
        (":authority", authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ];
    let text = |text: &str| {
        let length = u8::try_from(text.len()).expect("a short text");
        [&[length], text.as_bytes()].concat()
    };
    let fields =
        fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat());
    let call = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(SETTINGS, 0, 0, &[]),
        frame(HEADERS, END_HEADERS, 1, &fields.collect::<Vec<_>>()),
        frame(DATA, END_STREAM, 1, &[0, 0, 0, 0, 5, 0x0d, 0, 0, 0x80, 0x41]),
    ];
    server.write_all(&call.concat())?;
    let mut answer = Vec::new();
    loop {
        let mut head = [0; 9];
        server.read_exact(&mut head)?;
        let [l0, l1, l2, kind, flags, _, _, _, stream] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, l0, l1, l2]) as usize];
        server.read_exact(&mut payload)?;
        match (kind, stream) {
            (DATA, 1) => answer.extend(payload),
            (HEADERS, 1) if flags & END_STREAM != 0 => return Ok(answer),
            (HEADERS, 1) | (_, 0) => {}
            _ => return Err(io::Error::other(format!("frame {kind} of the call: {payload:?}"))),
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// The data of the right answer.
pub(crate) const FOUR: [u8; 10] = [0, 0, 0, 0, 5, 0x0d, 0, 0, 0x80, 0x40];
