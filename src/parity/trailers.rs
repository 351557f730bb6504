//! Trailers: those of a request that have come with the rest of it, and those that end an answer.
//!
//! grpcio parses what it has read before it answers, so a request's count even where the answer has
//! been clear without them; it does not wait for them either.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use tonic::Status;

use super::header_fields;

/// Checks the trailers of `body` if they are there already, and drops the data before them.
///
/// Probes: `trailers-*`.
pub(super) fn check_those_that_came<B>(body: &mut B) -> Result<(), Status>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut context = Context::from_waker(Waker::noop());
    while !body.is_end_stream()
        && let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut *body).poll_frame(&mut context)
    {
        if let Some(trailers) = frame.trailers_ref() {
            return header_fields::check_all(trailers);
        }
    }
    Ok(())
}

/// The trailers that say `status`.
pub(crate) fn of(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        // Its text or its details are no header field; its code always is one.
        trailers.insert(Status::GRPC_STATUS, i32::from(status.code()).into());
    }
    trailers
}
