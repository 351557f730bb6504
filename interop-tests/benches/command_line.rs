//! The command line of the benchmark.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Measure what the switch from Python gains.
///
/// Servers and clients of both languages are started and asked, and every answer is checked. The exit
/// status is 0 when all could be measured, 1 when a server answered wrongly or could not be measured, and 2
/// when an argument or a file is wrong.
#[derive(Debug, Parser)]
#[command(name = "make bench ARGS=...", bin_name = "make bench ARGS=...")]
pub(crate) struct CommandLine {
    /// How often everything is measured.
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: u16,

    /// How long one measurement takes, beside a warm-up of a third of it.
    #[arg(long, value_name = "MS", default_value = "600", value_parser = clap::value_parser!(u64).range(50..))]
    measured_ms: u64,

    /// Measure only these parts.
    #[arg(long, value_name = "PART", value_delimiter = ',', value_enum)]
    pub(crate) only: Vec<Part>,

    /// Leave this server out.
    #[arg(long, value_name = "SERVER", value_delimiter = ',')]
    pub(crate) without: Vec<String>,

    /// Measure the servers of this file too.
    #[arg(long, value_name = "TOML")]
    pub(crate) servers: Option<PathBuf>,

    /// The folder of the programs that are measured, as `cargo build --release` makes them.
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) bin: Option<PathBuf>,

    /// Where the reports are written to.
    #[arg(long, value_name = "DIRECTORY", default_value = "target/bench")]
    pub(crate) output: PathBuf,

    /// What cargo adds to the arguments of a benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A part of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Calls per second and CPU time per call of every server.
    Servers,
    /// How they grow with size, connections, calls and streams.
    Growth,
    /// Instructions, allocations and system calls per call of every server.
    Counts,
    /// What the clients of both languages take for a call.
    Clients,
}

impl CommandLine {
    pub(crate) fn measured(&self) -> Duration {
        Duration::from_millis(self.measured_ms)
    }

    pub(crate) fn warm_up(&self) -> Duration {
        self.measured() / 3
    }

    /// Whether a part is asked for.
    pub(crate) fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}
