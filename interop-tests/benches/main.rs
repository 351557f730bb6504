//! `make bench`: measures the performance of the Rust programs compared with Python.
//!
//! This is a benchmark and not a test: it reports speed, and fails only if a server sends a wrong response or cannot
//! be measured. It uses the modules for processes and HTTP/2 of the interop tool.
//!
//! - [`command_line`], [`contender`] and `servers.toml`: the options, and the servers to measure
//! - [`load`]: the load generator
//! - [`pinning`], [`usage`], [`measurement`], [`problems`]: one measurement, and its possible problems
//! - [`throughput`]: all servers in rounds, in the order of [`round`]
//! - [`growth`]: how the cost grows with the load
//! - [`counts`]: the cost of a call in instructions, allocations and system calls
//! - [`clients`]: the clients of both languages
//! - [`attacks`]: the servers under attack
//! - [`spread`], [`table`], [`plot`], [`record`], [`report`]: the results

mod attacks;
mod clients;
mod command_line;
mod contender;
mod counts;
mod growth;
mod load;
mod measurement;
mod pinning;
mod plot;
mod problems;
mod record;
mod report;
mod round;
mod spread;
mod table;
mod throughput;
mod usage;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use attacks::Attacks;
use clients::Clients;
use command_line::{CommandLine, Part};
use contender::{Contender, Contenders};
use counts::Counts;
use growth::Growth;
use grpc_interop::config::{Inherits, Places, Source};
use grpc_interop::output::{err, out};
use grpc_interop::process::{open_files, reaper, supervisor};
use measurement::Bench;
use problems::Problems;
use record::Record;
use throughput::Throughput;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(supervisor::SUBCOMMAND) {
        supervisor::supervise();
        return ExitCode::SUCCESS;
    }
    let options = CommandLine::parse();
    match run(&options) {
        Ok(is_failure) => ExitCode::from(u8::from(is_failure)),
        Err(error) => {
            err!("bench: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs the selected measurements and writes the reports; returns whether something failed.
fn run(options: &CommandLine) -> anyhow::Result<bool> {
    let root = &Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let this = std::env::current_exe()?;
    let bin = options.bin.clone().unwrap_or_else(|| shipped(&this));
    let places = Places::new(Some(root.to_owned()), bin);
    let output = root.join(&options.output);
    let logs = output.join("logs");
    std::fs::create_dir_all(&logs)?;
    reaper::start_supervisor()?;
    reaper::end_all_on_signals(|| (), |()| ())?;
    open_files::allow_many();
    let contenders = contenders(options, root)?;
    let mut problems = Problems::default();
    if pinning::allowed().len() == 1 {
        problems.report(
            "this machine has one core, which the servers and the load generator share: the costs per call \
             are valid, but there are fewer calls per second than with two cores"
                .to_owned(),
        );
    }
    let bench = Bench {
        places: &places,
        logs: &logs,
        warm_up: options.warm_up(),
        measured: options.measured(),
    };
    let mut record = Record::begin(command(), options.rounds.into());
    if options.has(Part::Servers) {
        let rounds = options.rounds.into();
        record.throughput = Some(Throughput::measure(&bench, &contenders, rounds, &mut problems));
    }
    if options.has(Part::Growth) {
        let rounds = options.rounds.into();
        record.growth = Some(Growth::measure(&bench, &contenders, rounds, &mut problems));
    }
    if options.has(Part::Counts) {
        record.counts = Some(Counts::measure(&bench, &contenders, &mut problems));
    }
    if options.has(Part::Clients) {
        let rounds = options.rounds.into();
        record.clients = Some(Clients::measure(&bench, rounds, &mut problems)?);
    }
    if options.has(Part::Attacks) {
        record.attacks = Some(Attacks::measure(&bench, &contenders, &mut problems)?);
    }
    let path = output.join("report.json");
    let earlier = Record::read(&path);
    record.problems = std::mem::take(&mut problems.messages);
    record.write(&path)?;
    let page = output.join("report.html");
    report::write(&record, &page)?;
    out!("{}{}\n{}", text(&record, earlier.as_ref()), path.display(), page.display());
    Ok(problems.is_failure)
}

/// The text that is printed at the end.
fn text(record: &Record, earlier: Option<&Record>) -> String {
    let tables: Vec<_> = record.tables().iter().map(ToString::to_string).collect();
    let stolen = record.stolen();
    let repeats = earlier.map(|earlier| record.repeats(earlier) + "\n").unwrap_or_default();
    let problems: Vec<_> = record.problems.iter().map(|problem| format!("! {problem}\n")).collect();
    format!(
        "{}\n{}, {}; {} round{}; {stolen} measurements discarded because other machines took CPU time \
         (steal)\n{repeats}{}",
        tables.join("\n"),
        record.date,
        record.machine,
        record.rounds,
        if record.rounds == 1 { "" } else { "s" },
        problems.concat()
    )
}

/// The servers of the project and of the user's file, without excluded ones.
fn contenders(options: &CommandLine, root: &Path) -> anyhow::Result<Vec<Contender>> {
    let own = root.join("interop-tests/benches/servers.toml");
    let mut all = Vec::new();
    for file in std::iter::once(&own).chain(&options.servers) {
        let mut servers = Source::read::<Contenders>(file)?.0.server;
        if *file == own {
            for server in &mut servers {
                server.program.inherits = Inherits::Allowed;
            }
        }
        all.extend(servers);
    }
    if let Some(name) = options.without.iter().find(|name| all.iter().all(|one| one.name != **name))
    {
        let names: Vec<_> = all.iter().map(|one| &one.name[..]).collect();
        anyhow::bail!(
            "--without: there is no server `{name}`; the servers are: {}",
            names.join(", ")
        );
    }
    all.retain(|one| !options.without.contains(&one.name));
    anyhow::ensure!(
        !all.is_empty(),
        "--without {} leaves no server to measure",
        options.without.join(",")
    );
    Ok(all)
}

/// The folder of the release profile, next to the folder of this program's profile.
fn shipped(this: &Path) -> PathBuf {
    this.ancestors().nth(3).unwrap_or(Path::new("target")).join("release")
}

/// The command that repeats this run.
fn command() -> String {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if arguments.is_empty() {
        "make bench".to_owned()
    } else {
        format!("make bench ARGS='{}'", arguments.join(" "))
    }
}
