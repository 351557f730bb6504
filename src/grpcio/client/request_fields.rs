//! The metadata of a caller cannot override the header fields of gRPC, and invalid metadata is not
//! sent.
//!
//! gRPC allows less in metadata than HTTP. grpcio's client fails the call instead of leaving that
//! to the server.

use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::Status;

use super::compression::Compression;
use crate::grpcio::wire::compression::{ACCEPT_ENCODING, ACCEPTED_ENCODINGS, GRPC_ENCODING};
use crate::grpcio::wire::header_field;
use crate::grpcio::wire::timeout::GRPC_TIMEOUT;

/// Changes `fields` to those that grpcio sends, or returns the status if it does not send the
/// request.
pub(super) fn finish(
    fields: &mut HeaderMap,
    compression: Option<Compression>,
) -> Result<(), Status> {
    if !fields.iter().all(|(name, value)| is_valid(name, value)) {
        return Err(Status::internal("Invalid metadata"));
    }
    fields.insert(ACCEPT_ENCODING, ACCEPTED_ENCODINGS);
    if let Some(compression) = compression {
        fields.insert(GRPC_ENCODING, compression.encoding());
    } else if let Some(encoding) = fields.get_mut(GRPC_ENCODING) {
        // The messages of this call are not compressed, whatever the metadata says.
        *encoding = HeaderValue::from_static("identity");
    }
    if let Some(deadline) = fields.get(GRPC_TIMEOUT).cloned() {
        fields.insert(GRPC_TIMEOUT, deadline);
    }
    Ok(())
}

fn is_valid(name: &HeaderName, value: &HeaderValue) -> bool {
    header_field::is_valid_name(name)
        && value.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::finish;
    use crate::grpcio::client::compression::Compression;
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn finished(fields: &[(&'static str, &'static [u8])]) -> Option<HeaderMap> {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            let value = HeaderValue::from_bytes(value).expect("valid in HTTP");
            map.append(HeaderName::from_static(name), value);
        }
        finish(&mut map, None).ok().map(|()| map)
    }

    #[test]
    fn metadata_cannot_override_the_fields_of_grpc() {
        let fields: &[(_, &[u8])] =
            &[("grpc-timeout", b"1S"), ("grpc-timeout", b"2S"), ("grpc-encoding", b"gzip")];
        let finished = finished(fields).expect("valid");
        let timeouts: Vec<_> = finished.get_all("grpc-timeout").iter().collect();
        assert_eq!(timeouts, ["1S"]);
        assert_eq!(finished["grpc-encoding"], "identity");
        assert_eq!(finished["grpc-accept-encoding"], "identity, deflate, gzip");
    }

    #[test]
    fn a_compressed_call_names_its_encoding() {
        for metadata in [None, Some("gzip")] {
            let mut fields = HeaderMap::new();
            fields.extend(metadata.map(|encoding| {
                (HeaderName::from_static("grpc-encoding"), HeaderValue::from_static(encoding))
            }));
            finish(&mut fields, Some(Compression::Deflate)).expect("valid");
            let encodings: Vec<_> = fields.get_all("grpc-encoding").iter().collect();
            assert_eq!(encodings, ["deflate"]);
        }
    }

    #[test]
    fn invalid_metadata_is_not_sent() {
        let invalid: [(_, &[u8]); 3] = [("x!y", b"1"), ("x", b"\xe4"), ("x", b"a\tb")];
        for field in invalid {
            assert_eq!(finished(&[field]), None, "{field:?}");
        }
        assert!(finished(&[("x-y_z.1", b" ~")]).is_some());
    }
}
