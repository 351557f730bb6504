//! The task that sends a stream of requests, which ends when its call does.
//!
//! A call that is dropped has to reset its stream at once, also while the server takes no more of its
//! messages. hyper sends them in a task of its own, which then waits for the server and for nothing
//! else, and h2 resets a stream only when nobody holds it any more. So the task is ended from here: the
//! body that it reads tells it whose it is.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;

tokio::task_local! {
    /// The task of hyper's that is running.
    static TASK: Task;
}

#[derive(Clone, Debug, Default)]
struct Task {
    end: CancellationToken,
    /// It begins calls, so it is a connection's and not that of one call.
    begins_calls: Arc<AtomicBool>,
}

/// Runs the tasks of a channel so that a call can end its own.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Executor;

impl<F> hyper::rt::Executor<F> for Executor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let task = Task::default();
        let end = task.end.clone();
        tokio::spawn(TASK.scope(task, async move {
            tokio::select! {
                biased;
                () = end.cancelled() => {}
                () = future => {}
            }
        }));
    }
}

/// Ends the task that sends a call's requests, once there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipe(Arc<Mutex<Option<CancellationToken>>>);

impl Pipe {
    /// The running task is this call's, unless it is a connection's.
    fn belongs_to_task(&self) {
        let _ = TASK.try_with(|task| {
            if !task.begins_calls.load(Ordering::Relaxed) {
                *self.lock() = Some(task.end.clone());
            }
        });
    }

    pub(super) fn end(&self) {
        if let Some(task) = self.lock().take() {
            task.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Polled = Option<Result<Frame<Bytes>, Status>>;

/// The body of a request, which learns by which task it is sent.
///
/// hyper reads it for the first time in the connection's task, and only what is not over by then gets
/// a task of its own; so a body with more than one frame pretends to have none yet.
pub(super) struct Piped {
    body: Body,
    pipe: Pipe,
    reads: u8,
    /// What has been read of the body and is not given on yet.
    ahead: VecDeque<Polled>,
}

impl Piped {
    pub(super) fn new(body: Body, pipe: Pipe) -> Self {
        Self { body, pipe, reads: 0, ahead: VecDeque::new() }
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Polled> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    /// All of a body that has one frame.
    fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<Polled> {
        let _ = TASK.try_with(|task| task.begins_calls.store(true, Ordering::Relaxed));
        let first = ready!(self.poll_body(cx));
        if !matches!(first, Some(Ok(_))) {
            return Poll::Ready(first);
        }
        match self.poll_body(cx) {
            Poll::Ready(None) => {
                self.ahead.push_back(None);
                return Poll::Ready(first);
            }
            Poll::Ready(second) => self.ahead.extend([first, second]),
            Poll::Pending => self.ahead.push_back(first),
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl http_body::Body for Piped {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Polled> {
        self.reads = self.reads.saturating_add(1);
        match self.reads {
            1 => return self.poll_first(cx),
            2 => self.pipe.belongs_to_task(),
            _ => {}
        }
        match self.ahead.pop_front() {
            Some(polled) => Poll::Ready(polled),
            None => self.poll_body(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.body.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use crate::Number;
    use crate::client::{Options, channel};
    use crate::rpc::streaming_calculator_client::StreamingCalculatorClient;
    use futures_util::stream;
    use h2::Reason;
    use http::Response;
    use std::future::poll_fn;
    use std::time::Duration;
    use tokio::net::TcpListener;
    use tokio::sync::oneshot;

    /// What HTTP/2 lets a client send before the server takes anything.
    const WINDOW: usize = 65_535;

    /// Answers one call with header fields, takes none of its messages, tells when the client has to
    /// wait, and how the call ends.
    async fn serve(listener: TcpListener, is_full: oneshot::Sender<()>) -> Reason {
        let (socket, _) = listener.accept().await.expect("a client");
        let mut connection = h2::server::handshake(socket).await.expect("HTTP/2");
        let (request, mut respond) =
            connection.accept().await.expect("a call").expect("a legal one");
        let answer = Response::builder().header("content-type", "application/grpc");
        let mut answer =
            respond.send_response(answer.body(()).expect("legal"), false).expect("a client");
        let mut requests = request.into_body();
        let take_nothing = async {
            let mut received = 0;
            while received < WINDOW {
                received += requests.data().await.expect("more").expect("no reset").len();
            }
            is_full.send(()).expect("a test that waits");
            poll_fn(|cx| answer.poll_reset(cx)).await.expect("a reset")
        };
        tokio::select! {
            reason = take_nothing => reason,
            _ = connection.accept() => panic!("no other call and no end"),
        }
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_is_reset_though_the_server_takes_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let channel = channel(&address.parse().expect("an address"), Options::default());
        let mut stub = StreamingCalculatorClient::new(channel);
        let (is_full, full) = oneshot::channel();
        let call = async {
            let answer = stub.root_of_each(stream::repeat(Number { value: 4.0 })).await;
            full.await.expect("a server that waits");
            drop(answer.expect("header fields"));
        };
        let both = async { tokio::join!(serve(listener, is_full), call) };
        let ended = tokio::time::timeout(Duration::from_secs(10), both).await;
        assert_eq!(ended.expect("a reset").0, Reason::CANCEL);
    }
}
