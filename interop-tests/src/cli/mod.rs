//! The command `interop`: from its arguments to the exit status.
//!
//! A run has five phases. Each has its own file and uses the result of the phase before:
//!
//! - [`load`]: reads the files
//! - [`plan`]: creates the trials, and [`selection`] checks that some are left to run
//! - [`mod@run`]: runs the trials, in the order of [`schedule`]
//! - [`judge`]: gives each trial its verdict as soon as the trial has ended
//! - [`report`]: writes the reports and prints the conclusion
//!
//! [`libtest`] writes the output of libtest-mimic. [`options`] defines the command line, [`rerun`] the commands that repeat
//! a part of a run, and [`fuzz`] is the command of this name. The commands that only read records of finished runs are in
//! this file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::cli::load::{Loaded, NO_GOLDENS};
use crate::cli::options::{Command, Comparison, Inputs, OutputOptions, RunOptions};
use crate::cli::plan::Plan;
use crate::config::{Assignment, Places};
use crate::output::{
    self, err,
    file::{Unwritten, replace},
    out,
};
use crate::process::file_lock::FileLock;
use crate::process::net::tutorial_port::PortClaim;
use crate::process::{liveness, reaper, supervisor};
use crate::report::{
    self,
    difference::Difference,
    record::{Record, SCHEMA_FILE, State, file, merge, schema, writer::RecordWriter},
    terminal,
    versions_table::{self, Row},
};

pub(crate) mod fuzz;
pub(crate) mod judge;
pub(crate) mod libtest;
pub(crate) mod load;
pub(crate) mod options;
pub(crate) mod plan;
pub(crate) mod rerun;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod selection;

/// The exit status if a trial failed. The test harness of Rust uses the same.
pub(crate) const FAILED: u8 = 101;

/// The exit status if the command could not begin.
const COULD_NOT_BEGIN: u8 = 2;

/// The exit status if a command has done its work, but could not write all of its results.
const NOT_WRITTEN: u8 = 3;

/// Runs the tool with the arguments of this process; returns its exit status.
pub fn main() -> ExitCode {
    let status = execute(Command::from_arguments()).unwrap_or_else(|error| {
        err!("interop: {error:#}");
        // The other commands write their only result at the end.
        let is_unwritten = error.chain().any(<dyn std::error::Error>::is::<Unwritten>);
        ExitCode::from(if is_unwritten { NOT_WRITTEN } else { COULD_NOT_BEGIN })
    });
    match output::print::stdout_error() {
        Some(error) => {
            err!("interop: cannot write to stdout: {error}");
            if status == ExitCode::SUCCESS { ExitCode::from(NOT_WRITTEN) } else { status }
        }
        None => status,
    }
}

fn execute(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(options) => run(&options),
        Command::List(options) => run(&options.into()),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::RecordGoldens(inputs) => record_goldens(&inputs),
        Command::Diff { old, new } => diff(&old, &new).map(status),
        Command::Merge { records, output } => merge_records(&records, &output_folder(&output)?),
        Command::Table { rows, output } => {
            table(&rows, &output_folder(&output)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema { write, root } => write_schema(write, root.as_deref()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut options::definition(), "interop", &mut script);
            output::print::raw(&script);
            Ok(ExitCode::SUCCESS)
        }
        Command::Supervise => {
            supervisor::supervise();
            Ok(ExitCode::SUCCESS)
        }
        Command::Man { folder } => write_manual(folder.as_deref()),
    }
}

/// Runs or lists the selected trials.
fn run(options: &RunOptions) -> anyhow::Result<ExitCode> {
    let output = output_folder(&options.inputs.output)?;
    let writer = RecordWriter::default();
    end_on_signals(writer.clone(), output.clone())?;
    let RunOptions { inputs, comparison, libtest, .. } = options;
    let _lock = (!libtest.list).then(|| lock_output(&output)).transpose()?;
    let loaded = Loaded::load(inputs, comparison, libtest.test_threads, &output)?;
    let loaded = loaded.with_goldens(comparison.baseline)?.with_proxies(&options.via)?;
    let mut plan = Plan::new(&loaded, inputs, comparison)?;
    plan.choose(options);
    if libtest.list {
        selection::check(&plan, options, None)?;
        let names = plan.trials.iter().map(|trial| plan::named(&trial.name)).collect();
        let unwritten = libtest::run(libtest, names)?.unwritten;
        return unwritten.map_or(Ok(ExitCode::SUCCESS), |error| Err(error.into()));
    }
    let uses_port = plan.trials.iter().any(|trial| trial.port_user.is_some());
    let _claim = uses_port.then(claim_port).transpose()?;
    check_attached(&loaded, &plan)?;
    let finished = run::run(plan, loaded, options, &writer, &output)?;
    let (written, unwritten) = report::write(&finished.record, &output);
    // Printed even if the reports could not be written: then the output is the only result.
    terminal::print_conclusion(&finished.record, &finished.failures, &written, &output);
    if let Some(status) = print_unwritten(finished.unwritten.iter().chain(&unwritten)) {
        return Ok(status);
    }
    if finished.record.compared_nothing() {
        err!("interop: nothing could be compared, because servers did not start");
        return Ok(ExitCode::from(COULD_NOT_BEGIN));
    }
    Ok(status(finished.record.is_clean() && !finished.has_failed))
}

/// Records the goldens from the reference.
fn record_goldens(inputs: &Inputs) -> anyhow::Result<ExitCode> {
    let output = output_folder(&inputs.output)?;
    end_on_signals(RecordWriter::default(), output.clone())?;
    let _lock = lock_output(&output)?;
    let loaded = Loaded::load(inputs, &Comparison::default(), None, &output)?;
    if inputs.goldens.is_none() {
        loaded.context.places.root_for("record-goldens without --goldens")?;
    }
    let folder = loaded.goldens.context(format!("record-goldens: {NO_GOLDENS}"))?;
    let _claim = claim_port()?;
    loaded.context.prepare(0)?;
    loaded.baselines.record(&folder, &loaded.context)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the notice of the plan, and checks that the attached servers accept connections.
pub(crate) fn check_attached(loaded: &Loaded, plan: &Plan) -> anyhow::Result<()> {
    if let Some(notice) = plan.notice {
        out!("interop: {notice}");
    }
    liveness::check_all(&loaded.peers.all, &loaded.context.places, &loaded.left_out)
}

/// Locks the folder of the reports for this process, because two runs would mix their reports and logs.
pub(crate) fn lock_output(output: &Path) -> anyhow::Result<FileLock> {
    let folder = output.display();
    let path = file::lock_beside(&report::record_in(output));
    let lock = std::fs::create_dir_all(output).and_then(|()| FileLock::try_acquire(&path));
    let lock = lock.with_context(|| format!("--output: cannot write to {folder}"))?;
    lock.map_err(|holder| {
        anyhow::anyhow!(
            "--output: {holder} already writes to {folder}; wait until it has ended, or choose another folder"
        )
    })
}

/// Claims port 50051 for this process. Says so before it waits.
pub(crate) fn claim_port() -> anyhow::Result<PortClaim> {
    Ok(PortClaim::new(|wait| err!("interop: waiting for {wait}"))?)
}

/// The folder of the reports. The path is absolute because peers can have another working directory.
pub(crate) fn output_folder(options: &OutputOptions) -> anyhow::Result<PathBuf> {
    let output = match &options.output {
        Some(output) => output.clone(),
        None => match Places::find(options.root.as_deref(), None)?.root() {
            Some(root) => root.join("target/interop"),
            None => PathBuf::from("interop-report"),
        },
    };
    std::path::absolute(output).context("--output")
}

/// On a signal, kills all child processes and writes the reports of the trials that have ended.
fn end_on_signals(writer: RecordWriter, output: PathBuf) -> anyhow::Result<()> {
    let last = move |record: Option<Record>| {
        let Some(record) = record else { return };
        let (written, unwritten) = report::write(&record, &output);
        terminal::print_conclusion(&record, &[], &written, &output);
        print_unwritten(&unwritten);
    };
    start_supervisor()?;
    reaper::end_all_on_signals(move || writer.end(State::Interrupted), last)
        .context("cannot install the handler for SIGINT and SIGTERM")
}

/// Starts the process that ends all others if this one is killed.
pub(crate) fn start_supervisor() -> anyhow::Result<()> {
    reaper::start_supervisor()
        .context("cannot start this program again, as the supervisor of its processes")
}

/// Prints the JSON Schema of records, or writes it to [`SCHEMA_FILE`] in the checkout.
fn write_schema(write: bool, root: Option<&Path>) -> anyhow::Result<ExitCode> {
    if !write {
        output::print::raw(schema().as_bytes());
        return Ok(ExitCode::SUCCESS);
    }
    let places = Places::find(root, None)?;
    let folder = places.root_for("schema --write")?.join("interop-tests");
    replace(&folder.join(SCHEMA_FILE), |out| out.write_all(schema().as_bytes()))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page of the tool, or writes the pages of all subcommands to `folder`.
fn write_manual(folder: Option<&Path>) -> anyhow::Result<ExitCode> {
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(options::definition(), folder))
            .with_context(|| format!("cannot write manual pages to {}", folder.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(options::definition()).render(&mut page)?;
    output::print::raw(&page);
    Ok(ExitCode::SUCCESS)
}

/// The exit status of a run or of a comparison of runs.
fn status(is_clean: bool) -> ExitCode {
    if is_clean { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

/// Prints what changed from one record to another; returns whether nothing got worse.
fn diff(old: &Path, new: &Path) -> anyhow::Result<bool> {
    let difference = Difference::between(&file::read(old)?, &file::read(new)?);
    out!("{difference}");
    Ok(!difference.is_worse())
}

/// Writes the reports of the merged records to `output`; returns the exit status.
fn merge_records(paths: &[PathBuf], output: &Path) -> anyhow::Result<ExitCode> {
    let read = |path: &PathBuf| anyhow::Ok((path.clone(), file::read(path)?));
    let merged = merge::merge(paths.iter().map(read).collect::<Result<_, _>>()?)?;
    let _lock = lock_output(output)?;
    let (written, unwritten) = report::write(&merged, output);
    terminal::print_conclusion(&merged, &[], &written, output);
    Ok(print_unwritten(&unwritten).unwrap_or(status(merged.is_clean())))
}

/// Prints which files could not be written; returns the exit status for that, or `None` if there are none.
fn print_unwritten<'a>(unwritten: impl IntoIterator<Item = &'a Unwritten>) -> Option<ExitCode> {
    let mut files = unwritten.into_iter().peekable();
    files.peek()?;
    for file in files {
        err!("interop: {file}");
    }
    err!(
        "interop: these files are missing, incomplete, or older than the end of the run; free space, or choose another \
         folder with --output"
    );
    Some(ExitCode::from(NOT_WRITTEN))
}

/// Prints a table of the records that `rows` name, and writes the differences from the goldens to `output`.
fn table(rows: &[Assignment], output: &Path) -> anyhow::Result<()> {
    let rows: Vec<_> = rows.iter().map(Row::read).collect::<Result<_, _>>()?;
    versions_table::print(&rows, output)
}
