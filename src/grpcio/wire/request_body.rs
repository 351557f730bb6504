//! The body of a request as a service receives it: each data frame is one complete message.
//!
//! A type of its own, so that a method that needs only the one message can take it directly. For
//! every other method it is an ordinary body. It also carries the details of the call, because an
//! extension of the request would cost three allocations and two look-ups.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tonic::Status;
use tonic::body::Body;

use super::compression::Encoding;
use super::method::MethodKind;

/// The details of a call that the header fields of its request contain.
#[derive(Clone, Copy, Debug)]
pub struct CallDetails {
    /// The position of the method among those of the server.
    pub(crate) method: usize,
    pub(crate) kind: MethodKind,
    /// How long the call may take from its arrival; `None` is without limit.
    pub(crate) timeout: Option<Duration>,
    /// The encoding of the messages, if the request names one.
    pub(crate) encoding: Option<Encoding>,
}

/// Uncompressed messages with their prefixes, and no trailers.
#[derive(Debug)]
pub struct RequestBody {
    call: CallDetails,
    messages: Messages,
}

#[derive(Debug)]
enum Messages {
    Single(Bytes),
    Stream(Body),
    Taken,
}

impl RequestBody {
    /// The body of a call with one request.
    pub(crate) fn single(call: CallDetails, message: Bytes) -> Self {
        Self { call, messages: Messages::Single(message) }
    }

    /// The body of a call with a stream of requests.
    pub(crate) fn stream(call: CallDetails, messages: Body) -> Self {
        Self { call, messages: Messages::Stream(messages) }
    }

    /// The details of the call.
    pub(crate) fn call(&self) -> CallDetails {
        self.call
    }

    /// The message of a call with one request.
    pub(crate) fn as_single(&self) -> Option<&[u8]> {
        if let Messages::Single(message) = &self.messages { Some(message) } else { None }
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
            Messages::Single(message) => Some(Ok(Frame::data(message))),
            _ => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.messages {
            Messages::Single(_) => false,
            Messages::Stream(messages) => messages.is_end_stream(),
            Messages::Taken => true,
        }
    }
}
