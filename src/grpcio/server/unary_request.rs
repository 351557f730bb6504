//! A method with one request starts as soon as the message is complete.
//!
//! grpcio neither waits for the end of the stream nor reads what follows the message. tonic waits,
//! and would never respond to a client that does not end its stream. Probes: `no-end*`, `two-*`,
//! `message-and-*`.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tonic::Status;

use super::message_memory::{Charge, ConnectionMemory};
use super::refusal::Refusal;
use super::request_memory::RequestMemory;
use super::trailers;
use crate::grpcio::wire::codec::{ServerSide, Side};
use crate::grpcio::wire::compression::Encoding;
use crate::grpcio::wire::header_field;
use crate::grpcio::wire::message::{self, PREFIX_LENGTH, Prefix};

/// A message that is being received.
#[derive(Debug)]
pub(super) struct UnaryRequest {
    encoding: Encoding,
    /// The data, if all of it arrived in one frame.
    first: Bytes,
    /// The data, if it arrived in several frames.
    joined: BytesMut,
    /// The message has an undefined flag.
    is_broken: bool,
    memory: RequestMemory,
}

impl UnaryRequest {
    pub(super) fn new(encoding: Encoding, memory: ConnectionMemory) -> Self {
        Self {
            encoding,
            first: Bytes::new(),
            joined: BytesMut::new(),
            is_broken: false,
            memory: RequestMemory::new(memory),
        }
    }

    /// The memory of the message, which is counted if it is large, and that of the connection.
    /// `None` after the first time.
    #[inline]
    pub(super) fn take_memory(&mut self) -> (Option<Charge>, Option<ConnectionMemory>) {
        (self.memory.take(), self.memory.take_connection())
    }

    /// Reads the message and returns it with its prefix, uncompressed.
    pub(super) fn poll<B>(
        &mut self,
        cx: &mut Context<'_>,
        body: &mut B,
    ) -> Poll<Result<Bytes, Refusal>>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
    {
        while !self.is_broken {
            let length = message_length(self.received(), body)?;
            let Some(length) = length.filter(|length| *length <= self.received().len()) else {
                if let Some(length) = length {
                    ready!(self.memory.poll_reserve(cx, length - PREFIX_LENGTH))?;
                    self.make_room(length);
                }
                let Poll::Ready(data) = poll_data(cx, body) else {
                    let stalled = ready!(self.memory.poll_stalled(cx, self.received().len()));
                    return Poll::Ready(Err(stalled.into()));
                };
                self.push(data?.ok_or_else(no_message)?);
                continue;
            };
            let mut message = self.take();
            message.truncate(length);
            trailers::check_arrived(body)?;
            match Prefix::read(&message) {
                Some(prefix) if prefix.is_compressed() => {
                    let decompressed = self.poll_decompress(cx, &message[PREFIX_LENGTH..]);
                    if decompressed.is_pending() {
                        self.first = message;
                    }
                    return decompressed.map_err(Refusal::from);
                }
                Some(prefix) if prefix.is_valid() => return Poll::Ready(Ok(message)),
                _ => self.is_broken = true,
            }
        }
        // grpcio waits for the end of the stream and then handles an empty message. Probes:
        // `flag-2*`, `flag-3`, `flag-255`.
        while ready!(poll_data(cx, body))?.is_some() {}
        Poll::Ready(Ok(message::frame_uncompressed(&[])))
    }

    /// Decompresses the message once its memory is reserved, which may take several attempts.
    fn poll_decompress(
        &mut self,
        cx: &mut Context<'_>,
        payload: &[u8],
    ) -> Poll<Result<Bytes, Status>> {
        ready!(self.memory.poll_waiting(cx))?;
        let message = self.encoding.decompress(payload)?;
        message::check_size(ServerSide::NAME, message.len())?;
        ready!(self.memory.poll_reserve(cx, message.len()))?;
        Poll::Ready(Ok(message::frame_uncompressed(&message)))
    }

    fn push(&mut self, data: Bytes) {
        if self.first.is_empty() && self.joined.is_empty() {
            // Most messages arrive in one frame and are never copied.
            self.first = data;
            return;
        }
        if self.joined.is_empty() {
            self.joined = BytesMut::from(std::mem::take(&mut self.first));
        }
        self.joined.extend_from_slice(&data);
    }

    /// Makes room for a message of several frames, so that it is not moved as it grows.
    fn make_room(&mut self, length: usize) {
        if self.joined.is_empty() {
            self.joined = BytesMut::with_capacity(length);
            self.joined.extend_from_slice(&std::mem::take(&mut self.first));
        }
    }

    fn received(&self) -> &[u8] {
        if self.joined.is_empty() { &self.first } else { &self.joined }
    }

    fn take(&mut self) -> Bytes {
        if self.joined.is_empty() {
            return std::mem::take(&mut self.first);
        }
        std::mem::take(&mut self.joined).freeze()
    }
}

/// The length, including the prefix, of the message at the start of `received`, once it is known.
fn message_length<B>(received: &[u8], body: &mut B) -> Result<Option<usize>, Refusal>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let Some(prefix) = Prefix::read(received) else { return Ok(None) };
    if !prefix.is_valid() {
        // grpcio ignores the length of a message with an undefined flag.
        return Ok(Some(PREFIX_LENGTH));
    }
    if let Err(too_large) = check_size(prefix.length) {
        trailers::check_arrived(body)?;
        return Err(too_large);
    }
    Ok(Some(PREFIX_LENGTH + prefix.length))
}

fn check_size(length: usize) -> Result<(), Refusal> {
    message::check_size(ServerSide::NAME, length).map_err(Refusal::Status)
}

/// Probes: `no-message*`, `prefix-*`, `length-one-too-long`.
fn no_message() -> Refusal {
    // grpcio means to name the method here, but has lost the name by then.
    Status::unimplemented(r#""b''" requires exactly one request message."#).into()
}

/// The next data of the body, or `None` at its end. A reset of the stream has ended the call, too.
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
                    header_field::check_trailers(trailers)?;
                }
            }
        }
    }
    Poll::Ready(Ok(None))
}

#[cfg(test)]
mod tests {
    use super::UnaryRequest;
    use crate::grpcio::server::message_memory::{
        Charge, ConnectionMemory, MAX_WAIT, MessageMemory,
    };
    use crate::grpcio::server::refusal::Refusal;
    use crate::grpcio::wire::compression::Encoding;
    use crate::grpcio::wire::compression::tests::gzip;
    use crate::grpcio::wire::message;
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use std::convert::Infallible;
    use std::future::poll_fn;
    use tokio::time::{Instant, timeout};

    const MIB: usize = 1024 * 1024;

    /// Reads the message of a client that sends this and then nothing. Returns its length and what it
    /// holds.
    async fn read(
        memory: &ConnectionMemory,
        data: Bytes,
    ) -> Result<(usize, Option<Charge>), String> {
        let data = stream::iter([Ok::<_, Infallible>(Frame::data(data))]);
        let mut body = StreamBody::new(data.chain(stream::pending()));
        let mut request = UnaryRequest::new(Encoding::Gzip, memory.clone());
        match poll_fn(|cx| request.poll(cx, &mut body)).await {
            Ok(message) => Ok((message.len(), request.take_memory().0)),
            Err(Refusal::Status(status)) => Err(status.message().to_owned()),
            Err(Refusal::Reset) => Err("reset".to_owned()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_is_decompressed_is_counted_and_waits_for_memory() {
        let connection = MessageMemory::new(8 * MIB).connection();
        let compressed = message::frame_compressed(&gzip(&vec![0; 4 * MIB]));
        let (length, charge) = read(&connection, compressed.clone()).await.expect("memory");
        assert_eq!(length, 5 + 4 * MIB);
        assert_eq!(charge.as_ref().map(Charge::bytes), Some(4 * MIB));
        let start = Instant::now();
        let refusal = read(&connection, compressed.clone()).await.expect_err("all is in use");
        assert!(refusal.contains("No memory for a message of 4194304 bytes"), "{refusal}");
        assert_eq!(start.elapsed(), MAX_WAIT);
        drop(charge);
        read(&connection, compressed).await.expect("memory");
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_stalls_is_given_up_if_others_wait() {
        let memory = MessageMemory::new(8 * MIB);
        let start_of_message = message::frame_uncompressed(&vec![0; 4 * MIB]).slice(..100);
        let (connection, other) = (memory.connection(), memory.connection());
        let stalled = read(&connection, start_of_message);
        let (start, mut stalled) = (Instant::now(), std::pin::pin!(stalled));
        timeout(MAX_WAIT * 3 / 2, &mut stalled).await.expect_err("nobody waits");
        let _waiting = other.receive(5 * MIB).expect("a place").expect_err("full");
        let refusal =
            timeout(MAX_WAIT, stalled).await.expect("it is given up").expect_err("it stalls");
        assert!(refusal.contains("less than 4096 bytes arrived in 20 s"), "{refusal}");
        assert_eq!(start.elapsed(), 2 * MAX_WAIT);
    }
}
