//! How a call is refused before a handler sees it: with a status, or with nothing but a reset.
//!
//! grpcio answers what it cannot parse with a status, and what is no gRPC request at all with
//! RST_STREAM.

use tonic::Status;

/// Why a request is not handled.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// Answered with a status and no message.
    Status(Status),
    /// Not answered: the stream is reset.
    Reset,
}

/// The stream is to be reset with INTERNAL_ERROR, which is what hyper makes of a service's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a gRPC request")]
pub struct StreamReset;

impl Refusal {
    /// What the layers answer, with a body that is empty.
    pub fn into_answer<B: Default>(self) -> Result<http::Response<B>, StreamReset> {
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
