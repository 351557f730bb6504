//! Tests of the tool, mostly with peers that have a fault which the tool must detect.
//!
//! The test has its own `main`, because all tests need the mutants and the programs of the calculator, which are
//! built once before the first test.
//!
//! Each file tests one part of the tool:
//!
//! - the suites: [`mutants`], [`tap`], [`trace`] for `calls` and `programs`; [`parity`]; [`client_parity`],
//!   [`client_programs`], [`stated`]; [`compare`], [`example`], [`fuzzed`]
//! - proxies between clients and servers: [`via`]
//! - baselines: [`golden_substitution`], [`other_versions`]
//! - verdicts: [`deviations`], [`readiness`]
//! - records and reports: [`record`], [`record_diff`], [`record_merge`], [`versions_table`], [`browser`]
//! - the command: [`bad_input`], [`empty_selection`], [`closed_output`], [`unwritten`],
//!   [`machine`], [`environment`], [`attach`], [`with`], [`starts`], [`services`], [`installed`], [`orphans`],
//!   [`suspension`]
//! - the documentation: [`guides`]; the files of a checkout: [`line_endings`]
//! - the benchmark: [`load_generator`]
//!
//! The tests run the tool with [`run`] and [`programs`], with the tables of the project or their own [`tables`].

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod attach;
mod bad_input;
mod browser;
mod client_parity;
mod client_programs;
mod closed_output;
mod compare;
mod deviations;
mod empty_selection;
mod environment;
mod example;
mod fuzzed;
mod golden_substitution;
mod guides;
mod installed;
mod line_endings;
#[path = "../../benches/load/mod.rs"]
mod load;
mod load_generator;
mod machine;
mod mutants;
mod orphans;
mod other_versions;
mod parity;
mod programs;
mod readiness;
mod record;
mod record_diff;
mod record_merge;
mod run;
mod services;
mod several_runs;
mod starts;
mod stated;
mod suspension;
mod tables;
mod tap;
mod trace;
mod unwritten;
mod versions_table;
mod via;
mod with;

use std::process::ExitCode;

/// How many tests run at once. Most of them wait for a peer that does not respond.
const RUNNING_AT_ONCE: usize = 12;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some(orphans::PANIC) => return orphans::panic_with_a_running_server(),
        Some(several_runs::CHOOSE_PORTS) => return several_runs::choose_ports(),
        _ => {}
    }
    let mut arguments = libtest_mimic::Arguments::from_args();
    arguments.test_threads.get_or_insert(RUNNING_AT_ONCE);
    if !arguments.list
        && let Err(error) = programs::build()
    {
        eprintln!("self-test: {error}");
        return ExitCode::FAILURE;
    }
    // The files with the longest tests are first.
    let tests = [
        mutants::tests(),
        via::tests(),
        compare::tests(),
        fuzzed::tests(),
        other_versions::tests(),
        deviations::tests(),
        example::tests(),
        bad_input::tests(),
        empty_selection::tests(),
        closed_output::tests(),
        unwritten::tests(),
        machine::tests(),
        environment::tests(),
        orphans::tests(),
        parity::tests(),
        tap::tests(),
        client_parity::tests(),
        client_programs::tests(),
        golden_substitution::tests(),
        stated::tests(),
        browser::tests(),
        record::tests(),
        record_diff::tests(),
        record_merge::tests(),
        readiness::tests(),
        attach::tests(),
        with::tests(),
        several_runs::tests(),
        starts::tests(),
        suspension::tests(),
        services::tests(),
        trace::tests(),
        versions_table::tests(),
        installed::tests(),
        guides::tests(),
        line_endings::tests(),
        load_generator::tests(),
    ];
    libtest_mimic::run(&arguments, tests.into_iter().flatten().collect()).exit_code()
}
