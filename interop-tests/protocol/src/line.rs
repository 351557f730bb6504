//! Writes and reads requests and outcomes: a line of JSON, and the raw bytes of the messages that follow it.
//!
//! No public function here is generic, so all code for JSON is compiled in this crate, which is optimized.

use std::io::{self, BufRead, Read};

use serde::Serialize;
use serde_json::{Serializer, Value};

use crate::message::{LineFormatter, Message};
use crate::{Call, Outcome, Request, ScriptStep};

/// The reason why a request or an outcome cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The line is not JSON.
    #[error("{0}")]
    NotJson(serde_json::Error),
    /// The line is JSON, but no request or outcome.
    #[error("{0}")]
    Invalid(serde_json::Error),
    /// The stream ended within the bytes of a message.
    #[error("the stream ended after {received} of the {size} bytes of a message")]
    Truncated {
        /// The number of bytes before the end.
        received: usize,
        /// The size of the message.
        size: usize,
    },
    /// The stream cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> Self {
        if error.is_data() { Self::Invalid(error) } else { Self::NotJson(error) }
    }
}

impl Request {
    /// The line and what follows it. `raw` is whether the agent reads messages that follow the line.
    pub fn write(&self, raw: bool) -> serde_json::Result<Vec<u8>> {
        let formatter = LineFormatter { raw };
        let mut written = line(self, formatter)?;
        append_raw(formatter, self.calls.iter().flat_map(messages), &mut written);
        Ok(written)
    }

    /// The line as text for people, with the sizes of large messages in place of their bytes.
    #[must_use]
    pub fn shown(&self) -> String {
        match line(self, LineFormatter { raw: true }) {
            Ok(line) => String::from_utf8_lossy(line.trim_ascii_end()).into(),
            Err(error) => error.to_string(),
        }
    }

    /// Reads the next request from the stdin of an agent; `None` at its end. After [`ReadError::Invalid`], the next
    /// request can be read.
    pub fn read(stdin: &mut dyn BufRead) -> Result<Option<Self>, ReadError> {
        let mut line = Vec::new();
        if stdin.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let mut request = match serde_json::from_slice::<Self>(&line).map_err(ReadError::from) {
            Ok(request) => request,
            Err(error) => {
                if let ReadError::Invalid(_) = error {
                    skip_raw(&line, stdin)?;
                }
                return Err(error);
            }
        };
        for message in request.calls.iter_mut().flat_map(messages_mut) {
            message.receive(stdin)?;
        }
        Ok(Some(request))
    }
}

impl Outcome {
    /// The line and what follows it.
    pub fn write(&self) -> serde_json::Result<Vec<u8>> {
        let formatter = LineFormatter { raw: true };
        let mut written = line(self, formatter)?;
        let replies = self.calls.iter().filter_map(|call| call.replies.as_ref()).flatten();
        append_raw(formatter, replies, &mut written);
        Ok(written)
    }

    /// Reads an outcome from its line and from what follows the line in the stdout of the agent.
    pub fn read(line: &[u8], stdout: &mut dyn Read) -> Result<Self, ReadError> {
        let mut outcome: Self = serde_json::from_slice(line)?;
        for reply in outcome.calls.iter_mut().filter_map(|call| call.replies.as_mut()).flatten() {
            reply.receive(stdout)?;
        }
        Ok(outcome)
    }
}

/// A request or an outcome as a line, without what follows it.
fn line(value: &impl Serialize, formatter: LineFormatter) -> serde_json::Result<Vec<u8>> {
    let mut line = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut line, formatter))?;
    line.push(b'\n');
    Ok(line)
}

/// The messages of a call in the order in which the line contains them.
fn messages(call: &Call) -> impl Iterator<Item = &Message> + Clone {
    let sent = call.script.iter().flatten().filter_map(|step| match step {
        ScriptStep::Send(message) => Some(message),
        _ => None,
    });
    call.message.iter().chain(sent)
}

/// The messages of a call in the order in which the line contains them.
fn messages_mut(call: &mut Call) -> impl Iterator<Item = &mut Message> {
    let sent = call.script.iter_mut().flatten().filter_map(|step| match step {
        ScriptStep::Send(message) => Some(message),
        _ => None,
    });
    call.message.iter_mut().chain(sent)
}

/// Appends the bytes of the messages that follow the line.
fn append_raw<'a>(
    formatter: LineFormatter,
    messages: impl Iterator<Item = &'a Message> + Clone,
    written: &mut Vec<u8>,
) {
    let raw = messages.filter(|message| formatter.is_raw(message));
    written.reserve_exact(raw.clone().map(|message| message.len()).sum());
    raw.for_each(|message| written.extend_from_slice(message));
}

/// Skips the raw bytes that follow `line`, which is JSON but no request.
fn skip_raw(line: &[u8], stdin: &mut dyn Read) -> io::Result<()> {
    fn size(value: &Value) -> u64 {
        match value {
            Value::Array(values) => values.iter().map(size).fold(0, u64::saturating_add),
            Value::Object(object) => match object.get("bytes").and_then(Value::as_u64) {
                Some(bytes) if object.len() == 1 => bytes,
                _ => object.values().map(size).fold(0, u64::saturating_add),
            },
            _ => 0,
        }
    }
    let line: Value = serde_json::from_slice(line)?;
    io::copy(&mut stdin.take(size(&line)), &mut io::sink()).map(drop)
}
