//! Metadata between the agent's lines and HTTP header fields.
//!
//! Read from the header fields themselves, because tonic merges a unary call's initial and trailing
//! metadata into one map.

use http::HeaderMap;
use tonic::metadata::{
    AsciiMetadataKey, AsciiMetadataValue, BinaryMetadataKey, BinaryMetadataValue, MetadataMap,
};

use crate::hex;
use crate::protocol::Metadata;

/// Header fields that tonic does not count as metadata.
const TRANSPORT: [&str; 3] = ["content-type", "grpc-message", "grpc-status"];

/// Adds the scenario's metadata to a call's; the error says which entry tonic refuses and why.
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
