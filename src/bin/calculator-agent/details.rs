//! The details of an error: a `google.rpc.Status` in the trailing metadata.
//!
//! They are read from the trailers and not from an error of the client, since any call may have them.

use http::HeaderMap;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use tonic_types::{StatusExt, pb};

use grpc_interop_protocol::Details;

/// The details in `trailers`; none if there are none or they are no `google.rpc.Status`.
pub(crate) fn of(trailers: &HeaderMap) -> Option<Details> {
    let trailers = MetadataMap::from_headers(trailers.clone());
    let bytes = trailers.get_bin("grpc-status-details-bin")?.to_bytes().ok()?;
    let pb::Status { code, message, .. } = prost::Message::decode(&bytes[..]).ok()?;
    let bad_request = Status::with_details(Code::Unknown, "", bytes).get_details_bad_request();
    let violations = bad_request.map(|details| details.field_violations).unwrap_or_default();
    let violations =
        violations.into_iter().map(|violation| (violation.field, violation.description));
    Some(Details { code, message, violations: violations.collect() })
}

#[cfg(test)]
mod tests {
    use super::of;
    use grpc_interop_protocol::Details;
    use http::{HeaderMap, HeaderValue};
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt};

    #[test]
    fn the_fields_that_are_to_blame() {
        let details = ErrorDetails::with_bad_request_violation("count", "too many");
        let status = Status::with_error_details(Code::InvalidArgument, "no", details);
        let headers = status.into_http::<tonic::body::Body>().into_parts().0.headers;
        let violations = vec![("count".to_owned(), "too many".to_owned())];
        let expected = Details { code: 3, message: "no".to_owned(), violations };
        assert_eq!(of(&headers), Some(expected));
    }

    #[test]
    fn nothing_and_rubbish() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_static("3"));
        assert_eq!(of(&headers), None);
        for rubbish in ["/w", "!"] {
            headers.insert("grpc-status-details-bin", HeaderValue::from_static(rubbish));
            assert_eq!(of(&headers), None, "{rubbish}");
        }
    }
}
