//! Fuzz targets: the parsers of bytes from outside, and what always has to hold for them.
//!
//! A target panics if it does not hold. Tests replay the corpus; the feature `fuzzing` gives the targets to `cargo fuzz`.
//! They are in the crate because most parsers are private.
//!
//! - [`wire`]: frames, header blocks, and recorded connections
//! - [`endpoint`]: the frames of a peer, as the scripted endpoint receives them
//! - [`messages`]: messages of servers
//! - [`files`]: case files, peers files, and texts in tables
//! - [`protos`]: .proto files
//! - [`records`]: records of runs

#![allow(clippy::expect_used, clippy::missing_panics_doc, reason = "a target fails by panicking")]

mod endpoint;
mod files;
mod messages;
mod protos;
mod records;
mod wire;

/// The name of a target, and the function that it is.
pub type Target = (&'static str, fn(&[u8]));

/// All targets by name: the folder of their corpus in `interop-tests/fuzz/corpus`.
pub const TARGETS: &[Target] = &[
    ("capture", wire::capture),
    ("case-files", files::case_files),
    ("endpoint", endpoint::endpoint),
    ("frames", wire::frames),
    ("header-blocks", wire::header_blocks),
    ("message-comparison", messages::comparison),
    ("message-fields", messages::fields),
    ("peers-files", files::peers_files),
    ("protos", protos::protos),
    ("records", records::records),
    ("table-texts", files::table_texts),
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_and_mutations_of_it_are_no_findings() {
        interop_fuzz_replay::replay(super::TARGETS, 300);
    }
}
