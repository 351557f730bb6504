//! The status of a call and its message.

use crate::outcome::finding::Mismatch;
use grpc_interop_protocol::CallOutcome;

/// The statuses that an expectation may name, in the order of their codes.
const STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The code of the status that is called so.
pub(crate) fn code(name: &str) -> Result<usize, String> {
    STATUSES.iter().position(|status| *status == name).ok_or_else(|| {
        format!("status: `{name}` is no gRPC status; there are: {}", STATUSES.join(", "))
    })
}

/// In what an end differs from this status, and from this message where one is given.
pub(crate) fn mismatches(
    status: &str,
    message: Option<&str>,
    outcome: &CallOutcome,
) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    if outcome.status != status {
        mismatches.push(Mismatch::new("status", status, &outcome.status));
    }
    // A status that should not be there comes with a message that says why.
    let unexpected_error = outcome.status != status && !outcome.message.is_empty();
    let observed = format!("{:?}", outcome.message);
    match message {
        Some(message) if message != outcome.message => {
            mismatches.push(Mismatch::new("message", format!("{message:?}"), observed));
        }
        None if unexpected_error => mismatches.push(Mismatch::new("message", "any", observed)),
        _ => {}
    }
    mismatches
}
