//! Fuzz targets: the lines of agents, and what always has to hold for them.
//!
//! A target panics if it does not hold. Tests replay the corpus; the feature `fuzzing` gives the targets to `cargo fuzz`.

#![allow(clippy::expect_used, clippy::missing_panics_doc, reason = "a target fails by panicking")]

use crate::{Outcome, Request, hex};

/// The name of a target, and the function that it is.
pub type Target = (&'static str, fn(&[u8]));

/// All targets by name: the folder of their corpus in `interop-tests/fuzz/corpus`.
pub const TARGETS: &[Target] =
    &[("agent-outcomes", outcomes), ("agent-requests", requests), ("hex", hex_digits)];

/// A request is read again from what it is written as, in both forms of messages.
fn requests(bytes: &[u8]) {
    let mut stdin = bytes;
    while !stdin.is_empty() {
        let before = stdin.len();
        let read = Request::read(&mut stdin);
        assert!(stdin.len() < before, "a line is consumed");
        let Ok(Some(request)) = read else { continue };
        assert!(!request.shown().is_empty());
        for raw in [false, true] {
            let written = request.write(raw).expect("into memory");
            let mut rest = &written[..];
            let again = Request::read(&mut rest).expect("its own text").expect("a request");
            assert_eq!(again.write(raw).expect("into memory"), written);
            assert_eq!(rest, b"", "what follows the line is consumed");
        }
    }
}

/// An outcome is read again from what it is written as.
fn outcomes(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
    let (line, mut stdout) = bytes.split_at(end);
    let Ok(outcome) = Outcome::read(line, &mut stdout) else { return };
    let written = outcome.write().expect("into memory");
    let end = written.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    let (line, mut rest) = written.split_at(end);
    let again = Outcome::read(line, &mut rest).expect("its own text");
    assert_eq!(again.write().expect("into memory"), written);
    assert_eq!(rest, b"", "what follows the line is consumed");
}

/// Bytes have the digits that are decoded to them.
fn hex_digits(bytes: &[u8]) {
    assert_eq!(hex::decode(&hex::encode(bytes)).as_deref(), Ok(bytes));
    let Ok(digits) = std::str::from_utf8(bytes) else { return };
    match hex::decode(digits) {
        Ok(decoded) => assert_eq!(hex::encode(&decoded), digits.to_ascii_lowercase()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_and_mutations_of_it_are_no_findings() {
        interop_fuzz_replay::replay(super::TARGETS, 1_000);
    }
}
