//! Fuzz targets: the parsers of bytes from outside, and what always has to hold for them.
//!
//! A target panics if it does not hold. Tests replay the corpus; the feature `fuzzing` gives the
//! targets to `cargo fuzz`. They are in the crate because most parsers are private.
//!
//! - [`connections`]: bytes of a connection, as a server and as a client reads them
//! - [`calls`]: header fields, bodies and messages
//! - [`reflection`]: requests to the reflection service
//! - [`values`]: texts and files

#![allow(clippy::expect_used, clippy::missing_panics_doc, reason = "a target fails by panicking")]

mod calls;
mod connections;
mod input;
mod reflection;
mod values;

/// The name of a target, and the function that it is.
pub type Target = (&'static str, fn(&[u8]));

/// All targets by name: the folder of their corpus in `interop-tests/fuzz/corpus`.
pub const TARGETS: &[Target] = &[
    ("addresses", values::addresses),
    ("authority-rewrite", connections::authority_rewrite),
    ("client-frames", connections::client_frames),
    ("compression", calls::compression),
    ("connections", connections::connections),
    ("descriptors", values::descriptors),
    ("frame-headers", connections::frame_headers),
    ("handshake", connections::handshake),
    ("message-decoder", calls::message_decoder),
    ("numbers", values::numbers),
    ("pem", values::pem),
    ("python-floats", values::python_floats),
    ("reflection", reflection::reflection),
    ("requests", calls::requests),
    ("responses", calls::responses),
    ("settings-ack", connections::settings_ack),
    ("timeouts", values::timeouts),
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_and_mutations_of_it_are_no_findings() {
        interop_fuzz_replay::replay(super::TARGETS, 1_000);
    }
}
