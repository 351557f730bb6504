//! A message, and its two forms in a line: hex digits, or the number of the raw bytes that follow the line.

use std::fmt;
use std::io::{self, Read};
use std::ops::Deref;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::ser::Formatter;

use crate::hex;
use crate::line::ReadError;

/// The size from which a message may follow its line as raw bytes. A smaller message is always written in hex, so
/// that logs stay readable.
pub const SMALLEST_RAW: usize = 1024;

/// The size of the largest message that may follow its line.
pub const LARGEST_RAW: usize = 64 << 20;

/// The bytes of a message. Clones share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message(Content);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Known(Bytes),
    /// This number of bytes follows the line. Only while a request or an outcome is being read.
    Follows(usize),
}

impl Message {
    /// The bytes, which this message and its clones share.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Content::Known(bytes) => bytes,
            Content::Follows(_) => Bytes::new(),
        }
    }

    /// Reads the bytes of a message that follows its line.
    pub(crate) fn receive(&mut self, stream: &mut dyn Read) -> Result<(), ReadError> {
        let Content::Follows(size) = self.0 else { return Ok(()) };
        let mut bytes = Vec::with_capacity(size);
        let received = stream.take(size as u64).read_to_end(&mut bytes)?;
        if received < size {
            return Err(ReadError::Truncated { received, size });
        }
        *self = bytes.into();
        Ok(())
    }
}

impl Deref for Message {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Content::Known(bytes) => bytes,
            Content::Follows(_) => &[],
        }
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self(Content::Known(bytes))
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

// As bytes, of which `LineFormatter` selects the form.
impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MessageVisitor)
    }
}

struct MessageVisitor;

impl<'de> Visitor<'de> for MessageVisitor {
    type Value = Message;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a message: hex digits, or {{\"bytes\": N}}")
    }

    fn visit_str<E: Error>(self, digits: &str) -> Result<Message, E> {
        let bytes = hex::decode(digits);
        bytes.map(Message::from).map_err(|error| E::custom(format!("a message: {error}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Message, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            bytes: usize,
        }
        let Raw { bytes } = Raw::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        if bytes > LARGEST_RAW {
            let error = format!("a message of {bytes} bytes; at most {LARGEST_RAW} are allowed");
            return Err(A::Error::custom(error));
        }
        Ok(Message(Content::Follows(bytes)))
    }
}

/// Formats compact JSON in which each message has one of its two forms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineFormatter {
    /// Whether messages may follow the line as raw bytes.
    pub(crate) raw: bool,
}

impl LineFormatter {
    /// Whether `message` follows the line.
    pub(crate) fn is_raw(self, message: &[u8]) -> bool {
        self.raw && (SMALLEST_RAW..=LARGEST_RAW).contains(&message.len())
    }
}

impl Formatter for LineFormatter {
    fn write_byte_array<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        message: &[u8],
    ) -> io::Result<()> {
        if self.is_raw(message) {
            return write!(writer, "{{\"bytes\":{}}}", message.len());
        }
        // In parts, so that the digits of a large message are not in memory twice.
        let mut digits = [0; 2 * SMALLEST_RAW];
        writer.write_all(b"\"")?;
        for part in message.chunks(SMALLEST_RAW) {
            let digits = &mut digits[..2 * part.len()];
            HEXLOWER.encode_mut(part, digits);
            writer.write_all(digits)?;
        }
        writer.write_all(b"\"")
    }
}
