//! Counts the system calls per call of a running server.
//!
//! `perf trace` only counts, and is used if the system permits it. `strace` stops the server at each system call, so
//! that more calls arrive in the meantime and fewer writes are needed.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use super::FULL;
use super::NotCounted;
use super::load;
use super::summary::Summary;
use crate::contender::Contender;
use crate::contender::Trait;
use crate::measurement::Bench;
use crate::pinning;
use crate::pinning::Cores;
use grpc_interop::config::CommandLine;
use grpc_interop::process::{Exit, Logs, Process};

/// How long a tool may take to start and to exit.
const LIMIT: Duration = Duration::from_secs(15);

/// How often to check whether it has started.
const POLL: Duration = Duration::from_millis(20);

/// The time from opening the counters until counting starts.
const SETTLING: Duration = Duration::from_millis(300);

/// A tool that counts system calls.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Tool {
    PerfTrace,
    Strace,
}

/// The system calls per call.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct SystemCalls {
    pub(super) all: f64,
    /// System calls that send data.
    pub(super) writes: f64,
}

impl Tool {
    /// The tool with the least overhead that is installed and permitted.
    pub(super) fn find(bench: &Bench<'_>) -> Option<Self> {
        let perf = ["trace", "-s", "-o", "/dev/null", "true"].map(str::to_owned).to_vec();
        let allows = |command_line| {
            let probe = Process::start(&command_line, Logs::at(&bench.logs.join("perf-probe")));
            probe.ok()?.wait(LIMIT, &mut String::new()).filter(|exit| *exit == Exit::Status(0))
        };
        if CommandLine::of_tool("perf", perf).and_then(allows).is_some() {
            return Some(Self::PerfTrace);
        }
        CommandLine::of_tool("strace", Vec::new()).map(|_| Self::Strace)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PerfTrace => "perf trace",
            Self::Strace => "strace",
        }
    }

    fn command_line(self, server: Pid, file: &str) -> Option<CommandLine> {
        let pid = server.as_raw_nonzero().to_string();
        let (program, first): (_, &[&str]) = match self {
            Self::PerfTrace => ("perf", &["trace", "-s"]),
            Self::Strace => ("strace", &["-f", "-c"]),
        };
        let words = first.iter().copied().chain(["-o", file, "-p", &pid]);
        CommandLine::of_tool(program, words.map(str::to_owned).collect())
    }

    /// Whether the tool has started to trace the server.
    fn watches(self, tool: Pid, server: Pid) -> bool {
        match self {
            Self::PerfTrace => {
                let opened = fs::read_dir(format!("/proc/{}/fd", tool.as_raw_nonzero()));
                opened.into_iter().flatten().flatten().any(|descriptor| {
                    let target = fs::read_link(descriptor.path()).unwrap_or_default();
                    target.to_string_lossy().contains("perf_event")
                })
            }
            Self::Strace => {
                let status =
                    fs::read_to_string(format!("/proc/{}/status", server.as_raw_nonzero()));
                let status = status.unwrap_or_default();
                let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
                tracer.is_some_and(|tracer| tracer.trim() != "0")
            }
        }
    }

    /// Counts the system calls of the contender under load.
    pub(super) fn count(
        self,
        bench: &Bench<'_>,
        contender: &Contender,
    ) -> Result<SystemCalls, NotCounted> {
        let broken = |what: String| NotCounted::Tool(format!("{}: {what}", self.name()));
        let (warm_up, calls) =
            if contender.has(Trait::Interpreted) { (300, 1500) } else { (2000, 20_000) };
        let running = contender.start(bench.places, Cores::One, bench.logs)?;
        let server = running.server.process.pid();
        load(&running, &contender.unary(), FULL, warm_up)?;
        let folder = tempfile::tempdir().map_err(|error| broken(error.to_string()))?;
        let file = folder.path().join("summary");
        let command_line = self.command_line(server, &file.to_string_lossy());
        let command_line = command_line.ok_or_else(|| broken("it is not installed".to_owned()))?;
        let logs = Logs::at(&bench.logs.join(format!("{}-system-calls", contender.name)));
        // On another core than the server, so that it does not use its CPU time.
        let tool = pinning::off_the_server(Cores::One, || Process::start(&command_line, logs));
        let mut tool = tool.map_err(|error| broken(error.to_string()))?;
        let deadline = Instant::now() + LIMIT;
        while !self.watches(tool.pid(), server) {
            if tool.has_exited().is_some() || Instant::now() > deadline {
                return Err(broken(format!(
                    "it did not start to trace; the end of its stderr: {}",
                    tool.logs.end_of_stderr()
                )));
            }
            thread::sleep(POLL);
        }
        thread::sleep(SETTLING);
        load(&running, &contender.unary(), FULL, calls)?;
        tool.interrupt();
        if tool.wait(LIMIT, &mut String::new()).is_none() {
            return Err(broken("it did not exit in time".to_owned()));
        }
        let text = fs::read_to_string(&file).map_err(|error| broken(error.to_string()))?;
        let summary = Summary::read(&text);
        if summary.is_incomplete || summary.writes == 0 {
            return Err(broken("it lost events, so the counts are incomplete".to_owned()));
        }
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 system calls")]
        let per_call = |count: u64| count as f64 / f64::from(calls);
        Ok(SystemCalls { all: per_call(summary.all), writes: per_call(summary.writes) })
    }
}
