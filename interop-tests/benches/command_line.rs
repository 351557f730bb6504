//! The command line of the benchmark.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Measure the performance of the Rust programs compared with Python.
///
/// Starts servers and clients of both languages, and checks every response. The exit status is 0 if everything
/// was measured, 1 if a server sent a wrong response or could not be measured, and 2 if an argument or a file is
/// wrong.
#[derive(Debug, Parser)]
#[command(name = "make bench ARGS=...", bin_name = "make bench ARGS=...")]
pub(crate) struct CommandLine {
    /// The number of rounds.
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: u16,

    /// The duration of one measurement, without the warm-up of a third of it.
    #[arg(long, value_name = "MS", default_value = "600", value_parser = clap::value_parser!(u64).range(50..))]
    measured_ms: u64,

    /// Measure only these parts. Without it, all parts but `attacks`.
    #[arg(long, value_name = "PART", value_delimiter = ',', value_enum)]
    pub(crate) only: Vec<Part>,

    /// Exclude this server.
    #[arg(long, value_name = "SERVER", value_delimiter = ',')]
    pub(crate) without: Vec<String>,

    /// Also measure the servers in this file.
    #[arg(long, value_name = "TOML")]
    pub(crate) servers: Option<PathBuf>,

    /// The folder of the programs to measure, built with `cargo build --release`.
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) bin: Option<PathBuf>,

    /// The folder for the reports.
    #[arg(long, value_name = "DIRECTORY", default_value = "target/bench")]
    pub(crate) output: PathBuf,

    /// The argument that cargo adds for benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A part of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Calls per second and CPU time per call of every server.
    Servers,
    /// How these grow with message size, connections, calls and streams.
    Growth,
    /// Instructions, allocations and system calls per call of every server.
    Counts,
    /// The time per call of the clients of both languages.
    Clients,
    /// Memory of every server while it is attacked, and the slowest call of another client. Takes minutes.
    Attacks,
}

impl CommandLine {
    pub(crate) fn measured(&self) -> Duration {
        Duration::from_millis(self.measured_ms)
    }

    pub(crate) fn warm_up(&self) -> Duration {
        self.measured() / 3
    }

    /// Whether a part is selected.
    pub(crate) fn has(&self, part: Part) -> bool {
        let is_default = self.only.is_empty() && part != Part::Attacks;
        is_default || self.only.contains(&part)
    }
}
