//! A run: from the command line to the exit status.
//!
//! Everything that can be wrong with a file or a missing program is found out before the first
//! process is started, but for the one that tells the reference's versions: trials are named by them.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;

use super::command_line::{Options, ReferenceKind};
use super::deviation::Ledger;
use super::gate::Gate;
use super::judge::{Judge, as_libtest};
use super::parity::fuzz::{self, Fuzz, Rival};
use super::peer::{Peer, Peers};
use super::program::Places;
use super::record::Record;
use super::setting::Setting;
use super::suites::{calls, client_parity, client_programs, programs, server_parity};
use super::tables::Tables;
use super::trial::TrialName;
use super::verdict::Verdict;
use super::{matrix, order, reaper};

/// The status of a run that could not begin.
const COULD_NOT_BEGIN: u8 = 2;

/// Runs the harness with the process's arguments from `arguments` on.
pub(crate) fn main(places: Places, arguments: impl Iterator<Item = String>) -> ExitCode {
    let options = Options::parse_from(arguments);
    match run(places, &options) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("interop: {error:#}");
            ExitCode::from(COULD_NOT_BEGIN)
        }
    }
}

fn run(places: Places, options: &Options) -> anyhow::Result<ExitCode> {
    reaper::end_all_on_signals().context("signals cannot be handled")?;
    let tests = places.root.join("interop-tests");
    let or = |given: &Option<_>, name: &str| given.clone().unwrap_or_else(|| tests.join(name));
    let peers = Peers::read(&or(&options.peers, "peers.toml"))?;
    let tables = Tables::read(&or(&options.scenarios, "scenarios"), options.scenarios.is_none())?;
    let left_out = left_out(options, &peers)?;
    let output = options.output.clone().unwrap_or_else(|| places.root.join("target/interop"));
    // Trials that keep the processors busy are as many at once as there are processors.
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let gate = Gate::new(options.libtest.test_threads.unwrap_or(cores));
    let setting = Setting::new(places, output.join("logs"), gate).context("no ports to be had")?;
    let setting = Arc::new(setting);

    let mut servers = server_parity::standard(&peers.all, tables.probes, &setting);
    let mut clients = client_parity::standard(&peers.all, tables.behaviours, &setting);
    let mut client_programs = client_programs::standard(&peers.all, &clients.cases, &setting);
    let goldens = match &options.goldens {
        None if options.peers.is_some() || options.scenarios.is_some() => None,
        _ => Some(or(&options.goldens, "goldens")),
    };
    if options.record_goldens {
        let folder = goldens.context("--record-goldens: --peers and --scenarios need --goldens")?;
        empty(&setting.logs)?;
        let (heading, at_once) = (client_parity::HEADING, client_parity::AGENTS);
        clients.record(&folder, heading, at_once, &setting)?;
        let (heading, at_once) = (client_programs::HEADING, client_programs::SIDE_BY_SIDE);
        client_programs.record(&folder, heading, at_once, &setting)?;
        // Gives the document's port to the next.
        drop(client_programs);
        let (heading, at_once) = (server_parity::HEADING, server_parity::SIDE_BY_SIDE);
        servers.record(&folder, heading, at_once, &setting)?;
        return Ok(ExitCode::SUCCESS);
    }
    let only_goldens = options.reference == ReferenceKind::Golden;
    if let Some(folder) = &goldens {
        servers.read_goldens(folder)?;
        clients.read_goldens(folder)?;
        client_programs.read_goldens(folder)?;
    } else if only_goldens {
        anyhow::bail!("--reference golden: --peers and --scenarios need --goldens");
    }

    let is_out = |peer: &Peer| peer.reference && left_out.contains(peer.name());
    if options.reference == ReferenceKind::Auto && !peers.all.iter().any(is_out) {
        client_programs.let_goldens_stand_in(&setting);
    }
    let told = client_programs.told();

    let mut trials = programs::trials(&peers.all, &tables.cases, &setting);
    trials.extend(calls::trials(&peers.all, &tables.scenarios, &setting));
    trials.extend(server_parity::trials(&peers.all, &servers, only_goldens, &setting));
    trials.extend(client_parity::trials(&peers.all, &clients, only_goldens, &setting));
    let (peers_all, of_programs) = (&peers.all, &client_programs);
    trials.extend(client_programs::trials(peers_all, of_programs, only_goldens, &setting));
    let names: Vec<_> = trials.iter().map(|trial| trial.name.clone()).collect();
    let ledger = match (&options.deviations, &options.peers) {
        (Some(path), _) => Ledger::read(path, &names)?,
        (None, None) => Ledger::read(&tests.join("deviations.toml"), &names)?,
        (None, Some(_)) => Ledger::default(),
    };
    if let Some(count) = options.fuzz {
        let rivals = rivals(options, &peers, &left_out, &setting)?;
        let reference = servers.reference.context("--fuzz: no peer is the reference")?;
        let probes: Vec<_> = servers.cases.iter().map(|probe| (**probe).clone()).collect();
        empty(&setting.logs)?;
        let run = Fuzz {
            probes: &probes,
            reference: &reference,
            rivals: &rivals,
            ledger: &ledger,
            setting: &setting,
            count,
            seed: options.seed.unwrap_or_else(|| fastrand::u64(..)),
            edge: options.edge,
            side_by_side: options.libtest.test_threads,
            gate: fuzz::gate(),
        };
        let code = options.case.map_or_else(|| run.run(), |case| run.repeat(case));
        return code.map_err(anyhow::Error::msg);
    }
    if !options.libtest.list {
        peers.check_programs(&setting.places, &left_out)?;
        empty(&setting.logs)?;
        trials = order::side_by_side(trials);
    }

    // The trials have what they need; the document's port goes from one suite to the next when the
    // last trial of the one has let go of it.
    drop((servers, clients, client_programs));
    let mut libtest = options.libtest.clone();
    libtest.test_threads.get_or_insert(cores.max(order::BEGUN_AT_ONCE));

    let record = Record::default();
    let judge = Arc::new(Judge { ledger, record: record.clone(), options: options.that_matter() });
    let trials =
        trials.into_iter().map(|trial| as_libtest(trial, &left_out, Arc::clone(&judge))).collect();
    let conclusion = libtest_mimic::run(&libtest, trials);
    summarise(&record.verdicts(), &peers.all, told);
    if conclusion.has_failed() {
        println!("interop: what failed is told above, with a command that runs it alone");
    }
    Ok(conclusion.exit_code())
}

/// What has been found out; `told` is about the client programs, and said if there were any.
fn summarise(verdicts: &[(TrialName, Verdict)], peers: &[Peer], told: Option<String>) {
    if verdicts.is_empty() {
        return;
    }
    println!("{}\n{}\n", matrix::tables(verdicts), matrix::legend(peers, verdicts));
    let has_programs = verdicts.iter().any(|(name, _)| client_programs::is_of(name));
    if let Some(told) = told.filter(|_| has_programs) {
        println!("interop: {told}");
    }
    println!("interop: {}", matrix::total(verdicts));
}

/// The servers that random requests are sent to: those that the filter names, or all but that of
/// the reference's own peer.
fn rivals(
    options: &Options,
    peers: &Peers,
    left_out: &BTreeSet<String>,
    setting: &Setting,
) -> anyhow::Result<Vec<Rival>> {
    let logs = setting.logs.join(server_parity::SUITE);
    let is_meant = |peer: &&Peer| match &options.libtest.filter {
        _ if left_out.contains(peer.name()) || !peer.parity => false,
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

fn empty(logs: &Path) -> anyhow::Result<()> {
    if logs.exists() {
        std::fs::remove_dir_all(logs)
            .with_context(|| format!("old logs cannot be removed: {}", logs.display()))?;
    }
    std::fs::create_dir_all(logs)
        .with_context(|| format!("logs cannot be written: {}", logs.display()))
}
