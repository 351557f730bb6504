//! The memory of a response until it is sent.
//!
//! hyper takes the next data of a body as soon as the client has any window, and queues all of it.
//! So data counts until hyper has dropped it, and a stream of responses is not asked for more while
//! the connection holds more than its share.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body;
use tonic::Status;

use super::message_memory::{Charge, ConnectionMemory, SMALL, Waiting};
use crate::grpcio::wire::filtered_body::{BodyFilter, FilteredBody, PolledFrame, Source};
use crate::grpcio::wire::request_body::CallDetails;

/// The body of a response whose data is counted.
pub type ResponseMemoryBody<B> = FilteredBody<B, ResponseMemory>;

/// Counts large data of a response.
#[derive(Debug, Default)]
pub struct ResponseMemory {
    /// `None` for a response without a body.
    connection: Option<ConnectionMemory>,
    method: usize,
    streams_responses: bool,
    next: Next,
}

/// The memory for the next data.
#[derive(Debug, Default)]
enum Next {
    #[default]
    Unknown,
    Waiting(Box<Waiting>),
    // Boxed, because every response has room for it.
    Reserved {
        _charge: Box<Charge>,
    },
}

impl ResponseMemory {
    /// For the response to a call on this connection.
    pub(super) fn new(connection: ConnectionMemory, call: CallDetails) -> Self {
        let streams_responses = call.kind.streams_responses();
        let connection = Some(connection);
        Self { connection, method: call.method, streams_responses, next: Next::Unknown }
    }

    /// Whether the method streams responses.
    pub(super) fn is_stream(&self) -> bool {
        self.streams_responses
    }

    /// The memory for the first data has been reserved.
    pub(super) fn reserve(&mut self, reserved: Option<Charge>) {
        self.next = match reserved {
            Some(charge) => Next::Reserved { _charge: Box::new(charge) },
            None => Next::Unknown,
        };
    }

    /// Waits until the connection may hold more responses.
    fn poll_share(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        if let Next::Unknown = self.next
            && let Some(connection) = &self.connection
            && connection.is_scarce()
            && !connection.returns_little(self.method)
        {
            self.next = match connection.expect_response(self.method, None) {
                Ok(charge) => Next::Reserved { _charge: Box::new(charge) },
                Err(waiting) => Next::Waiting(waiting),
            };
        }
        if let Next::Waiting(waiting) = &mut self.next {
            let charge = ready!(Pin::new(waiting).poll(cx))?;
            self.next = Next::Reserved { _charge: Box::new(charge) };
        }
        Poll::Ready(Ok(()))
    }
}

impl<B: Body<Data = Bytes> + Unpin> BodyFilter<B> for ResponseMemory {
    fn poll_frame(
        &mut self,
        body: &mut Source<B>,
        cx: &mut Context<'_>,
    ) -> Poll<PolledFrame<B::Error>> {
        if self.streams_responses {
            // Without a longest wait there is no error.
            let _ = ready!(self.poll_share(cx));
        }
        let frame = body.poll_frame(cx);
        if !matches!(self.next, Next::Unknown) || is_large(&frame) {
            return self.count(frame);
        }
        frame
    }
}

fn is_large<E>(frame: &Poll<PolledFrame<E>>) -> bool {
    let Poll::Ready(Some(Ok(frame))) = frame else { return false };
    frame.data_ref().is_some_and(|data| data.len() > SMALL)
}

impl ResponseMemory {
    /// Counts the frame if it is large, learns its size, and then returns what was reserved.
    #[cold]
    fn count<E>(&mut self, frame: Poll<PolledFrame<E>>) -> Poll<PolledFrame<E>> {
        let _reserved = std::mem::take(&mut self.next);
        let Some(connection) = &self.connection else { return frame };
        frame.map_ok(|frame| {
            let count = |data: Bytes| {
                connection.learn(self.method, data.len());
                if data.len() > SMALL { connection.charge_response(data) } else { data }
            };
            frame.map_data(count)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ResponseMemory;
    use crate::grpcio::server::message_memory::{ConnectionMemory, MessageMemory, SMALL};
    use crate::grpcio::wire::filtered_body::FilteredBody;
    use crate::grpcio::wire::method::MethodKind;
    use crate::grpcio::wire::request_body::CallDetails;
    use bytes::Bytes;
    use futures_util::{FutureExt, stream};
    use http_body::Frame;
    use http_body_util::{BodyExt, StreamBody};
    use std::convert::Infallible;

    const MIB: usize = 1024 * 1024;

    /// The body of responses of this size.
    fn body(
        connection: &ConnectionMemory,
        kind: MethodKind,
        size: usize,
    ) -> impl http_body::Body<Data = Bytes, Error = Infallible> + Unpin {
        let next = std::iter::repeat_with(move || Ok(Frame::data(Bytes::from(vec![0; size]))));
        let call = CallDetails { method: 0, kind, timeout: None, encoding: None };
        let filter = ResponseMemory::new(connection.clone(), call);
        FilteredBody::new(StreamBody::new(stream::iter(next)), filter)
    }

    #[tokio::test]
    async fn a_stream_waits_until_its_earlier_responses_are_sent() {
        let connection = MessageMemory::new(8 * MIB).connection();
        let mut body = body(&connection, MethodKind::ServerStreaming, 4 * MIB);
        let mut sent = Vec::new();
        while let Some(frame) = body.frame().now_or_never() {
            sent.push(frame);
            assert!(sent.len() < 10, "the stream does not wait");
        }
        assert_eq!(sent.len(), 2);
        sent.clear();
        assert!(body.frame().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_single_response_does_not_wait() {
        let connection = MessageMemory::new(8 * MIB).connection();
        let mut body = body(&connection, MethodKind::Unary, 4 * MIB);
        for _ in 0..10 {
            assert!(body.frame().now_or_never().is_some());
        }
    }

    #[tokio::test]
    async fn small_responses_are_not_counted() {
        let connection = MessageMemory::new(8 * MIB).connection();
        let mut body = body(&connection, MethodKind::ServerStreaming, SMALL);
        let sent: Vec<_> =
            (0..600).map(|_| body.frame().now_or_never().expect("no wait")).collect();
        assert!(!connection.is_scarce() && sent.len() == 600);
    }
}
