//! Streams of responses.

use std::pin::Pin;

use futures_util::{Stream, StreamExt, stream};
use tonic::Status;

/// The responses of a method.
pub(crate) type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Waits for the first response.
///
/// A Python server sends initial metadata together with the first response, and none if the call fails before it.
pub(crate) async fn begun<T: Send + 'static>(
    mut responses: Responses<T>,
) -> Result<Responses<T>, Status> {
    match responses.next().await {
        Some(Err(status)) => Err(status),
        first => Ok(stream::iter(first).chain(responses).boxed()),
    }
}
