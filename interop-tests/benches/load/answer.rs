//! Checks the header list of a response.
//!
//! gRPC errors have the HTTP status 200, so the whole list must be checked.

use grpc_interop::http2::header_block::Field;

/// A correct header list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// The start of a response.
    Initial,
    /// The trailers of a response with the status OK.
    Trailers,
}

/// Checks a header list. The error describes what is wrong.
pub(super) fn read(fields: &[Field]) -> Result<Head, String> {
    let value = |name: &str| {
        fields.iter().find(|(known, _)| known == name.as_bytes()).map(|(_, value)| &value[..])
    };
    let shown = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    if let Some(status) = value("grpc-status").filter(|status| *status != b"0") {
        let message = value("grpc-message").map(shown).unwrap_or_default();
        return Err(format!("grpc-status {} {message}", shown(status)));
    }
    match value(":status") {
        None if value("grpc-status").is_some() => Ok(Head::Trailers),
        None => Err("trailers without grpc-status".to_owned()),
        Some(b"200") => {
            let content_type = value("content-type").unwrap_or_default();
            if content_type == b"application/grpc" || content_type.starts_with(b"application/grpc+")
            {
                Ok(Head::Initial)
            } else {
                Err(format!("content-type `{}`", shown(content_type)))
            }
        }
        Some(status) => Err(format!("HTTP status {}", shown(status))),
    }
}
