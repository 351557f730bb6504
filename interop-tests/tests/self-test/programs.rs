//! The programs that the tests start, built once before the first test.
//!
//! Cargo builds only programs of the package of a test automatically, so this module runs cargo for the others, with
//! the profile of `make build`. A test never runs a program that is older than its sources.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use grpc_interop::config::Places;

/// The workspace.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A path in the package of the tool.
pub(crate) fn in_package(path: &str) -> PathBuf {
    Path::new(ROOT).join("interop-tests").join(path)
}

/// The tool under test.
pub(crate) fn interop() -> PathBuf {
    places().bin().join("interop")
}

/// The workspace and the folder of the programs that the tests start.
pub(crate) fn places() -> Places {
    let root = Path::new(ROOT).canonicalize().expect("the workspace does not exist");
    // The executable of the test is in the folder `deps` of the folder of the programs.
    let test = std::env::current_exe().expect("the path of the test is not known");
    let bin = test.ancestors().nth(2).expect("the path has no parent");
    Places::new(Some(root), bin.to_owned())
}

/// Builds the programs of the calculator and the mutants into the folder of the tool. The error is a message.
pub(crate) fn build() -> Result<(), String> {
    let places = places();
    let target = places.bin().parent().ok_or("the tool is not in a target folder")?;
    let profile = match places.bin().file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    // As the Makefile builds them, so that nothing is built twice.
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--quiet", "--locked", "--workspace", "--bins"])
        .args(["--profile", profile, "--target-dir"])
        .arg(target)
        .current_dir(ROOT);
    // Cargo describes the package of the test in variables. Build scripts that read them would run again.
    let variables = std::env::vars_os().map(|(name, _)| name);
    let of_package = |name: &OsString| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    };
    variables.filter(of_package).for_each(|name| {
        cargo.env_remove(name);
    });
    let built = cargo
        .status()
        .map_err(|error| format!("cannot run cargo to build the programs: {error}"))?;
    if !built.success() {
        return Err(format!("cargo failed to build the programs: {built}"));
    }
    Ok(())
}
