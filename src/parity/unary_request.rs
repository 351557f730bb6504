//! The request of a method that takes one message.
//!
//! grpcio hands a message to the handler as soon as it is complete: it neither waits for the end of
//! the stream nor looks at what follows. tonic waits, and would never answer a client that has not
//! ended its stream. Probes: `no-end*`, `two-*`, `message-and-*`.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tonic::Status;

use super::codec::{OfServer, Words};
use super::compression::Encoding;
use super::header_fields;
use super::message::{self, PREFIX, Prefix};
use super::refusal::Refusal;
use super::trailers;

/// Reads one message and gives it back with its prefix, uncompressed.
pub(super) async fn read<B>(body: &mut B, encoding: Encoding) -> Result<Bytes, Refusal>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut received = next_data(body).await?.ok_or_else(no_message)?;
    let mut length = message_length(&received, body)?;
    if length.is_none_or(|length| received.len() < length) {
        // Several frames; most messages come in one and are never copied.
        let mut growing = BytesMut::from(received);
        while length.is_none_or(|length| growing.len() < length) {
            growing.extend_from_slice(&next_data(body).await?.ok_or_else(no_message)?);
            length = message_length(&growing, body)?;
        }
        received = growing.freeze();
    }
    received.truncate(length.unwrap_or_default());
    trailers::check_those_that_came(body)?;
    match Prefix::read(&received) {
        Some(prefix) if prefix.is_compressed() => {
            let message = encoding.decompress(&received[PREFIX..])?;
            check_size(message.len())?;
            Ok(message::plain(&message))
        }
        Some(prefix) if prefix.is_legal() => Ok(received),
        _ => {
            // No kind of message at all. grpcio waits for the end of the stream and takes it for
            // an empty one. Probes: `flag-2*`, `flag-3`, `flag-255`.
            while next_data(body).await?.is_some() {}
            Ok(message::plain(&[]))
        }
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
async fn next_data<B>(body: &mut B) -> Result<Option<Bytes>, Refusal>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    while let Some(frame) = body.frame().await {
        match frame.map_err(|_| Refusal::Reset)?.into_data() {
            Ok(data) if data.is_empty() => {}
            Ok(data) => return Ok(Some(data)),
            Err(frame) => {
                if let Some(trailers) = frame.trailers_ref() {
                    header_fields::check_all(trailers)?;
                }
            }
        }
    }
    Ok(None)
}
