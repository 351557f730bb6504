//! A list of header fields as grpcio reads it: one after the other, up to the first that is wrong.
//!
//! The same for requests, answers and trailers; what a field has to look like is in
//! [`header_fields`](crate::grpcio::wire::header_field), how many there may be in
//! [`metadata_size`](crate::grpcio::wire::metadata_size).

use http::HeaderMap;
use tonic::Status;

use crate::grpcio::wire::header_field;
use crate::grpcio::wire::metadata_size::MetadataSize;
pub(crate) use crate::grpcio::wire::metadata_size::PseudoFields;

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
        header_field::check(name, value).map_err(at)?;
        size.add(index, name.as_str(), value.len()).map_err(at)?;
    }
    Ok(())
}
