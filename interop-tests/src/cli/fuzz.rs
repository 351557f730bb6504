//! The command `interop fuzz`: random requests for the services of the peers file, or for the calculator.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;

use crate::cli::load::Loaded;
use crate::cli::options::FuzzOptions;
use crate::cli::{FAILED, lock_output, output_folder, start_supervisor};
use crate::compare::Suite;
use crate::compare::fuzz::{self, Options, State, Summary};
use crate::config::descriptors::Descriptors;
use crate::config::{CompareSettings, Peer, similar};
use crate::output::{err, out};
use crate::process::{liveness, reaper};
use crate::report::fuzzed;

/// Sends random requests to the reference and to other servers.
pub(crate) fn run(options: &FuzzOptions) -> anyhow::Result<ExitCode> {
    let FuzzOptions { inputs, comparison, .. } = options;
    let output = output_folder(&inputs.output)?;
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    let state = Arc::new(State::default());
    end_on_signals(Arc::clone(&state), options.clone(), seed)?;
    let _lock = lock_output(&output)?;
    let loaded = Loaded::load(inputs, comparison, None, &output)?;
    let of_calculator;
    let suite = if let Some(suite) = &loaded.services {
        suite
    } else {
        of_calculator = calculator(&loaded, options)?;
        &of_calculator
    };
    send(options, seed, suite, &loaded, &state)
}

/// On a signal, kills all child processes and prints what was found so far.
fn end_on_signals(state: Arc<State>, options: FuzzOptions, seed: u64) -> anyhow::Result<()> {
    start_supervisor()?;
    reaper::end_all_on_signals(move || state.end(), move |summary| print(&summary, &options, seed))
        .context("cannot install the handler for SIGINT and SIGTERM")
}

fn print(summary: &Summary, options: &FuzzOptions, seed: u64) {
    fuzzed::print(summary, &|finding| {
        options.rerun_command(seed, finding.number, finding.is_alone)
    });
}

/// Sends random requests to the servers of the services in `suite`.
fn send(
    options: &FuzzOptions,
    seed: u64,
    suite: &Suite,
    loaded: &Loaded,
    state: &State,
) -> anyhow::Result<ExitCode> {
    let FuzzOptions { comparison, count, case, edge, .. } = options;
    anyhow::ensure!(!loaded.is_reference_out(), "fuzz: --without excludes the reference");
    let all = &loaded.peers.all;
    let is_attached =
        |peer: &Peer| peer.server.as_ref().is_some_and(|server| server.attach.is_some());
    let has_attached_reference = all.iter().any(|peer| peer.reference && is_attached(peer));
    let is_chosen =
        |peer: &Peer| comparison.attach.is_empty() || has_attached_reference || is_attached(peer);
    let meant = |peer: &&Peer| peer.reference || loaded.takes_part(peer) && is_chosen(peer);
    let peers: Vec<_> = all.iter().filter(meant).cloned().collect();
    check_filter(options.filter.as_deref(), &fuzz::names(suite, &peers))?;
    loaded.peers.check_programs(&loaded.context.places, &loaded.left_out)?;
    liveness::check_all(&loaded.peers.all, &loaded.context.places, &loaded.left_out)?;
    loaded.context.prepare(0)?;
    let cases = case.map_or(0..*count, |case| case..case.saturating_add(1));
    out!("interop: {} random requests with seed {seed}", cases.end - cases.start);
    let began = Instant::now();
    let filter = options.filter.as_deref();
    let options_of_run = Options { filter, seed, cases, edge: *edge };
    let result = fuzz::run(suite, &peers, &options_of_run, state, &loaded.context);
    let summary = state.end();
    print(&summary, options, seed);
    out!("interop: seed {seed}, {:.1?}", began.elapsed());
    let has_found = summary.peers.iter().any(|peer| !peer.findings.all.is_empty());
    if let Err(why) = result {
        err!("interop: {why}");
        anyhow::ensure!(has_found, "the run has ended early");
    }
    Ok(if has_found { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// Returns an error if `filter` selects none of the methods in `names`.
fn check_filter(filter: Option<&str>, names: &[String]) -> anyhow::Result<()> {
    let Some(filter) = filter else { return Ok(()) };
    if names.is_empty() || names.iter().any(|name| name.contains(filter)) {
        return Ok(());
    }
    let similar = similar::suggestion(filter, names.iter().map(String::as_str));
    let names = names.join("\n  ");
    anyhow::bail!("no PEER/METHOD has a name with `{filter}`{similar}; the names are:\n  {names}")
}

/// The suite for the calculator, which is compared if the peers file names no services.
fn calculator(loaded: &Loaded, options: &FuzzOptions) -> anyhow::Result<Suite> {
    let descriptors = Descriptors::of_calculator().context("cannot decode the descriptors")?;
    let peers = &loaded.peers;
    // A calculation has no side effects, so attached servers are called, too.
    let config = CompareSettings { safe: vec!["*".to_owned()], ..peers.compare.clone() };
    let probes = loaded.baselines.servers.cases.iter().map(|probe| (**probe).clone()).collect();
    Suite::new(&descriptors, &config, &peers.ignored, options.comparison.compared(), probes)
}
