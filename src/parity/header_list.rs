//! A list of header fields as grpcio reads it: one after the other, up to the first that is wrong.
//!
//! The same for requests, answers and trailers; what a field has to look like is in
//! [`header_fields`](super::header_fields), how many there may be in
//! [`metadata_size`](super::metadata_size).

use http::HeaderMap;
use tonic::Status;

use super::header_fields;
use super::metadata_size::MetadataSize;
pub(crate) use super::metadata_size::PseudoFields;

/// Checks all fields; the error is the index of the wrong one, and what is wrong.
///
/// Without `limited` there may be any number of them.
pub(crate) fn check(
    pseudo: PseudoFields<'_>,
    headers: &HeaderMap,
    limited: bool,
) -> Result<(), (usize, Status)> {
    let mut size = MetadataSize::new(pseudo, headers, limited).map_err(|status| (0, status))?;
    for (index, (name, value)) in headers.iter().enumerate() {
        let at = |status| (index, status);
        size.check_field(name.as_str(), value.len()).map_err(at)?;
        header_fields::check(name, value).map_err(at)?;
        size.add(index, name.as_str(), value.len()).map_err(at)?;
    }
    Ok(())
}
