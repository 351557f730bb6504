//! The trailers of a request count if they have already arrived.
//!
//! grpcio parses what it has read before it responds, so invalid trailers fail even a call whose
//! status is already known. It does not wait for trailers, however.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::Body;
use tonic::Status;

use crate::grpcio::wire::header_field;

/// Checks the trailers of `body` if they have arrived, and discards the data before them.
///
/// Probes: `trailers-*`.
pub(super) fn check_arrived<B>(body: &mut B) -> Result<(), Status>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut context = Context::from_waker(Waker::noop());
    while !body.is_end_stream()
        && let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut *body).poll_frame(&mut context)
    {
        if let Some(trailers) = frame.trailers_ref() {
            return header_field::check_trailers(trailers);
        }
    }
    Ok(())
}
