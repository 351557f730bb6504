//! HTTP/2 frames: written by hand and read back.
//!
//! No HTTP/2 library is in between, because every one of them refuses to send most of what
//! probes and behaviours are about.

use std::fmt;
use std::io::{self, Read};

/// Frame types of RFC 9113 that are used by name.
pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub mod flag {
    pub const END_STREAM: u8 = 0x1;
    pub const ACK: u8 = 0x1;
    pub const END_HEADERS: u8 = 0x4;
    pub const PADDED: u8 = 0x8;
    pub const PRIORITY: u8 = 0x20;
}

const HEADER_SIZE: usize = 9;

/// One frame; the payload has its padding, if any.
#[derive(Clone, Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// The same frame with `padding` bytes of padding, for DATA and HEADERS.
    pub fn padded(mut self, padding: u8) -> Self {
        self.flags |= flag::PADDED;
        self.payload.insert(0, padding);
        self.payload.resize(self.payload.len() + usize::from(padding), 0);
        self
    }

    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// What the payload of DATA or HEADERS carries, without padding and priority; `None` when the
    /// lengths contradict each other.
    pub fn content(&self) -> Option<&[u8]> {
        let mut content = &self.payload[..];
        if self.has(flag::PADDED) {
            let (padding, rest) = content.split_first()?;
            content = rest.get(..rest.len().checked_sub(usize::from(*padding))?)?;
        }
        if self.kind == kind::HEADERS && self.has(flag::PRIORITY) {
            content = content.get(5..)?;
        }
        Some(content)
    }

    /// The four bytes of the payload from `offset` on, as a number.
    pub fn number(&self, offset: usize) -> Option<u32> {
        let bytes = self.payload.get(offset..offset + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    pub fn write_to(&self, out: &mut Vec<u8>) {
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX).to_be_bytes();
        out.extend(&length[1..]);
        out.extend([self.kind, self.flags]);
        out.extend(self.stream.to_be_bytes());
        out.extend(&self.payload);
    }

    /// Reads the next frame; `None` at the end of the stream of bytes, even within a frame.
    pub fn read_from(reader: &mut impl Read) -> io::Result<Option<Self>> {
        let mut header = [0; HEADER_SIZE];
        let mut read = |buffer: &mut [u8]| match reader.read_exact(buffer) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            result => result.map(|()| true),
        };
        if !read(&mut header)? {
            return Ok(None);
        }
        let [a, b, c, kind, flags, stream @ ..] = header;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        if !read(&mut payload)? {
            return Ok(None);
        }
        let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
        Ok(Some(Self { kind, flags, stream, payload }))
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 24;
        let name = kind_name(self.kind);
        write!(f, "{name} on stream {}, flags {:#04x}", self.stream, self.flags)?;
        match self.payload.len() {
            0 => Ok(()),
            length if length > SHOWN => write!(f, ", {length} bytes"),
            _ => write!(f, ", {}", crate::http2::payload::hex(&self.payload)),
        }
    }
}

/// A frame type as people read it.
pub fn kind_name(kind: u8) -> String {
    const NAMES: [&str; 10] = [
        "DATA",
        "HEADERS",
        "PRIORITY",
        "RST_STREAM",
        "SETTINGS",
        "PUSH_PROMISE",
        "PING",
        "GOAWAY",
        "WINDOW_UPDATE",
        "CONTINUATION",
    ];
    let name = NAMES.get(usize::from(kind)).map(|name| (*name).to_owned());
    name.unwrap_or_else(|| format!("frame of type {kind}"))
}

/// An error code of RST_STREAM and GOAWAY as people read it.
pub fn error_name(code: u32) -> String {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    let name = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
    format!("{code} {}", name.unwrap_or(&"(unknown)"))
}
