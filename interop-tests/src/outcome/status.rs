//! The names of the gRPC status codes.

/// The names of all status codes, in the order of their numbers.
pub(crate) const NAMES: [&str; 17] = [
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

/// The number of the status code called `name`.
pub(crate) fn code(name: &str) -> Option<u32> {
    (0..).zip(NAMES).find(|(_, known)| *known == name).map(|(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_a_name() {
        assert_eq!(code("OK"), Some(0));
        assert_eq!(code("UNAUTHENTICATED"), Some(16));
        assert_eq!(code("not_found"), None);
    }
}
