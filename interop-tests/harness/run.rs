//! A run: from the command line to the exit status.
//!
//! Everything that can be wrong with a file or a missing program is found out before the first
//! process is started.

use std::collections::{BTreeSet, VecDeque};
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use libtest_mimic::{Completion, Failed};

use super::command_line::{Options, ReferenceKind};
use super::deviation::Ledger;
use super::gate::Gate;
use super::parity::fuzz::{self, Fuzz, Rival};
use super::parity::golden::Goldens;
use super::parity::probe::{self, Probe};
use super::parity::recording;
use super::parity::reference::Reference;
use super::peer::{Peer, Peers};
use super::program::Places;
use super::record::Record;
use super::setting::Setting;
use super::suites::{calls, programs, server_parity};
use super::trial::{Trial, TrialName};
use super::verdict::Verdict;
use super::{failure, matrix, reaper, scenario};

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
    let tables = or(&options.scenarios, "scenarios");
    let cases = programs::read(&tables.join("programs.toml"))?;
    let scenarios = scenario::read_all(&tables.join("calls"))?;
    let probes = match tables.join("server-parity") {
        // Other tables need not have this suite.
        folder if options.scenarios.is_some() && !folder.exists() => Vec::new(),
        folder => probe::read_all(&folder)?,
    };
    let left_out = left_out(options, &peers)?;
    let output = options.output.clone().unwrap_or_else(|| places.root.join("target/interop"));
    let setting = Setting::new(places, output.join("logs")).context("no ports to be had")?;
    let setting = Arc::new(setting);

    let reference = server_parity::reference(&peers.all, &setting);
    let goldens_path = match &options.goldens {
        None if options.peers.is_some() || options.scenarios.is_some() => None,
        _ => Some(or(&options.goldens, "goldens/server-parity.txt")),
    };
    if options.record_goldens {
        return record(reference.as_deref(), &probes, goldens_path.as_deref(), &setting);
    }
    let goldens = goldens_path.as_deref().map(Goldens::read).transpose()?.map(Arc::new);
    if let Some(stale) = goldens.iter().find_map(|goldens| goldens.without_probe(&probes)) {
        anyhow::bail!("there is a golden, and no probe, called `{stale}`: `make golden`");
    }
    let live = reference.clone();
    let reference = match options.reference {
        ReferenceKind::Live => reference,
        ReferenceKind::Golden if goldens.is_some() => None,
        ReferenceKind::Golden => {
            anyhow::bail!("--reference golden: --peers and --scenarios need --goldens")
        }
    };

    let mut trials = programs::trials(&peers.all, &cases, &setting);
    trials.extend(calls::trials(&peers.all, &scenarios, &setting));
    trials.extend(server_parity::trials(
        &peers.all,
        &probes,
        reference.as_ref(),
        goldens.as_ref(),
        &setting,
    ));
    let names: Vec<_> = trials.iter().map(|trial| trial.name.clone()).collect();
    let ledger = match (&options.deviations, &options.peers) {
        (Some(path), _) => Ledger::read(path, &names)?,
        (None, None) => Ledger::read(&tests.join("deviations.toml"), &names)?,
        (None, Some(_)) => Ledger::default(),
    };
    if let Some(count) = options.fuzz {
        let rivals = rivals(options, &peers, &left_out, &setting)?;
        let reference = live.context("--fuzz: no peer is the reference")?;
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
        trials = side_by_side(trials);
    }

    // Trials that keep the processors busy are as many at once as there are processors. Those of
    // `server-parity` mostly wait for what does not come, so that many of them fit side by side.
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let busy = options.libtest.test_threads.unwrap_or(cores);
    let gate = Gate::new(busy);
    let mut libtest = options.libtest.clone();
    libtest.test_threads.get_or_insert(cores.max(server_parity::SIDE_BY_SIDE));

    let record = Record::default();
    let judge = Arc::new(Judge { ledger, record: record.clone(), options: options.that_matter() });
    let trials = trials
        .into_iter()
        .map(|trial| {
            let gate = (trial.name.suite != server_parity::SUITE).then(|| gate.clone());
            as_libtest(trial, &left_out, gate, Arc::clone(&judge))
        })
        .collect();
    let conclusion = libtest_mimic::run(&libtest, trials);
    let verdicts = record.verdicts();
    if !verdicts.is_empty() {
        println!("{}\n{}\n", matrix::tables(&verdicts), matrix::legend(&peers.all, &verdicts));
        println!("interop: {}", matrix::total(&verdicts));
    }
    if conclusion.has_failed() {
        println!("interop: what failed is told above, with a command that runs it alone");
    }
    Ok(conclusion.exit_code())
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
        _ if left_out.contains(peer.name()) => false,
        Some(filter) => peer.name().contains(&filter[..]),
        None => !peer.reference,
    };
    let rivals: Vec<_> =
        peers.all.iter().filter(is_meant).filter_map(|peer| Rival::new(peer, &logs)).collect();
    anyhow::ensure!(!rivals.is_empty(), "--fuzz: no such peer has a server");
    Ok(rivals)
}

/// Records the goldens.
fn record(
    reference: Option<&Reference>,
    probes: &[Probe],
    path: Option<&Path>,
    setting: &Setting,
) -> anyhow::Result<ExitCode> {
    let reference = reference.context("--record-goldens: no peer is the reference")?;
    let path = path.context("--record-goldens: --peers and --scenarios need --goldens")?;
    empty(&setting.logs)?;
    let changes = recording::record(reference, probes, server_parity::SIDE_BY_SIDE, setting, path)?;
    println!("interop: {} probes recorded in {}", probes.len(), path.display());
    for name in &changes {
        println!("interop: changed: {name}");
    }
    Ok(ExitCode::SUCCESS)
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

/// Takes one trial of each pairing in turn: the trials of one pairing wait for each other, so
/// neighbours in the order should be of different ones.
///
/// `server-parity` comes last, because its reference keeps the document's port from its first trial
/// to its last. A trial of `programs` between the two would wait for the port with a thread of the
/// few that there are, and as soon as all of them did that, nobody could give it back.
fn side_by_side(trials: Vec<Trial>) -> Vec<Trial> {
    let (last, first): (Vec<_>, Vec<_>) =
        trials.into_iter().partition(|trial| trial.name.suite == server_parity::SUITE);
    [first, last].into_iter().flat_map(in_turn).collect()
}

fn in_turn(trials: Vec<Trial>) -> Vec<Trial> {
    let lane = |name: &TrialName| match name.suite {
        "programs" => (name.suite, String::new(), String::new()),
        suite => (suite, name.server.clone(), name.client.clone()),
    };
    let mut lanes: Vec<(_, VecDeque<Trial>)> = Vec::new();
    for trial in trials {
        let key = lane(&trial.name);
        match lanes.iter_mut().find(|(other, _)| *other == key) {
            Some((_, lane)) => lane.push_back(trial),
            None => lanes.push((key, [trial].into())),
        }
    }
    let mut order = Vec::new();
    while !lanes.is_empty() {
        order.extend(lanes.iter_mut().filter_map(|(_, lane)| lane.pop_front()));
        lanes.retain(|(_, lane)| !lane.is_empty());
    }
    order
}

/// What a report is judged by, and where the verdict goes.
struct Judge {
    ledger: Ledger,
    record: Record,
    options: String,
}

/// The trial as libtest-mimic runs and shows it.
fn as_libtest(
    trial: Trial,
    left_out: &BTreeSet<String>,
    gate: Option<Gate>,
    judge: Arc<Judge>,
) -> libtest_mimic::Trial {
    let Trial { name, run } = trial;
    let missing = [&name.server, &name.client].into_iter().find(|peer| left_out.contains(*peer));
    let skipped = missing.map(|peer| format!("--without {peer}"));
    libtest_mimic::Trial::ignorable_test(name.to_string(), move || {
        if let Some(reason) = skipped {
            let shown = format!("skipped: {reason}");
            judge.record.add(name, Verdict::Skipped { reason });
            return Ok(Completion::ignored_with(shown));
        }
        let pass = gate.as_ref().map(Gate::enter);
        let report = run();
        drop(pass);
        let verdict = judge.ledger.verdict(&name, &report);
        let evidence = report.evidence;
        let shown = match &verdict {
            Verdict::Passed => Ok(Completion::Completed),
            Verdict::KnownDeviation { reason } => {
                Ok(Completion::ignored_with(format!("known deviation: {reason}")))
            }
            Verdict::NotSupported { reason } => {
                Ok(Completion::ignored_with(format!("not supported: {reason}")))
            }
            Verdict::Skipped { reason } => Ok(Completion::ignored_with(reason)),
            Verdict::Failed { why, mismatches } => {
                Err(Failed::from(failure::block(&name, why, mismatches, &evidence, &judge.options)))
            }
            Verdict::SetUpError { why } => {
                let why = format!("set-up error: {why}");
                Err(Failed::from(failure::block(&name, &why, &[], &evidence, &judge.options)))
            }
        };
        judge.record.add(name, verdict);
        shown
    })
}
