//! A call that fails without a status gets the status that grpcio reports for the error.
//!
//! The types of the error and its sources decide, never their texts. tonic reports UNKNOWN,
//! CANCELLED or INTERNAL for the same broken connection, depending on the progress of the call.

use std::error::Error;
use std::io;

use h2::Reason;
use tonic::{Code, Status, TimeoutExpired};

use super::connect::ConnectError;
use crate::grpcio::status::deadline_exceeded;
use crate::grpcio::wire::codec::{ClientSide, Side};

/// `error` and its sources.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The status that grpcio reports for `error`.
pub(super) fn status(error: &(dyn Error + 'static)) -> Status {
    causes(error).find_map(of_cause).unwrap_or_else(|| Status::unavailable(root_cause(error)))
}

/// Whether no connection could be made.
pub(super) fn is_unreachable(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(<dyn Error>::is::<ConnectError>)
}

/// The status for one error of a chain, if its type has one.
fn of_cause(error: &(dyn Error + 'static)) -> Option<Status> {
    if let Some(status) = error.downcast_ref::<Status>() {
        // A status with a source is tonic's interpretation of that source.
        return status.source().is_none().then(|| Status::new(status.code(), status.message()));
    }
    if let Some(error) = error.downcast_ref::<ConnectError>() {
        return Some(Status::unavailable(error.to_string()));
    }
    if error.is::<TimeoutExpired>() {
        return Some(deadline_exceeded());
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
        // hyper resets a stream whose request cannot be encoded, and drops the reason.
        Some(Reason::INTERNAL_ERROR) if error.is_reset() && !error.is_library() => {
            Status::internal(ClientSide::SERIALIZING_FAILED)
        }
        // A response that is invalid in HTTP, for example one with no status but 100.
        Some(_) if error.is_reset() => Status::unknown(format!("Failed parsing HTTP/2 ({error})")),
        // The bytes are not HTTP/2.
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

/// The message of the innermost error, which is the most precise.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::{reset, status};
    use std::io;
    use tonic::{Code, Status, TimeoutExpired};

    #[test]
    fn the_type_of_an_error_determines_its_status() {
        let broken = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(status(&broken).code(), Code::Unavailable);
        assert_eq!(status(&TimeoutExpired(())).code(), Code::DeadlineExceeded);
        assert_eq!(status(&Status::data_loss("x")).code(), Code::DataLoss);
        let no_error = h2::Error::from(h2::Reason::NO_ERROR);
        assert_eq!(status(&no_error).code(), Code::Internal);
    }

    #[test]
    fn the_code_of_a_reset_determines_its_status() {
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
