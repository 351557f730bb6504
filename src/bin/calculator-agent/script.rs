//! A call of any kind, step by step.
//!
//! The call runs beside its script, because a server may answer only after several messages. What is
//! sent waits in memory: a script that receives later must not be held up by its own messages.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Response, Status};

use crate::hex;
use crate::protocol::{Kind, Step};

/// The messages of a call, each its bytes.
pub(crate) type Requests = UnboundedReceiverStream<Vec<u8>>;

/// The replies to a call, each its bytes.
pub(crate) type Replies = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Status>> + Send>>;

/// The only reply to a call.
pub(crate) fn one(answer: Response<Vec<u8>>) -> Replies {
    Box::pin(stream::iter([Ok(answer.into_inner())]))
}

/// A script that can be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Script(Vec<Action>);

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Send(Vec<u8>),
    HalfClose,
    Receive(usize),
    Pause(Duration),
    Cancel,
}

impl Script {
    /// Reads the steps of a call of this kind; the error says what cannot be done.
    pub(crate) fn new(steps: &[Step], kind: Kind) -> Result<Self, String> {
        let actions: Vec<_> = steps.iter().map(action).collect::<Result<_, _>>()?;
        let sends = |action: &Action| matches!(action, Action::Send(_));
        let count = actions.iter().filter(|action| sends(action)).count();
        if !kind.has_many_requests() && (count != 1 || !actions.first().is_some_and(sends)) {
            return Err("a call with one request sends it in its first step".to_owned());
        }
        if !kind.has_many_replies() && actions.iter().any(|it| matches!(it, Action::Receive(_))) {
            return Err("a call with one reply receives nothing before its end".to_owned());
        }
        let mut behind = actions.iter().skip_while(|action| **action != Action::HalfClose);
        if behind.any(sends) {
            return Err("a message is sent behind half_close".to_owned());
        }
        Ok(Self(actions))
    }

    /// The messages that it sends.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter_map(|action| match action {
            Action::Send(message) => Some(&message[..]),
            _ => None,
        })
    }

    /// Begins a call with `begin` and does the steps; tells the replies that were received, and how
    /// the call ended.
    pub(crate) async fn run<F>(
        self,
        begin: impl FnOnce(Requests) -> F,
    ) -> (Vec<Vec<u8>>, Result<(), Status>)
    where
        F: Future<Output = Result<Replies, Status>> + Send + 'static,
    {
        let (requests, receiver) = mpsc::unbounded_channel();
        let answer = Answer::Awaited(tokio::spawn(begin(receiver.into())));
        let mut call = Call { requests: Some(requests), answer, replies: Vec::new() };
        for action in self.0 {
            match action {
                Action::Send(message) => call.send(message),
                Action::HalfClose => call.requests = None,
                Action::Receive(count) => call.receive(count).await,
                Action::Pause(pause) => tokio::time::sleep(pause).await,
                Action::Cancel => return call.cancel().await,
            }
        }
        call.finish().await
    }
}

fn action(step: &Step) -> Result<Action, String> {
    Ok(match step {
        Step::Send(bytes) => {
            Action::Send(hex::decode(bytes).map_err(|error| format!("send: {error}"))?)
        }
        Step::HalfClose(_) => Action::HalfClose,
        Step::Receive(count) => Action::Receive(*count),
        Step::PauseMs(milliseconds) => Action::Pause(
            Duration::try_from_secs_f64(milliseconds / 1000.0)
                .map_err(|error| format!("pause_ms {milliseconds}: {error}"))?,
        ),
        Step::Cancel(_) => Action::Cancel,
    })
}

struct Call {
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

impl Call {
    fn send(&self, message: Vec<u8>) {
        if let Some(requests) = &self.requests {
            // A call that has ended takes no more messages, which is no error.
            let _ = requests.send(message);
        }
    }

    async fn receive(&mut self, count: usize) {
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
    async fn finish(mut self) -> (Vec<Vec<u8>>, Result<(), Status>) {
        self.requests = None;
        self.receive(usize::MAX).await;
        match self.answer {
            Answer::Ended(end) => (self.replies, end),
            Answer::Awaited(_) | Answer::Open(_) => {
                (self.replies, Err(Status::internal("more replies than memory has room for")))
            }
        }
    }

    async fn cancel(self) -> (Vec<Vec<u8>>, Result<(), Status>) {
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
