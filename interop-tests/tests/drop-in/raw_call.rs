//! A call with hand-written frames over any connection.
//!
//! A client library would use its own connection and its own authority.

use std::io::{self, Read, Write};

use grpc_interop::http2::frame::flag::{END_HEADERS, END_STREAM};
use grpc_interop::http2::frame::kind::{DATA, HEADERS, SETTINGS};
use grpc_interop::http2::frame::{Frame, PREFACE};
use grpc_interop::http2::header_block;

/// Sends SquareRoot(16) to `server` with this `:authority`; returns the DATA of the response.
pub(crate) fn root_of_16(mut server: impl Read + Write, authority: &str) -> io::Result<Vec<u8>> {
    let mut call = PREFACE.to_vec();
    Frame::new(SETTINGS, 0, 0, []).write_to(&mut call);
    Frame::new(HEADERS, END_HEADERS, 1, request_headers(authority)).write_to(&mut call);
    let message = [0, 0, 0, 0, 5, 0x0d, 0, 0, 0x80, 0x41];
    Frame::new(DATA, END_STREAM, 1, message).write_to(&mut call);
    server.write_all(&call)?;
    let mut answer = Vec::new();
    loop {
        let frame = Frame::read_from(&mut server)?;
        let frame = frame.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        match (frame.kind, frame.stream) {
            (DATA, 1) => answer.extend(frame.payload),
            (HEADERS, 1) if frame.has(END_STREAM) => return Ok(answer),
            (HEADERS, 1) | (_, 0) => {}
            _ => return Err(io::Error::other(frame.to_string())),
        }
    }
}

/// The header block of a SquareRoot request.
pub(crate) fn request_headers(authority: &str) -> Vec<u8> {
    headers_of("/Calculator/SquareRoot", authority)
}

/// The header block of a request to `path`.
pub(crate) fn headers_of(path: &str, authority: &str) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ];
    header_block::encode(&fields.map(|(name, value)| (name.into(), value.into())))
}

/// The DATA of the correct response.
pub(crate) const FOUR: [u8; 10] = [0, 0, 0, 0, 5, 0x0d, 0, 0, 0x80, 0x40];
