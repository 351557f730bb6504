//! Statuses with the texts of grpcio.
//!
//! Callers and scripts match these texts, so they are part of the contract. This module is below
//! both sides and the services, because a handler fails with the same texts as the layers around
//! it.

use std::fmt;

use http::HeaderMap;
use tonic::{Code, Status};

/// The name of a status code in the gRPC specification and in `grpc.StatusCode`.
#[must_use]
pub const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// A failed call, formatted like the end of a grpcio traceback (grpcio 1.85.1,
/// `_InactiveRpcError`), without the internal `debug_error_string`.
///
/// Scripts around `client.py` search for the lines with the status and the details.
#[derive(Clone, Copy, Debug)]
pub struct Traceback<'a>(pub &'a Status);

impl fmt::Display for Traceback<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<RPC that terminated with:")?;
        writeln!(f, "\tstatus = StatusCode.{}", name(self.0.code()))?;
        writeln!(f, "\tdetails = \"{}\"", self.0.message())?;
        write!(f, ">")
    }
}

/// The status of a call whose deadline has passed.
pub(crate) fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("Deadline Exceeded")
}

/// The status of a call to a method that does not exist.
pub(crate) fn method_not_found() -> Status {
    Status::unimplemented("Method not found!")
}

/// The status of an exception in a handler before it returns.
pub(crate) fn exception_calling(exception: impl fmt::Display) -> Status {
    Status::unknown(format!("Exception calling application: {exception}"))
}

/// The status of an exception while a handler produces a stream of responses, including the first
/// one.
pub(crate) fn exception_iterating(exception: impl fmt::Display) -> Status {
    Status::unknown(format!("Exception iterating responses: {exception}"))
}

/// The trailers that carry `status`.
pub(crate) fn trailers(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        // The message or the details are not valid in a header field; the code always is.
        trailers.insert(Status::GRPC_STATUS, i32::from(status.code()).into());
    }
    trailers
}

#[cfg(test)]
mod tests {
    use super::{Traceback, name};
    use tonic::{Code, Status};

    #[test]
    fn names_are_those_of_the_specification() {
        assert_eq!(name(Code::Cancelled), "CANCELLED");
        let names: std::collections::BTreeSet<_> = (0..=16).map(Code::from_i32).map(name).collect();
        assert_eq!(names.len(), 17);
    }

    #[test]
    fn a_traceback_ends_with_status_and_details() {
        let status = Status::unknown("Exception calling application: math domain error");
        assert_eq!(
            Traceback(&status).to_string(),
            "<RPC that terminated with:\n\
             \tstatus = StatusCode.UNKNOWN\n\
             \tdetails = \"Exception calling application: math domain error\"\n>"
        );
    }
}
