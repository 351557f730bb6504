//! A call that a service answers, at once or later.
//!
//! Not always a boxed future, because what has been answered at once needs none.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use tonic::body::Body;

use super::answer_body::AnswerBody;

/// The answer of a service of tonic's.
pub(super) type Later = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// A call of any of the services.
pub struct Call(State);

enum State {
    /// `None` once it has been given.
    Answered(Option<Response<AnswerBody>>),
    Later(Later),
}

impl Call {
    /// Answers when `call` does.
    pub(crate) fn later(
        call: impl Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    ) -> Self {
        Self::from(Box::pin(call) as Later)
    }

    pub(super) fn answered(answer: Response<AnswerBody>) -> Self {
        Self(State::Answered(Some(answer)))
    }
}

impl From<Later> for Call {
    fn from(call: Later) -> Self {
        Self(State::Later(call))
    }
}

impl Future for Call {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Answered(answer) => {
                answer.take().map_or(Poll::Pending, |one| Poll::Ready(Ok(one)))
            }
            State::Later(call) => {
                call.as_mut().poll(cx).map_ok(|answer| answer.map(AnswerBody::from))
            }
        }
    }
}
