//! The body of a request as a handler sees it: each frame of data is one whole message.
//!
//! A type of its own, so that a handler which needs nothing but the one message can take it as it is;
//! for all others it is a body like any other.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use tonic::Status;
use tonic::body::Body;

use super::admission::Admitted;

/// Messages with their prefixes, not compressed, and no trailers.
#[derive(Debug)]
pub struct RequestBody {
    admitted: Admitted,
    messages: Messages,
}

#[derive(Debug)]
enum Messages {
    One(Bytes),
    Stream(Body),
    Taken,
}

impl RequestBody {
    pub(super) fn one(admitted: Admitted, message: Bytes) -> Self {
        Self { admitted, messages: Messages::One(message) }
    }

    pub(crate) fn stream(admitted: Admitted, messages: Body) -> Self {
        Self { admitted, messages: Messages::Stream(messages) }
    }

    /// What is known of the call.
    pub(crate) fn admitted(&self) -> Admitted {
        self.admitted
    }

    /// The message of a method that takes one.
    pub(crate) fn as_one(&self) -> Option<&[u8]> {
        if let Messages::One(message) = &self.messages { Some(message) } else { None }
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Messages::Stream(messages) = &mut self.messages {
            return Pin::new(messages).poll_frame(cx);
        }
        Poll::Ready(match std::mem::replace(&mut self.messages, Messages::Taken) {
            Messages::One(message) => Some(Ok(Frame::data(message))),
            _ => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.messages {
            Messages::One(_) => false,
            Messages::Stream(messages) => messages.is_end_stream(),
            Messages::Taken => true,
        }
    }
}
