//! A call of any kind while it is open.
//!
//! It runs in a task of its own, because a server may respond only after several messages. Messages
//! that are sent wait in memory, so that sending never blocks the script.

use std::future::Future;
use std::pin::Pin;

use futures_util::{Stream, StreamExt, stream};
use prost::bytes::Bytes;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Response, Status};

/// The request messages of a call, each as its bytes.
pub(crate) type Requests = UnboundedReceiverStream<Bytes>;

/// The response messages of a call, each as its bytes.
pub(crate) type Replies = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

/// The only response message of a call.
pub(crate) fn one(response: Response<Bytes>) -> Replies {
    Box::pin(stream::iter([Ok(response.into_inner())]))
}

/// The response messages that were received, and the status unless it is OK.
pub(crate) type CallEnd = (Vec<Bytes>, Result<(), Status>);

/// A call that has been started.
pub(crate) struct OpenCall {
    /// Until the call is half-closed.
    requests: Option<UnboundedSender<Bytes>>,
    response: ResponseState,
    replies: Vec<Bytes>,
}

enum ResponseState {
    /// Its initial metadata, or all of it if it is one message.
    Awaited(JoinHandle<Result<Replies, Status>>),
    Open(Replies),
    Ended(Result<(), Status>),
}

impl OpenCall {
    /// Starts a call in a task of its own.
    pub(crate) fn begin<F>(begin: impl FnOnce(Requests) -> F) -> Self
    where
        F: Future<Output = Result<Replies, Status>> + Send + 'static,
    {
        let (requests, receiver) = mpsc::unbounded_channel();
        let response = ResponseState::Awaited(tokio::spawn(begin(receiver.into())));
        Self { requests: Some(requests), response, replies: Vec::new() }
    }

    pub(crate) fn half_close(&mut self) {
        self.requests = None;
    }

    pub(crate) fn send(&self, message: Bytes) {
        if let Some(requests) = &self.requests {
            // A call that has ended takes no more messages, which is no error.
            let _ = requests.send(message);
        }
    }

    /// Waits for this many more responses, or for the end of the call.
    pub(crate) async fn receive(&mut self, count: usize) {
        let most = self.replies.len().saturating_add(count);
        while self.replies.len() < most {
            match &mut self.response {
                ResponseState::Awaited(response) => {
                    self.response = match response.await {
                        Ok(Ok(replies)) => ResponseState::Open(replies),
                        Ok(Err(status)) => ResponseState::Ended(Err(status)),
                        Err(error) => {
                            ResponseState::Ended(Err(Status::internal(error.to_string())))
                        }
                    }
                }
                ResponseState::Open(replies) => match replies.next().await {
                    Some(Ok(reply)) => self.replies.push(reply),
                    Some(Err(status)) => self.response = ResponseState::Ended(Err(status)),
                    None => self.response = ResponseState::Ended(Ok(())),
                },
                ResponseState::Ended(_) => return,
            }
        }
    }

    /// Half-closes the call and waits for its end.
    pub(crate) async fn finish(mut self) -> CallEnd {
        self.requests = None;
        self.receive(usize::MAX).await;
        match self.response {
            ResponseState::Ended(end) => (self.replies, end),
            ResponseState::Awaited(_) | ResponseState::Open(_) => {
                (self.replies, Err(Status::internal("more replies than memory has room for")))
            }
        }
    }

    pub(crate) async fn cancel(self) -> CallEnd {
        let Self { requests, response, replies } = self;
        match response {
            ResponseState::Awaited(response) => {
                response.abort();
                // Until it is gone; what it has brought in the meantime is not looked at.
                let _ = response.await;
            }
            ResponseState::Open(response) => drop(response),
            ResponseState::Ended(end) => return (replies, end),
        }
        // Only now, or the call would be half-closed before it is cancelled.
        drop(requests);
        (replies, Err(Status::cancelled("Locally cancelled by application!")))
    }
}
