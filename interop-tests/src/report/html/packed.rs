//! What the page unpacks when it is asked for: JSON, compressed, in letters and digits.
//!
//! Base64 has no `<`, so nothing that a peer has said can end the element that it stands in.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

/// Packs it as the page's script unpacks it.
pub(crate) fn packed(value: &impl Serialize) -> io::Result<String> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(&mut encoder, value)?;
    Ok(STANDARD.encode(encoder.finish()?))
}
