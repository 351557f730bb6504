//! The request of a method that takes a stream of messages.
//!
//! grpcio takes what is left of a message at the end of the stream, and all that follows a flag that
//! does not exist, for nothing at all: the stream just ends there. What it cannot read ends the call.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Frame;
use tonic::Status;

use super::codec::OfServer;
use super::compression::Encoding;
use super::header_fields;
use super::messages::Messages;

/// A body that yields one whole message in a frame, prefix included, and no trailers.
#[derive(Debug)]
pub(super) struct RequestStream<B> {
    /// Nothing after its end, or after what ended the call.
    body: Option<B>,
    messages: Messages<OfServer>,
}

impl<B> RequestStream<B> {
    pub(super) fn new(body: B, encoding: Encoding) -> Self {
        Self { body: Some(body), messages: Messages::new(encoding) }
    }
}

impl<B: http_body::Body<Data = Bytes> + Unpin> RequestStream<B> {
    /// The next message; `None` at the end.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Status>> {
        loop {
            let Some(body) = &mut self.body else { return Poll::Ready(Ok(None)) };
            if let Some(message) = self.messages.next()? {
                return Poll::Ready(Ok(Some(message)));
            }
            let Some(frame) = ready!(Pin::new(body).poll_frame(cx)) else {
                return Poll::Ready(Ok(None));
            };
            match frame.map_err(|_| reset())?.into_data() {
                Ok(data) => self.messages.receive(data),
                Err(frame) => {
                    if let Some(trailers) = frame.trailers_ref() {
                        header_fields::check_all(trailers)?;
                    }
                }
            }
        }
    }
}

/// The call is over with it, so nobody will read this; but a handler must not take it for the end of
/// the stream, which tonic does with CANCELLED.
fn reset() -> Status {
    Status::unknown("the client has reset the stream or closed the connection")
}

impl<B: http_body::Body<Data = Bytes> + Unpin> http_body::Body for RequestStream<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let message = ready!(self.poll_message(cx));
        if !matches!(message, Ok(Some(_))) {
            self.body = None;
        }
        Poll::Ready(message.transpose().map(|message| message.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::RequestStream;
    use crate::parity::compression::Encoding;
    use bytes::Bytes;
    use futures_util::stream;
    use http::{HeaderMap, HeaderValue};
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use std::io;
    use tonic::{Code, Status};

    const MESSAGE: &[u8] = b"\0\0\0\0\x02ab";

    /// How many messages there are, and what ended them.
    async fn read(frames: Vec<io::Result<Frame<Bytes>>>) -> (usize, Option<Status>) {
        let body = StreamBody::new(stream::iter(frames));
        let mut messages = RequestStream::new(body, Encoding::Identity);
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
    async fn what_is_no_whole_message_is_nothing() {
        for rest in [&b""[..], b"\0\0", b"\0\0\0\0\x02a", b"\x02\0\0\0\0\0\0\0\0\0"] {
            let (count, status) =
                read(vec![Ok(data(MESSAGE)), Ok(data(&[MESSAGE, rest].concat()))]).await;
            assert!(count == 2 && status.is_none(), "{rest:?}: {count}, {status:?}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_ends_the_call_after_what_could() {
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
}
