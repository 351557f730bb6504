//! `make interop`: the interop harness as a test target.
//!
//! A test target, so that cargo builds the programs under test first and says where they are.

mod harness;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let bin = Path::new(env!("CARGO_BIN_EXE_calculator-server")).parent();
    let places = harness::Places {
        root: Path::new(env!("CARGO_MANIFEST_DIR")).to_owned(),
        bin: bin.unwrap_or(Path::new("")).to_owned(),
        this: std::env::current_exe().unwrap_or_default(),
    };
    harness::main(places, std::env::args())
}
