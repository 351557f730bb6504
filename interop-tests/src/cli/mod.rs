//! A run: from the command line to the exit status.
//!
//! Everything that can be wrong with a file or a missing program is found out before the first
//! process is started, but for the one that tells the reference's versions: trials are named by them.

pub(crate) mod execution;
pub(crate) mod judge;
pub(crate) mod offline;
pub(crate) mod options;
pub(crate) mod schedule;
pub(crate) mod tables;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;

use crate::calls;
use crate::calls::programs;
use crate::cli::execution::Execution;
use crate::cli::options::{Options, ReferenceKind};
use crate::cli::tables::Tables;
use crate::config::peer::Peer;
use crate::config::peers::Peers;
use crate::config::places::Places;
use crate::outcome::deviations::Ledger;
use crate::outcome::trial::{PortUser, Trial};
use crate::parity::baseline::case::Reference;
use crate::parity::baseline::suite::Baseline;
use crate::parity::client;
use crate::parity::client::programs::reference::ReferenceProgram;
use crate::parity::client::programs::suite as client_programs_suite;
use crate::parity::client::reference::ReferenceClient;
use crate::parity::fuzz;
use crate::parity::fuzz::{Fuzz, Rival};
use crate::parity::server;
use crate::parity::server::reference::ReferenceServer;
use crate::process::context::RunContext;
use crate::process::net::tutorial_port::PORT;
use crate::process::reaper;
use crate::process::semaphore::Semaphore;
use crate::report;
use crate::report::conclusion;
use crate::report::record::writer::RecordWriter;
use crate::report::record::{Record, State};

/// Why the reference does not run beside an attached server.
const WITHOUT_PORT: &str = "server-parity is compared with the goldens, because the attached server \
                            has port 50051, which is the reference's";

/// Why there are no goldens to be read or written.
const NO_GOLDENS: &str = "--scenarios, and --peers that have another reference, need --goldens";

/// The status of a run that could not begin.
const COULD_NOT_BEGIN: u8 = 2;

/// Runs the tool with the arguments of the process.
pub fn main() -> ExitCode {
    let options = Options::parse();
    let places = Places::find(options.root.as_deref(), options.bin.as_deref());
    match places.map_err(Into::into).and_then(|places| run(places, &options)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("interop: {error:#}");
            ExitCode::from(COULD_NOT_BEGIN)
        }
    }
}

fn run(places: Places, options: &Options) -> anyhow::Result<ExitCode> {
    let output = options
        .output
        .clone()
        .unwrap_or_else(|| places.root().unwrap_or(Path::new("")).join("target/interop"));
    // Programs that run elsewhere are told of files in it.
    let output = std::path::absolute(output).context("--output")?;
    if let Some(code) = offline::done(options, &places, &output)? {
        return Ok(code);
    }
    let keeper = RecordWriter::default();
    end_on_signals(keeper.clone(), output.clone()).context("signals cannot be handled")?;
    let mut peers = Peers::read(options.peers.as_deref(), &places, &options.set)?;
    peers.attach(&options.attach)?;
    let tables = tables(options, &places)?;
    let left_out = left_out(options, &peers)?;
    // Trials that keep the processors busy are as many at once as there are processors.
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let gate = Semaphore::new(options.libtest.test_threads.unwrap_or(processors));
    let context =
        RunContext::new(places, output.join("logs"), gate).context("no ports to be had")?;
    let context = Arc::new(context);

    let mut servers = server::suite::standard(&peers.all, tables.probes, &context);
    let mut clients = client::suite::standard(&peers.all, tables.behaviours, &context);
    let mut client_programs = client_programs_suite::standard(&peers.all, &clients.cases, &context);
    let goldens = goldens(options, &peers, &context.places);
    if options.record_goldens {
        let folder = goldens.context(format!("--record-goldens: {NO_GOLDENS}"))?;
        record_goldens(&servers, &clients, &client_programs, &folder, &context)?;
        return Ok(ExitCode::SUCCESS);
    }
    let only_goldens = options.reference == ReferenceKind::Golden;
    if let Some(folder) = &goldens {
        servers.read_goldens(folder)?;
        clients.read_goldens(folder)?;
        client_programs.read_goldens(folder)?;
    } else if only_goldens {
        anyhow::bail!("--reference golden: {NO_GOLDENS}");
    }

    let is_out = |peer: &Peer| peer.reference && left_out.contains(peer.name());
    if options.reference == ReferenceKind::Auto && !peers.all.iter().any(is_out) {
        client_programs.let_goldens_stand_in(&context);
    }
    let told = client_programs.told();

    let mut trials = programs::trials(&peers.all, &tables.cases, &context);
    trials.extend(calls::suite::trials(&peers.all, &tables.scenarios, &context));
    let takes_port = |peer: &Peer| peer.attached_server().is_some_and(|server| server.has(PORT));
    let has_no_port = peers.all.iter().any(takes_port) && servers.goldens.is_some();
    if has_no_port && !options.libtest.list {
        println!("interop: {WITHOUT_PORT}");
    }
    let no_reference = only_goldens || has_no_port;
    trials.extend(server::suite::trials(&peers.all, &servers, no_reference, &context));
    trials.extend(client::suite::trials(&peers.all, &clients, only_goldens, &context));
    let (peers_all, of_programs) = (&peers.all, &client_programs);
    trials.extend(client_programs_suite::trials(peers_all, of_programs, only_goldens, &context));
    let versions = || {
        let reference = servers.reference.as_ref().filter(|_| !peers.all.iter().any(is_out));
        reference?.versions(&context).ok()
    };
    let ledger = ledger(options, &peers, &context.places, &trials, versions)?;
    if !options.attach.is_empty() {
        trials.retain(|trial| trial.is_attached);
    }
    let names = trials.iter().map(|trial| trial.name.clone()).collect();
    if !options.libtest.list {
        peers.check_attached(&context.places, &left_out)?;
    }
    if let Some(count) = options.fuzz {
        let rivals = rivals(options, &peers, &left_out, &context)?;
        let reference = servers.reference.context("--fuzz: no peer is the reference")?;
        let probes: Vec<_> = servers.cases.iter().map(|probe| (**probe).clone()).collect();
        context.empty_logs()?;
        let run = Fuzz {
            probes: &probes,
            reference: &reference,
            rivals: &rivals,
            ledger: &ledger,
            context: &context,
            count,
            seed: options.seed.unwrap_or_else(|| fastrand::u64(..)),
            edge: options.edge,
            side_by_side: options.libtest.test_threads,
            gate: fuzz::gate(),
        };
        let fuzz = || options.case.map_or_else(|| run.run(), |case| run.repeat(case));
        let code = context.port_queue.run_alone(PortUser::ReferenceServer, fuzz);
        return code.map_err(anyhow::Error::msg);
    }
    let goldens = goldens_of(&servers);
    Execution {
        options,
        peers,
        left_out,
        trials,
        names,
        ledger,
        goldens,
        told,
        context,
        processors,
    }
    .run(&keeper, &output)
}

/// The tables of all suites.
fn tables(options: &Options, places: &Places) -> anyhow::Result<Tables> {
    match &options.scenarios {
        Some(folder) => Tables::read(folder, false),
        None => Tables::read(&places.default_of("--scenarios", "scenarios")?, true),
    }
}

/// Records into `folder` what the reference does now.
fn record_goldens(
    servers: &Baseline<ReferenceServer>,
    clients: &Baseline<ReferenceClient>,
    client_programs: &Baseline<ReferenceProgram>,
    folder: &Path,
    context: &RunContext,
) -> anyhow::Result<()> {
    context.empty_logs()?;
    let (heading, at_once) = (client::suite::HEADING, client::suite::AGENTS);
    clients.record(folder, heading, at_once, context)?;
    let (heading, at_once) = (client_programs_suite::HEADING, client_programs_suite::SIDE_BY_SIDE);
    let port = &context.port_queue;
    port.run_alone(PortUser::ClientPrograms, || {
        client_programs.record(folder, heading, at_once, context)
    })?;
    let (heading, at_once) = (server::suite::HEADING, server::suite::SIDE_BY_SIDE);
    port.run_alone(PortUser::ReferenceServer, || servers.record(folder, heading, at_once, context))
}

/// What the goldens were recorded from.
fn goldens_of(standard: &Baseline<impl Reference>) -> Vec<String> {
    standard.goldens.as_ref().map(|goldens| goldens.versions.clone()).unwrap_or_default()
}

/// Ends the record, and all children, when a signal ends the run.
fn end_on_signals(keeper: RecordWriter, output: PathBuf) -> Result<(), ctrlc::Error> {
    let last = move |record: Option<Record>| {
        let Some(record) = record else { return };
        match report::write(&record, &output) {
            Ok(()) => conclusion::print(&record, &[], &output),
            Err(error) => eprintln!("interop: {error}"),
        }
    };
    reaper::end_all_on_signals(move || keeper.end(State::Interrupted), last)
}

/// The folder of the goldens, which are the project's own unless the tables or the reference are not.
fn goldens(options: &Options, peers: &Peers, places: &Places) -> Option<PathBuf> {
    let is_ours = peers.all.iter().any(|peer| peer.reference && peer.is_of_project);
    let ours = || places.default_of("--goldens", "goldens").ok();
    let ours = (is_ours && options.scenarios.is_none()).then(ours).flatten();
    options.goldens.clone().or(ours)
}

/// What is known to deviate: of the project's own peers only, where there are others too.
fn ledger(
    options: &Options,
    peers: &Peers,
    places: &Places,
    trials: &[Trial],
    versions: impl FnOnce() -> Option<Vec<String>>,
) -> anyhow::Result<Ledger> {
    let names: Vec<_> = trials.iter().map(|trial| trial.name.clone()).collect();
    if let Some(path) = &options.deviations {
        return Ok(Ledger::read(path, &names, versions)?);
    }
    let ours = places.default_of("--deviations", "deviations.toml")?;
    if options.peers.is_none() {
        return Ok(Ledger::read(&ours, &names, versions)?);
    }
    let is_ours = peers.all.iter().any(|peer| peer.reference && peer.is_of_project);
    let versions = || is_ours.then(versions).flatten();
    Ok(Ledger::read_beside(&ours, &names, versions, peers.strangers())?)
}

/// The servers that random requests are sent to: those that the filter names, or all but that of
/// the reference's own peer.
fn rivals(
    options: &Options,
    peers: &Peers,
    left_out: &BTreeSet<String>,
    context: &RunContext,
) -> anyhow::Result<Vec<Rival>> {
    let logs = context.logs.join(server::suite::SUITE);
    let is_meant = |peer: &&Peer| match &options.libtest.filter {
        _ if left_out.contains(peer.name()) || !peer.parity => false,
        _ if !options.attach.is_empty() && peer.attached_server().is_none() => false,
        Some(filter) => peer.name().contains(&filter[..]),
        None => !peer.reference,
    };
    let rivals: Vec<_> =
        peers.all.iter().filter(is_meant).filter_map(|peer| Rival::new(peer, &logs)).collect();
    anyhow::ensure!(!rivals.is_empty(), "--fuzz: no such peer has a server");
    Ok(rivals)
}

fn left_out(options: &Options, peers: &Peers) -> anyhow::Result<BTreeSet<String>> {
    for name in &options.without {
        peers.named(name).map_err(|error| anyhow::anyhow!("--without: {error}"))?;
    }
    Ok(options.without.iter().cloned().collect())
}
