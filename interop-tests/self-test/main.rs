//! The harness tested with peers that misbehave: a fault that it does not catch is its own.
//!
//! One program in several parts, chosen by its first argument, because a test target can have no
//! helper programs: the tests, the harness that they run, and the mutants that the harness starts.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../harness/mod.rs"]
mod harness;

mod attach;
mod bad_input;
mod browser;
mod client_parity;
mod client_programs;
mod ledger;
#[path = "../bench/load/mod.rs"]
mod load;
mod load_generator;
mod mutant_agent;
mod mutant_program;
mod mutant_server;
mod mutants;
mod orphans;
mod other_versions;
mod parity;
mod plain_tonic;
mod plain_tonic_agent;
mod readiness;
mod reading_frames;
mod record;
mod record_diff;
mod record_merge;
mod run;
mod several;
mod stand_in;
mod stated;
mod tables;
mod tap;
mod trace;
mod transparency;
mod with;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let name = arguments.next().unwrap_or_default();
    match arguments.next().as_deref() {
        Some(run::HARNESS) => harness::main(places(), std::iter::once(name).chain(arguments)),
        Some(mutant_server::NAME) => mutant_server::main(arguments),
        Some(mutant_agent::NAME) => mutant_agent::main(arguments, &places()),
        Some(mutant_program::NAME) => mutant_program::main(arguments, &places()),
        Some(plain_tonic::NAME) => plain_tonic::main(arguments),
        Some(plain_tonic_agent::NAME) => plain_tonic_agent::main(),
        Some(orphans::PANIC) => orphans::panic_beside_a_server(&places()),
        _ => {
            let tests = [
                mutants::tests(),
                ledger::tests(),
                bad_input::tests(),
                orphans::tests(),
                parity::tests(),
                tap::tests(),
                client_parity::tests(),
                client_programs::tests(),
                stand_in::tests(),
                stated::tests(),
                browser::tests(),
                record::tests(),
                record_diff::tests(),
                record_merge::tests(),
                readiness::tests(),
                attach::tests(),
                with::tests(),
                trace::tests(),
                reading_frames::tests(),
                transparency::tests(),
                other_versions::tests(),
                several::tests(),
                load_generator::tests(),
            ];
            let arguments = libtest_mimic::Arguments::from_args();
            libtest_mimic::run(&arguments, tests.into_iter().flatten().collect()).exit_code()
        }
    }
}

fn places() -> harness::Places {
    let bin = Path::new(env!("CARGO_BIN_EXE_calculator-server")).parent();
    harness::Places {
        root: Path::new(env!("CARGO_MANIFEST_DIR")).to_owned(),
        bin: bin.unwrap_or(Path::new("")).to_owned(),
        this: std::env::current_exe().unwrap_or_default(),
    }
}
