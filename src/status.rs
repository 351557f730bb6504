//! A call's status as Python shows it.
//!
//! Scripts around `client.py` look for `status = StatusCode.UNAVAILABLE` and the `details` line at
//! the end of the traceback, so the Rust client prints the same two lines.

use std::fmt;

use tonic::{Code, Status};

/// The name of a status code as the gRPC specification and `grpc.StatusCode` spell it.
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

/// A failed call in the form in which a grpcio traceback ends (grpcio 1.85.1, `_InactiveRpcError`),
/// without grpcio's internal `debug_error_string`.
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
