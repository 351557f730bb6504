//! The body of an answer, from its messages to its trailers.
//!
//! It always ends with trailers that have a status: a body that just stops would leave it to tonic
//! to find one.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::Reason;
use http::HeaderMap;
use http_body::{Body as _, Frame};
use tonic::Status;
use tonic::body::Body;

use super::answer::AnswerKind;
use super::codec::OfClient;
use super::{failure, fields};
use crate::parity::messages::Messages;
use crate::parity::trailers;

/// See the module.
pub(super) struct AnswerBody {
    state: State,
}

enum State {
    Open(Box<Open>),
    /// These trailers are still to come.
    Ending(HeaderMap),
    Ended,
}

struct Open {
    body: Body,
    messages: Messages<OfClient>,
    kind: AnswerKind,
    /// How many messages have come.
    count: usize,
}

impl AnswerBody {
    pub(super) fn new(body: Body, messages: Messages<OfClient>, kind: AnswerKind) -> Self {
        Self { state: State::Open(Box::new(Open { body, messages, kind, count: 0 })) }
    }

    /// A body of which only the trailers are left.
    pub(super) fn ended(trailers: HeaderMap) -> Self {
        Self { state: State::Ending(trailers) }
    }
}

impl Open {
    /// The next message; the error is the trailers at the end.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, HeaderMap>> {
        let ended = |status: &Status| Poll::Ready(Err(trailers::of(status)));
        loop {
            match self.messages.next() {
                Err(status) => return ended(&status),
                Ok(Some(message)) => {
                    self.count += 1;
                    // A second message of a unary call is an error at the end of the answer.
                    if self.kind == AnswerKind::Streaming || self.count == 1 {
                        return Poll::Ready(Ok(message));
                    }
                }
                Ok(None) => match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                    None => return ended(&self.no_trailers()),
                    Some(Err(error)) => return ended(&failure::status(&error)),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => self.messages.receive(data),
                        Err(frame) => {
                            if let Ok(trailers) = frame.into_trailers() {
                                return Poll::Ready(Err(self.trailers(trailers)));
                            }
                        }
                    },
                },
            }
        }
    }

    fn trailers(&self, trailers: HeaderMap) -> HeaderMap {
        let fields::Fields { fields, broken } = fields::read(trailers, None);
        let trailers = fields::trailers(fields, broken);
        if self.messages.has_rest() && fields::are_ok(&trailers) {
            // grpcio 1.85.1 reports OK and no message.
            let status = Status::internal("the answer does not end with a whole message");
            return fields::with_status(trailers, &status);
        }
        self.kind.checked(trailers, self.count)
    }

    /// The status of an answer that stops.
    fn no_trailers(&self) -> Status {
        if http_body::Body::is_end_stream(&self.body) {
            Status::unknown("Data frame with END_STREAM flag received")
        } else {
            // hyper takes a reset with this code for the end of the body.
            failure::reset(Reason::NO_ERROR)
        }
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let State::Open(open) = &mut self.state {
            match ready!(open.poll_message(cx)) {
                Ok(message) => return Poll::Ready(Some(Ok(Frame::data(message)))),
                // The body goes, which resets a stream that the server has left open.
                Err(trailers) => self.state = State::Ending(trailers),
            }
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Ending(trailers) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            _ => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}
