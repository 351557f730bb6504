//! Counts the calls of a connection that are in flight.
//!
//! A call is in flight until the last byte of its messages is written. hyper takes the body of a
//! response long before that, because the windows of the client and its socket limit how much can
//! be written. Therefore each piece of a message holds its call. h2 drops a piece when it has
//! written it, or when the stream or the connection has ended. The trailers follow in the same
//! write, unless the socket is full; see [`ClosingSocket`](super::closing_socket::ClosingSocket).

use std::collections::HashSet;
use std::future::Future;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::Service;

use super::fair_reading::Backlog;
use crate::grpcio::server::message_memory::ConnectionMemory;
use crate::grpcio::server::open_calls::OpenCalls;

/// How often other tasks may run before the calls that have been cut off are counted. A call ends
/// when its task has run once or twice.
const YIELDS: usize = 16;

/// The calls of a connection that have started and not ended. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(super) struct CallsInFlight(Arc<Handle>);

/// The only reference to [`Calls`] that is not a call or a piece of its response.
#[derive(Debug, Default)]
struct Handle(Arc<Calls>);

#[derive(Debug, Default)]
struct Calls {
    memory: OpenCalls,
    backlog: Backlog,
    /// The number of the next call.
    next: AtomicU32,
    has_started: AtomicBool,
    is_cut_off: AtomicBool,
    /// The numbers of the calls that ended after `is_cut_off`.
    cut_off: Mutex<HashSet<u32>>,
}

impl CallsInFlight {
    /// The calls of a connection with this memory, whose thread has these calls.
    pub(super) fn new(memory: ConnectionMemory, backlog: Backlog) -> Self {
        let calls = Calls {
            memory: OpenCalls::new(memory),
            backlog,
            next: AtomicU32::new(0),
            has_started: AtomicBool::new(false),
            is_cut_off: AtomicBool::new(false),
            cut_off: Mutex::default(),
        };
        Self(Arc::new(Handle(Arc::new(calls))))
    }

    /// Counts the calls of `service`, from their header fields to the last byte of the response.
    pub(super) fn count<S>(&self, service: S) -> Counted<S> {
        Counted { service, in_flight: self.clone() }
    }

    fn calls(&self) -> &Arc<Calls> {
        &self.0.0
    }

    /// Whether no call is in flight.
    pub(super) fn is_empty(&self) -> bool {
        Arc::strong_count(self.calls()) == 1
    }

    /// Whether there has been any call.
    pub(super) fn has_any(&self) -> bool {
        self.calls().next.load(Ordering::Relaxed) > 0
    }

    /// Whether a call has started since the last time.
    pub(super) fn take_started(&self) -> bool {
        self.calls().has_started.swap(false, Ordering::Relaxed)
    }

    /// The number of calls that end because of `end`, which closes the connection.
    pub(super) async fn cut_off(&self, end: impl FnOnce()) -> usize {
        self.calls().is_cut_off.store(true, Ordering::Relaxed);
        end();
        for _ in 0..YIELDS {
            if self.is_empty() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let alive = Arc::strong_count(self.calls()) - 1;
        let ended = self.calls().cut_off.lock().unwrap_or_else(PoisonError::into_inner).len();
        ended + alive
    }

    fn start(&self) -> OpenCall {
        let calls = self.calls();
        // One thread serves the connection, so nothing is lost between the two.
        let number = calls.next.load(Ordering::Relaxed);
        calls.next.store(number.wrapping_add(1).max(1), Ordering::Relaxed);
        calls.has_started.store(true, Ordering::Relaxed);
        calls.memory.begin();
        calls.backlog.add();
        OpenCall { calls: Arc::clone(calls), number, is_waiting: true }
    }
}

/// A call until hyper has taken its whole response. It is moved often, so it is small.
#[derive(Debug)]
struct OpenCall {
    calls: Arc<Calls>,
    number: u32,
    /// Whether its task has not run.
    is_waiting: bool,
}

impl OpenCall {
    /// Its task runs.
    #[inline]
    fn run(&mut self) {
        if std::mem::take(&mut self.is_waiting) {
            self.calls.backlog.remove();
        }
    }
}

impl Drop for OpenCall {
    #[inline]
    fn drop(&mut self) {
        self.run();
        self.calls.memory.end();
        self.calls.end_part(self.number);
    }
}

impl Calls {
    /// The open call with this number, or a piece of its response, has ended.
    #[inline]
    fn end_part(&self, number: u32) {
        if self.is_cut_off.load(Ordering::Relaxed) {
            self.count_as_cut_off(number);
        }
    }

    #[cold]
    fn count_as_cut_off(&self, number: u32) {
        self.cut_off.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
    }
}

/// A service whose calls are counted.
#[derive(Clone, Debug)]
pub(super) struct Counted<S> {
    service: S,
    in_flight: CallsInFlight,
}

impl<S, R, ResBody> Service<R> for Counted<S>
where
    S: Service<R, Response = Response<ResBody>>,
{
    type Response = Response<CountedBody<ResBody>>;
    type Error = S::Error;
    type Future = CountedCall<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let in_flight = Some(self.in_flight.start());
        CountedCall { call: self.service.call(request), in_flight }
    }
}

pin_project! {
    /// A counted call.
    #[derive(Debug)]
    pub(super) struct CountedCall<F> {
        #[pin]
        call: F,
        in_flight: Option<OpenCall>,
    }
}

impl<F, ResBody, E> Future for CountedCall<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
{
    type Output = Result<Response<CountedBody<ResBody>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(call) = this.in_flight {
            call.run();
        }
        this.call.poll(cx).map_ok(|response| {
            response.map(|body| CountedBody { body, call: this.in_flight.take() })
        })
    }
}

/// The body of a response, whose call is in flight until it and its data are dropped.
#[derive(Debug)]
pub(super) struct CountedBody<B> {
    body: B,
    call: Option<OpenCall>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for CountedBody<B> {
    type Data = CountedData;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<CountedData>, B::Error>>> {
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        let counted = |bytes| CountedData::new(bytes, this.call.as_ref());
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(counted))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A piece of a message, whose call is in flight until it is dropped.
#[derive(Debug)]
pub(super) struct CountedData {
    bytes: Bytes,
    calls: Option<Arc<Calls>>,
    /// The number of the call.
    number: u32,
    /// How many bytes the piece has.
    size: u32,
}

impl CountedData {
    fn new(bytes: Bytes, call: Option<&OpenCall>) -> Self {
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let number = call.map_or(0, |call| call.number);
        let calls = call.map(|call| Arc::clone(&call.calls));
        if let Some(calls) = &calls {
            calls.memory.queue(size as usize);
        }
        Self { bytes, calls, number, size }
    }
}

impl Drop for CountedData {
    #[inline]
    fn drop(&mut self) {
        if let Some(calls) = &self.calls {
            calls.memory.sent(self.size as usize);
            calls.end_part(self.number);
        }
    }
}

impl Buf for CountedData {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.bytes.chunks_vectored(slices)
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, length: usize) -> Bytes {
        self.bytes.copy_to_bytes(length)
    }
}

#[cfg(test)]
mod tests {
    use super::{Backlog, CallsInFlight, ConnectionMemory};
    use bytes::Buf;
    use futures_util::FutureExt;
    use http::Response;
    use http_body_util::{BodyExt, Full};
    use std::convert::Infallible;
    use std::future::{pending, ready};
    use tower::{Service, ServiceExt, service_fn};

    type Responded = Result<Response<Full<bytes::Bytes>>, Infallible>;

    #[tokio::test]
    async fn a_call_is_in_flight_until_the_pieces_of_its_messages_are_dropped() {
        let in_flight = CallsInFlight::default();
        let respond = |()| ready(Responded::Ok(Response::new(Full::from("response"))));
        let mut service = in_flight.count(service_fn(respond));
        assert!(in_flight.is_empty() && !in_flight.has_any() && !in_flight.take_started());
        let call = service.call(());
        assert!(!in_flight.is_empty() && in_flight.has_any());
        assert!(in_flight.take_started() && !in_flight.take_started());
        let mut body = call.await.expect("a response").into_body();
        let frame = body.frame().await.expect("a frame").expect("a frame");
        drop(body);
        assert!(!in_flight.is_empty(), "the message is not written");
        let mut data = frame.into_data().expect("data");
        data.advance(3);
        assert_eq!((data.remaining(), data.chunk()), (5, &b"ponse"[..]));
        assert_eq!(data.copy_to_bytes(5), "ponse");
        drop(data);
        assert!(in_flight.is_empty() && in_flight.has_any());
    }

    #[tokio::test]
    async fn a_call_waits_until_its_task_has_run_or_has_been_dropped() {
        let backlog = Backlog::default();
        let in_flight = CallsInFlight::new(ConnectionMemory::default(), backlog.clone());
        let mut service = in_flight.count(service_fn(|()| pending::<Responded>()));
        let (mut first, second) = (service.call(()), service.call(()));
        assert_eq!(backlog.len(), 2);
        for _ in 0..2 {
            assert!((&mut first).now_or_never().is_none());
            assert_eq!(backlog.len(), 1);
        }
        drop(first);
        assert_eq!(backlog.len(), 1, "the call has been removed before");
        drop(second);
        assert_eq!(backlog.len(), 0);
    }

    #[tokio::test]
    async fn each_call_that_is_cut_off_counts_once() {
        let in_flight = CallsInFlight::default();
        let respond = |()| ready(Responded::Ok(Response::new(Full::from("response"))));
        let service = in_flight.count(service_fn(respond));
        service.clone().oneshot(()).await.expect("a call that ends");
        let mut half_written = service.oneshot(()).await.expect("a response").into_body();
        let piece = half_written.frame().await.expect("a frame").expect("a frame");
        let never = |()| pending::<Responded>();
        let handled = in_flight.count(service_fn(never)).oneshot(());
        // This one ends only when its task runs.
        let task = tokio::spawn(in_flight.count(service_fn(never)).oneshot(()));
        tokio::task::yield_now().await;
        drop(handled);
        let cut_off = in_flight.cut_off(|| {
            drop((half_written, piece));
            task.abort();
        });
        assert_eq!(cut_off.await, 2);
    }
}
