//! The request of a method that takes one message.
//!
//! grpcio hands a message to the handler as soon as it is complete: it neither waits for the end of
//! the stream nor looks at what follows. tonic waits, and would never answer a client that has not
//! ended its stream. Probes: `no-end*`, `two-*`, `message-and-*`.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tonic::Status;

use super::codec::{OfServer, Words};
use super::compression::Encoding;
use super::header_fields;
use super::message::{self, PREFIX, Prefix};
use super::refusal::Refusal;
use super::trailers;

/// A message on its way.
#[derive(Debug)]
pub(super) struct UnaryRequest {
    encoding: Encoding,
    /// All that has come, while that is one frame.
    received: Bytes,
    /// All that has come, when that is several.
    growing: BytesMut,
    /// Its flag does not exist.
    is_lost: bool,
}

impl UnaryRequest {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self { encoding, received: Bytes::new(), growing: BytesMut::new(), is_lost: false }
    }

    /// Reads the message and gives it back with its prefix, uncompressed.
    pub(super) fn poll<B>(
        &mut self,
        cx: &mut Context<'_>,
        body: &mut B,
    ) -> Poll<Result<Bytes, Refusal>>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        while !self.is_lost {
            let length = message_length(self.so_far(), body)?;
            let Some(length) = length.filter(|length| *length <= self.so_far().len()) else {
                let data = ready!(poll_data(cx, body))?.ok_or_else(no_message)?;
                self.receive(data);
                continue;
            };
            let mut message = self.take();
            message.truncate(length);
            trailers::check_those_that_came(body)?;
            match Prefix::read(&message) {
                Some(prefix) if prefix.is_compressed() => {
                    let message = self.encoding.decompress(&message[PREFIX..])?;
                    check_size(message.len())?;
                    return Poll::Ready(Ok(message::plain(&message)));
                }
                Some(prefix) if prefix.is_legal() => return Poll::Ready(Ok(message)),
                _ => self.is_lost = true,
            }
        }
        // No kind of message at all. grpcio waits for the end of the stream and takes it for an
        // empty one. Probes: `flag-2*`, `flag-3`, `flag-255`.
        while ready!(poll_data(cx, body))?.is_some() {}
        Poll::Ready(Ok(message::plain(&[])))
    }

    fn receive(&mut self, data: Bytes) {
        if self.received.is_empty() && self.growing.is_empty() {
            // Most messages come in one frame and are never copied.
            self.received = data;
            return;
        }
        if self.growing.is_empty() {
            self.growing = BytesMut::from(std::mem::take(&mut self.received));
        }
        self.growing.extend_from_slice(&data);
    }

    fn so_far(&self) -> &[u8] {
        if self.growing.is_empty() { &self.received } else { &self.growing }
    }

    fn take(&mut self) -> Bytes {
        if self.growing.is_empty() {
            return std::mem::take(&mut self.received);
        }
        std::mem::take(&mut self.growing).freeze()
    }
}

/// The length of the message that `received` begins with, prefix included, once that is known.
fn message_length<B>(received: &[u8], body: &mut B) -> Result<Option<usize>, Refusal>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let Some(prefix) = Prefix::read(received) else { return Ok(None) };
    if !prefix.is_legal() {
        // Whatever it would be, grpcio does not look at its length any more.
        return Ok(Some(PREFIX));
    }
    if let Err(too_long) = check_size(prefix.length) {
        trailers::check_those_that_came(body)?;
        return Err(too_long);
    }
    Ok(Some(PREFIX + prefix.length))
}

fn check_size(length: usize) -> Result<(), Refusal> {
    message::check_size(OfServer::SIDE, length).map_err(Refusal::Status)
}

/// Probes: `no-message*`, `prefix-*`, `length-one-too-long`.
fn no_message() -> Refusal {
    // The name of the method should stand there; grpcio has forgotten it by then.
    Status::unimplemented(r#""b''" requires exactly one request message."#).into()
}

/// The next bytes of the body; `None` at its end. What reset the stream has ended the call too.
fn poll_data<B>(cx: &mut Context<'_>, body: &mut B) -> Poll<Result<Option<Bytes>, Refusal>>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    while let Some(frame) = ready!(Pin::new(&mut *body).poll_frame(cx)) {
        match frame.map_err(|_| Refusal::Reset)?.into_data() {
            Ok(data) if data.is_empty() => {}
            Ok(data) => return Poll::Ready(Ok(Some(data))),
            Err(frame) => {
                if let Some(trailers) = frame.trailers_ref() {
                    header_fields::check_all(trailers)?;
                }
            }
        }
    }
    Poll::Ready(Ok(None))
}
