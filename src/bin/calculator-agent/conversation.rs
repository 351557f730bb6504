//! A call of any kind while it goes on.
//!
//! It runs beside its script, because a server may answer only after several messages. What is sent
//! waits in memory: a script that receives later must not be held up by its own messages.

use std::future::Future;
use std::pin::Pin;

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Response, Status};

/// The messages of a call, each its bytes.
pub(crate) type Requests = UnboundedReceiverStream<Vec<u8>>;

/// The replies to a call, each its bytes.
pub(crate) type Replies = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Status>> + Send>>;

/// The only reply to a call.
pub(crate) fn one(answer: Response<Vec<u8>>) -> Replies {
    Box::pin(stream::iter([Ok(answer.into_inner())]))
}

/// The replies that were received, and how the call ended.
pub(crate) type Told = (Vec<Vec<u8>>, Result<(), Status>);

/// A call that has begun.
pub(crate) struct Conversation {
    /// Until the call is half-closed.
    requests: Option<UnboundedSender<Vec<u8>>>,
    answer: Answer,
    replies: Vec<Vec<u8>>,
}

enum Answer {
    /// Its header fields, or where it has one reply, all of it.
    Awaited(JoinHandle<Result<Replies, Status>>),
    Open(Replies),
    Ended(Result<(), Status>),
}

impl Conversation {
    /// The call goes on by itself.
    pub(crate) fn begin<F>(begin: impl FnOnce(Requests) -> F) -> Self
    where
        F: Future<Output = Result<Replies, Status>> + Send + 'static,
    {
        let (requests, receiver) = mpsc::unbounded_channel();
        let answer = Answer::Awaited(tokio::spawn(begin(receiver.into())));
        Self { requests: Some(requests), answer, replies: Vec::new() }
    }

    pub(crate) fn half_close(&mut self) {
        self.requests = None;
    }

    pub(crate) fn send(&self, message: Vec<u8>) {
        if let Some(requests) = &self.requests {
            // A call that has ended takes no more messages, which is no error.
            let _ = requests.send(message);
        }
    }

    /// Waits for so many replies more, or the end.
    pub(crate) async fn receive(&mut self, count: usize) {
        let most = self.replies.len().saturating_add(count);
        while self.replies.len() < most {
            match &mut self.answer {
                Answer::Awaited(answer) => {
                    self.answer = match answer.await {
                        Ok(Ok(replies)) => Answer::Open(replies),
                        Ok(Err(status)) => Answer::Ended(Err(status)),
                        Err(error) => Answer::Ended(Err(Status::internal(error.to_string()))),
                    }
                }
                Answer::Open(replies) => match replies.next().await {
                    Some(Ok(reply)) => self.replies.push(reply),
                    Some(Err(status)) => self.answer = Answer::Ended(Err(status)),
                    None => self.answer = Answer::Ended(Ok(())),
                },
                Answer::Ended(_) => return,
            }
        }
    }

    /// The rest of the call.
    pub(crate) async fn finish(mut self) -> Told {
        self.requests = None;
        self.receive(usize::MAX).await;
        match self.answer {
            Answer::Ended(end) => (self.replies, end),
            Answer::Awaited(_) | Answer::Open(_) => {
                (self.replies, Err(Status::internal("more replies than memory has room for")))
            }
        }
    }

    pub(crate) async fn cancel(self) -> Told {
        let Self { requests, answer, replies } = self;
        match answer {
            Answer::Awaited(answer) => {
                answer.abort();
                // Until it is gone; what it has brought in the meantime is not looked at.
                let _ = answer.await;
            }
            Answer::Open(answer) => drop(answer),
            Answer::Ended(end) => return (replies, end),
        }
        // Only now, or the call would be half-closed before it is cancelled.
        drop(requests);
        (replies, Err(Status::cancelled("Locally cancelled by application!")))
    }
}
