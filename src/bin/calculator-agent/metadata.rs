//! Metadata as the protocol of the agent writes it and as HTTP header fields.
//!
//! It is read from the header fields, because tonic merges the initial and the trailing metadata of a
//! unary call into one map.

use http::HeaderMap;
use tonic::metadata::{
    AsciiMetadataKey, AsciiMetadataValue, BinaryMetadataKey, BinaryMetadataValue, MetadataMap,
};

use grpc_interop_protocol::{Metadata, hex};

/// Header fields that tonic does not count as metadata.
const TRANSPORT: [&str; 3] = ["content-type", "grpc-message", "grpc-status"];

/// Adds metadata to a call; the error names the entry that tonic refuses, and why.
pub(crate) fn add(metadata: &Metadata, to: &mut MetadataMap) -> Result<(), String> {
    for (key, value) in metadata {
        let refused = |why: &dyn std::fmt::Display| format!("metadata {key}: {value:?}: {why}");
        if key.ends_with("-bin") {
            let key = key.parse::<BinaryMetadataKey>().map_err(|error| refused(&error))?;
            let bytes = hex::decode(value).map_err(|error| refused(&error))?;
            to.append_bin(key, BinaryMetadataValue::from_bytes(&bytes));
        } else {
            let key = key.parse::<AsciiMetadataKey>().map_err(|error| refused(&error))?;
            let value = value.parse::<AsciiMetadataValue>().map_err(|error| refused(&error))?;
            to.append(key, value);
        }
    }
    Ok(())
}

/// The metadata in `headers`, without the transport's own fields.
pub(crate) fn of(headers: &HeaderMap) -> Metadata {
    let map = MetadataMap::from_headers(headers.clone());
    map.iter()
        .filter_map(|entry| match entry {
            tonic::metadata::KeyAndValueRef::Ascii(key, value) => {
                let text = text(value.as_encoded_bytes());
                (!TRANSPORT.contains(&key.as_str())).then(|| (key.to_string(), text))
            }
            tonic::metadata::KeyAndValueRef::Binary(key, value) => {
                let text = value.to_bytes().map_or_else(
                    |_| format!("not base64: {:?}", value.as_encoded_bytes()),
                    |bytes| hex::encode(&bytes),
                );
                Some((key.to_string(), text))
            }
        })
        .collect()
}

/// UTF-8, or else Latin-1, as Python reads a value.
fn text(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{add, of};
    use http::{HeaderMap, HeaderValue};
    use tonic::metadata::MetadataMap;

    fn field(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn what_is_added_is_told_again_in_its_order() {
        let metadata = vec![field("x-a", "1"), field("x-a", "2"), field("x-bin", "00ff")];
        let mut map = MetadataMap::new();
        add(&metadata, &mut map).expect("legal");
        let mut headers = map.into_headers();
        headers.insert("grpc-status", HeaderValue::from_static("0"));
        assert_eq!(of(&headers), metadata);
    }

    #[test]
    fn values_that_are_no_text_are_told_as_python_tells_them() {
        for (bytes, told) in [(&b"\xc3\xa4"[..], "\u{e4}"), (b"\xe4", "\u{e4}")] {
            let mut headers = HeaderMap::new();
            headers.insert("x-a", HeaderValue::from_bytes(bytes).expect("legal in HTTP"));
            assert_eq!(of(&headers), [field("x-a", told)]);
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-bin", HeaderValue::from_static("!"));
        assert!(of(&headers)[0].1.starts_with("not base64: "));
    }

    #[test]
    fn what_cannot_be_sent_is_named() {
        for (name, value) in [("x a", "1"), ("x-a", "1\n"), ("x-bin", "0"), ("x\u{e4}-bin", "00")] {
            let error = add(&vec![field(name, value)], &mut MetadataMap::new()).expect_err(name);
            assert!(error.starts_with(&format!("metadata {name}: {value:?}: ")), "{error}");
        }
    }
}
