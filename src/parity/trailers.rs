//! Trailers that have come together with the rest of a request.
//!
//! grpcio parses what it has read before it answers, so they count even where the answer has been
//! clear without them; it does not wait for them either.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
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
