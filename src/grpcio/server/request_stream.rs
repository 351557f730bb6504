//! A malformed message ends a stream of requests.
//!
//! An incomplete message at the end of the stream is ignored by grpcio: the stream simply ends there.
//! A message with an undefined flag becomes an empty message at the end of the stream, in place of
//! everything from it on. A message that is too large or cannot be decompressed ends the call.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::MapErr;
use tonic::{Code, Status};

use super::discard::discard;
use super::message_memory::ConnectionMemory;
use super::request_memory::RequestMemory;
use crate::grpcio::wire::codec::ServerSide;
use crate::grpcio::wire::compression::Encoding;
use crate::grpcio::wire::filtered_body::{BodyFilter, FilteredBody, PolledFrame, Source};
use crate::grpcio::wire::header_field;
use crate::grpcio::wire::message;
use crate::grpcio::wire::message_decoder::MessageDecoder;

/// A body whose data frames are complete messages with their prefixes, and which has no trailers.
pub(super) type RequestStream<B> =
    FilteredBody<MapErr<B, fn(<B as Body>::Error) -> Status>, MessageFilter>;

/// Decodes the messages in `body`.
pub(super) fn decode<B: Body<Data = Bytes>>(
    body: B,
    encoding: Encoding,
    memory: ConnectionMemory,
) -> RequestStream<B> {
    let reset: fn(B::Error) -> Status = |_| reset();
    let decoder = MessageDecoder::new(encoding);
    let filter = MessageFilter { decoder, memory: RequestMemory::new(memory) };
    FilteredBody::new(body.map_err(reset), filter)
}

/// The error of a stream that the client has reset.
///
/// The call has ended with the reset, so no client receives this status. It keeps tonic from
/// presenting the reset to the handler as the end of the stream, which it does for CANCELLED.
fn reset() -> Status {
    Status::unknown("the client has reset the stream or closed the connection")
}

/// Turns data into messages, one for each frame.
#[derive(Debug)]
pub(super) struct MessageFilter {
    decoder: MessageDecoder<ServerSide>,
    memory: RequestMemory,
}

impl MessageFilter {
    /// The next message, or `None` at the end.
    fn poll_message<B: Body<Data = Bytes, Error = Status> + Unpin>(
        &mut self,
        body: &mut Source<B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Status>> {
        loop {
            let Self { decoder, memory } = self;
            ready!(memory.poll_waiting(cx))?;
            let mut next = ready!(decoder.poll_next(|length| memory.poll_reserve(cx, length)))?;
            if let Some(message) = &mut next {
                if let Some(charge) = memory.take() {
                    // The handler's decoder drops it.
                    *message = charge.hold(std::mem::take(message));
                }
                return Poll::Ready(Ok(next));
            }
            let Poll::Ready(frame) = body.poll_frame(cx) else {
                return memory.poll_stalled(cx, decoder.received()).map(Err);
            };
            let Some(frame) = frame else {
                // Probes: `flag-2*`, `flag-3`, `flag-255`.
                let empty = decoder.take_broken().then(|| message::frame_uncompressed(&[]));
                return Poll::Ready(Ok(empty));
            };
            match frame?.into_data() {
                Ok(data) => decoder.push(data),
                Err(frame) => {
                    if let Some(trailers) = frame.trailers_ref() {
                        header_field::check_trailers(trailers)?;
                    }
                }
            }
        }
    }
}

impl<B> BodyFilter<B> for MessageFilter
where
    B: Body<Data = Bytes, Error = Status> + Send + Unpin + 'static,
{
    fn poll_frame(
        &mut self,
        body: &mut Source<B>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<Status>> {
        let message = ready!(self.poll_message(body, cx));
        if !matches!(message, Ok(Some(_))) {
            end(body, message.as_ref().err());
        }
        Poll::Ready(message.transpose().map(|message| message.map(Frame::data)))
    }

    /// Decoded messages may be left after the end of `body`.
    fn is_end_stream(&self, _: &B) -> bool {
        false
    }

    /// The sizes of data and messages differ.
    fn size_hint(&self, _: &B) -> SizeHint {
        SizeHint::default()
    }
}

/// Ends the stream, with an error or not.
#[cold]
fn end<B>(body: &mut Source<B>, error: Option<&Status>)
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    if error.is_some_and(|status| status.code() == Code::ResourceExhausted) {
        discard(body.take());
    } else {
        body.close();
    }
}

#[cfg(test)]
mod tests {
    use super::decode;
    use crate::grpcio::server::message_memory::{ConnectionMemory, MAX_WAIT, MessageMemory};
    use crate::grpcio::wire::compression::Encoding;
    use crate::grpcio::wire::compression::tests::gzip;
    use crate::grpcio::wire::message;
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use http::{HeaderMap, HeaderValue};
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use std::io;
    use tokio::time::{Instant, timeout};
    use tonic::{Code, Status};

    const MIB: usize = 1024 * 1024;

    const MESSAGE: &[u8] = b"\0\0\0\0\x02ab";

    /// The number of messages, and the error after them.
    async fn read(frames: Vec<io::Result<Frame<Bytes>>>) -> (usize, Option<Status>) {
        let body = StreamBody::new(stream::iter(frames));
        let mut messages = decode(body, Encoding::Identity, MessageMemory::default().connection());
        let mut count = 0;
        loop {
            match messages.frame().await {
                Some(Ok(frame)) => assert_eq!(frame.into_data().expect("data"), MESSAGE),
                Some(Err(status)) => {
                    assert!(messages.frame().await.is_none(), "nothing follows an error");
                    return (count, Some(status));
                }
                None => return (count, None),
            }
            count += 1;
        }
    }

    fn data(bytes: &[u8]) -> Frame<Bytes> {
        Frame::data(Bytes::copy_from_slice(bytes))
    }

    #[tokio::test]
    async fn an_incomplete_message_ends_the_stream_without_an_error() {
        for rest in [&b""[..], b"\0\0", b"\0\0\0\0\x02a"] {
            let (count, status) =
                read(vec![Ok(data(MESSAGE)), Ok(data(&[MESSAGE, rest].concat()))]).await;
            assert!(count == 2 && status.is_none(), "{rest:?}: {count}, {status:?}");
        }
    }

    /// As observed with grpcio 1.85.1.
    #[tokio::test]
    async fn a_message_with_an_undefined_flag_becomes_an_empty_one_at_the_end() {
        for rest in [&b"\x02\0\0\0\0"[..], b"\x02\0\0\0\x05", b"\x03\0\0\0\x02ab\0\0\0\0\0"] {
            let frames = vec![Ok::<_, io::Error>(data(MESSAGE)), Ok(data(rest)), Ok(data(MESSAGE))];
            let body = StreamBody::new(stream::iter(frames));
            let memory = MessageMemory::default().connection();
            let messages =
                decode(body, Encoding::Identity, memory).collect().await.expect("no error");
            assert_eq!(messages.to_bytes(), [MESSAGE, b"\0\0\0\0\0"].concat(), "{rest:?}");
        }
    }

    #[tokio::test]
    async fn an_error_ends_the_call_after_the_messages_before_it() {
        let mut bad = HeaderMap::new();
        bad.insert("x-bin", HeaderValue::from_static("!"));
        let cases = [
            (Ok(data(b"\0\xff\xff\xff\xff")), Code::ResourceExhausted),
            (Ok(data(b"\x01\0\0\0\0")), Code::Internal),
            (Ok(Frame::trailers(bad)), Code::Internal),
            (Err(io::Error::other("reset")), Code::Unknown),
        ];
        for (broken, code) in cases {
            let (count, status) = read(vec![Ok(data(MESSAGE)), broken]).await;
            assert_eq!((count, status.map(|status| status.code())), (1, Some(code)));
        }
    }

    /// The first message of a client that sends this and then nothing.
    async fn first(memory: &ConnectionMemory, sent: Bytes) -> Result<Bytes, Status> {
        let sent = stream::iter([Ok::<_, io::Error>(Frame::data(sent))]).chain(stream::pending());
        let mut messages = decode(StreamBody::new(sent), Encoding::Gzip, memory.clone());
        let frame = messages.frame().await.expect("a message or an error");
        frame.map(|frame| frame.into_data().expect("data"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_is_decompressed_is_counted_and_waits_for_memory() {
        let connection = MessageMemory::new(8 * MIB).connection();
        let compressed = message::frame_compressed(&gzip(&vec![0; 4 * MIB]));
        let message = first(&connection, compressed.clone()).await.expect("memory");
        let start = Instant::now();
        let status = first(&connection, compressed.clone()).await.expect_err("all is in use");
        assert_eq!((status.code(), start.elapsed()), (Code::ResourceExhausted, MAX_WAIT));
        drop(message);
        first(&connection, compressed).await.expect("memory");
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_stalls_is_given_up_if_others_wait() {
        let memory = MessageMemory::new(8 * MIB);
        let start_of_message = message::frame_uncompressed(&vec![0; 4 * MIB]).slice(..100);
        let (connection, other) = (memory.connection(), memory.connection());
        let (start, mut stalled) =
            (Instant::now(), std::pin::pin!(first(&connection, start_of_message)));
        timeout(MAX_WAIT * 3 / 2, &mut stalled).await.expect_err("nobody waits");
        let _waiting = other.receive(5 * MIB).expect("a place").expect_err("full");
        let status =
            timeout(MAX_WAIT, stalled).await.expect("it is given up").expect_err("it stalls");
        assert!(status.message().contains("less than 4096 bytes arrived in 20 s"), "{status}");
        assert_eq!(start.elapsed(), 2 * MAX_WAIT);
    }
}
