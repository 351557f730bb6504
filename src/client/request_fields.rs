//! The header fields of a request: what grpcio's client decides, whatever the caller's metadata says.
//!
//! gRPC allows less in metadata than HTTP does; what a server would take amiss is not even sent.

use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::Status;

use super::compression::Compression;
use crate::parity::{compression, header_fields, timeout};

/// The encodings of messages that are understood, as grpcio lists them.
const ACCEPTED_ENCODINGS: HeaderValue = HeaderValue::from_static("identity, deflate, gzip");

/// Makes `fields` those that grpcio sends; the error is that it would send nothing.
pub(super) fn settle(
    fields: &mut HeaderMap,
    compression: Option<Compression>,
) -> Result<(), Status> {
    if !fields.iter().all(|(name, value)| is_legal(name, value)) {
        return Err(Status::internal("Invalid metadata"));
    }
    fields.insert("grpc-accept-encoding", ACCEPTED_ENCODINGS);
    if let Some(compression) = compression {
        fields.insert(compression::FIELD, compression.encoding());
    } else if let Some(encoding) = fields.get_mut(compression::FIELD) {
        // No message is compressed, whatever the metadata says.
        *encoding = HeaderValue::from_static("identity");
    }
    if let Some(deadline) = fields.get(timeout::FIELD).cloned() {
        fields.insert(timeout::FIELD, deadline);
    }
    Ok(())
}

fn is_legal(name: &HeaderName, value: &HeaderValue) -> bool {
    header_fields::is_legal_name(name)
        && value.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::settle;
    use crate::client::Compression;
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn settled(fields: &[(&'static str, &'static [u8])]) -> Option<HeaderMap> {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            let value = HeaderValue::from_bytes(value).expect("legal in HTTP");
            map.append(HeaderName::from_static(name), value);
        }
        settle(&mut map, None).ok().map(|()| map)
    }

    #[test]
    fn the_callers_metadata_does_not_decide_about_the_call() {
        let fields: &[(_, &[u8])] =
            &[("grpc-timeout", b"1S"), ("grpc-timeout", b"2S"), ("grpc-encoding", b"gzip")];
        let settled = settled(fields).expect("legal");
        let timeouts: Vec<_> = settled.get_all("grpc-timeout").iter().collect();
        assert_eq!(timeouts, ["1S"]);
        assert_eq!(settled["grpc-encoding"], "identity");
        assert_eq!(settled["grpc-accept-encoding"], "identity, deflate, gzip");
    }

    #[test]
    fn a_call_that_compresses_says_so() {
        for metadata in [None, Some("gzip")] {
            let mut fields = HeaderMap::new();
            fields.extend(metadata.map(|encoding| {
                (HeaderName::from_static("grpc-encoding"), HeaderValue::from_static(encoding))
            }));
            settle(&mut fields, Some(Compression::Deflate)).expect("legal");
            let encodings: Vec<_> = fields.get_all("grpc-encoding").iter().collect();
            assert_eq!(encodings, ["deflate"]);
        }
    }

    #[test]
    fn what_grpc_does_not_allow_is_not_sent() {
        let illegal: [(_, &[u8]); 3] = [("x!y", b"1"), ("x", b"\xe4"), ("x", b"a\tb")];
        for field in illegal {
            assert_eq!(settled(&[field]), None, "{field:?}");
        }
        assert!(settled(&[("x-y_z.1", b" ~")]).is_some());
    }
}
