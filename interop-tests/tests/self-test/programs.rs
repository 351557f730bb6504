//! The programs that the tests start, built once before the first test.
//!
//! `CARGO_BIN_EXE_*` names only programs of the test's own package, so cargo is asked for the others; a
//! test never runs a program that is older than its sources.

use std::path::Path;
use std::process::Command;

use grpc_interop::config::Places;

/// The workspace.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The tool under test.
pub(crate) const INTEROP: &str = env!("CARGO_BIN_EXE_interop");

/// The workspace and the folder of the programs that the tests start.
pub(crate) fn places() -> Places {
    let root = Path::new(ROOT).canonicalize().expect("the workspace");
    let bin = Path::new(INTEROP).parent().expect("a folder").to_owned();
    Places::new(Some(root), bin)
}

/// Builds the calculator's programs and the mutants into the folder of the tool; the error says what
/// failed.
pub(crate) fn build() -> Result<(), String> {
    let places = places();
    let target = places.bin().parent().ok_or("the tool is in no target folder")?;
    let profile = match places.bin().file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    // One after the other: together they would share the features of their dependencies.
    for package in ["calculator", "interop-mutants"] {
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--locked", "--bins", "--package", package])
            .args(["--profile", profile, "--target-dir"])
            .arg(target)
            .current_dir(ROOT)
            .status()
            .map_err(|error| format!("cargo cannot be run to build {package}: {error}"))?;
        if !built.success() {
            return Err(format!("cargo could not build {package}: {built}"));
        }
    }
    Ok(())
}
