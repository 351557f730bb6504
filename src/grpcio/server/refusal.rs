//! A refused call ends with a status or a reset, before it reaches a handler.
//!
//! grpcio sends a status for requests that it cannot parse, and RST_STREAM for requests that are
//! not gRPC.

use tonic::{Code, Status};

/// How a request is refused.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// With a status and no message.
    Status(Status),
    /// With a reset of the stream.
    Reset,
}

/// Resets the stream with INTERNAL_ERROR, which hyper does for an error of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a gRPC request")]
pub struct StreamReset;

impl Refusal {
    /// The code of the status.
    pub(super) fn code(&self) -> Option<Code> {
        if let Self::Status(status) = self { Some(status.code()) } else { None }
    }

    /// The result of the layers, with an empty body.
    pub fn into_response<B: Default>(self) -> Result<http::Response<B>, StreamReset> {
        match self {
            Self::Status(status) => Ok(status.into_http()),
            Self::Reset => Err(StreamReset),
        }
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}
