//! The status of a call that ended without one.
//!
//! Decided by the types of the errors that led to one another and never by their texts: tonic says
//! UNKNOWN, CANCELLED or INTERNAL for the same broken connection, depending on how far a call was.

use std::error::Error;
use std::io;

use h2::Reason;
use tonic::{Code, Status, TimeoutExpired};

use super::connect::ConnectError;
use crate::parity::timeout;

/// `error` and what led to it.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The status that grpcio reports for `error`.
pub(super) fn status(error: &(dyn Error + 'static)) -> Status {
    causes(error).find_map(of_cause).unwrap_or_else(|| Status::unavailable(last_words(error)))
}

/// Whether no connection could be made.
pub(super) fn is_unreachable(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(<dyn Error>::is::<ConnectError>)
}

/// Its status, if `error` is of a kind that has one.
fn of_cause(error: &(dyn Error + 'static)) -> Option<Status> {
    if let Some(status) = error.downcast_ref::<Status>() {
        // One with a source is tonic's own opinion of that source.
        return status.source().is_none().then(|| Status::new(status.code(), status.message()));
    }
    if let Some(error) = error.downcast_ref::<ConnectError>() {
        return Some(Status::unavailable(error.to_string()));
    }
    if error.is::<TimeoutExpired>() {
        return Some(timeout::exceeded());
    }
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        return Some(of_http2(error));
    }
    error.downcast_ref().map(of_io)
}

fn of_io(error: &io::Error) -> Status {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            Status::unavailable("Socket closed")
        }
        _ => Status::unavailable(error.to_string()),
    }
}

fn of_http2(error: &h2::Error) -> Status {
    if let Some(error) = error.get_io() {
        return of_io(error);
    }
    match error.reason() {
        Some(reason) if error.is_reset() && error.is_remote() => reset(reason),
        Some(reason) if error.is_go_away() && error.is_remote() => {
            Status::unavailable(format!("GOAWAY received; Error code: {}", u32::from(reason)))
        }
        // An answer that HTTP has no meaning for, such as one with 100 for its only status.
        Some(_) if error.is_reset() => Status::unknown(format!("Failed parsing HTTP/2 ({error})")),
        // Bytes that are no HTTP/2.
        _ => Status::internal(format!("Failed parsing HTTP/2 ({error})")),
    }
}

/// The status of a stream that the server has reset (gRPC over HTTP/2, "Errors").
pub(super) fn reset(reason: Reason) -> Status {
    let code = match reason {
        Reason::REFUSED_STREAM => Code::Unavailable,
        Reason::CANCEL => Code::Cancelled,
        Reason::ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        Reason::INADEQUATE_SECURITY => Code::PermissionDenied,
        _ => Code::Internal,
    };
    Status::new(
        code,
        format!("RST_STREAM (Received RST_STREAM with error code {})", u32::from(reason)),
    )
}

/// What the innermost error says, which is the most exact.
fn last_words(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::{reset, status};
    use std::io;
    use tonic::{Code, Status, TimeoutExpired};

    #[test]
    fn the_types_decide() {
        let broken = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(status(&broken).code(), Code::Unavailable);
        assert_eq!(status(&TimeoutExpired(())).code(), Code::DeadlineExceeded);
        assert_eq!(status(&Status::data_loss("x")).code(), Code::DataLoss);
        let no_error = h2::Error::from(h2::Reason::NO_ERROR);
        assert_eq!(status(&no_error).code(), Code::Internal);
    }

    #[test]
    fn a_reset_says_by_its_code_why() {
        let cases = [
            (h2::Reason::REFUSED_STREAM, Code::Unavailable),
            (h2::Reason::CANCEL, Code::Cancelled),
            (h2::Reason::ENHANCE_YOUR_CALM, Code::ResourceExhausted),
            (h2::Reason::INADEQUATE_SECURITY, Code::PermissionDenied),
            (h2::Reason::NO_ERROR, Code::Internal),
        ];
        for (reason, code) in cases {
            assert_eq!(reset(reason).code(), code, "{reason:?}");
        }
    }
}
