//! A field of a request that makes no sense.
//!
//! Beside the text for people there is a google.rpc.BadRequest, so that a program can tell the field
//! without reading the text.

use std::ops::RangeInclusive;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The field of this name is not in its range, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {violation}")]
pub(super) struct InvalidField {
    field: &'static str,
    violation: String,
}

/// Checks that the field is in a range from 0 on.
pub(super) fn check(
    field: &'static str,
    value: i32,
    range: &RangeInclusive<i32>,
) -> Result<(), InvalidField> {
    let violation = if value < *range.start() {
        format!("is negative: {value}")
    } else if value > *range.end() {
        format!("is more than {}: {value}", range.end())
    } else {
        return Ok(());
    };
    Err(InvalidField { field, violation })
}

impl From<InvalidField> for Status {
    fn from(error: InvalidField) -> Self {
        let message = error.to_string();
        let details = ErrorDetails::with_bad_request_violation(error.field, error.violation);
        Self::with_error_details(Code::InvalidArgument, message, details)
    }
}
