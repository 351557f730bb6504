//! Instructions and allocations per call, as valgrind's callgrind counts them.
//!
//! A server is started once and asked several times; what it did between two dumps is a file. What a
//! connection costs is the same in a small and a large load, so the difference of both is that of calls
//! alone.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use super::FULL;
use super::NotCounted;
use super::SINGLE;
use super::load;
use super::profile::Profile;
use crate::contender::Contender;
use crate::load::exchange::Exchange;
use crate::measurement::Bench;
use crate::measurement::InFlight;
use crate::pinning::Cores;
use grpc_interop::config::CommandLine;
use grpc_interop::process::{Exit, Logs, Process};

/// What has to be installed.
pub(super) const TOOLS: [&str; 2] = ["valgrind", "callgrind_control"];

/// How many calls the two loads have that are compared.
const CALLS: [u32; 2] = [300, 1200];

/// How long the tool may take to write a file.
const DUMP: Duration = Duration::from_secs(20);

/// What a call of a server takes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Work {
    pub(super) instructions: f64,
    pub(super) allocations: f64,
}

/// The same with many calls in flight and with one.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Works {
    pub(super) full: Work,
    pub(super) single: Work,
}

/// Counts what a call of the contender takes.
pub(super) fn count(bench: &Bench<'_>, contender: &Contender) -> Result<Works, NotCounted> {
    let folder = tempfile::tempdir().map_err(|error| NotCounted::Tool(error.to_string()))?;
    let file = folder.path().join("profile");
    let words = ["valgrind", "--quiet", "--tool=callgrind"].map(str::to_owned);
    let out = format!("--callgrind-out-file={}", file.display());
    let mut below = contender.clone();
    below.program = contender.program.below(words.into_iter().chain([out]));
    below.name = format!("{}-below-callgrind", contender.name);
    let running = below.start(bench.places, Cores::One, bench.logs)?;
    let pid = running.server.process.pid();
    let exchanges = contender.unary();
    let mut dumps = 0;
    let mut dump = || {
        dumps += 1;
        dump(pid, &file.with_extension(dumps.to_string()), bench.logs)
    };
    // Both loads also warm it up: what happens once is in none of the files that are compared.
    for in_flight in [FULL, SINGLE] {
        load(&running, &exchanges, in_flight, CALLS[0])?;
    }
    dump()?;
    let mut per_call = |in_flight: InFlight, exchanges: &std::rc::Rc<[Exchange]>| {
        let mut profiles = [Profile::default(); 2];
        for (profile, calls) in profiles.iter_mut().zip(CALLS) {
            load(&running, exchanges, in_flight, calls)?;
            *profile = dump()?;
        }
        let [small, large] = profiles;
        let calls = f64::from(CALLS[1] - CALLS[0]);
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 instructions")]
        let slope = |small: u64, large: u64| large.saturating_sub(small) as f64 / calls;
        Ok::<_, NotCounted>(Work {
            instructions: slope(small.instructions, large.instructions),
            allocations: slope(small.allocations, large.allocations),
        })
    };
    let full = per_call(FULL, &exchanges)?;
    let single = per_call(SINGLE, &exchanges)?;
    Ok(Works { full, single })
}

/// Lets the tool write what was counted since the last time, and reads it.
fn dump(server: Pid, file: &Path, logs: &Path) -> Result<Profile, NotCounted> {
    let broken = |what: &str| NotCounted::Tool(format!("callgrind_control: {what}"));
    let pid = server.as_raw_nonzero().to_string();
    let command_line = CommandLine::of_tool("callgrind_control", vec!["--dump".to_owned(), pid]);
    let command_line = command_line.ok_or_else(|| broken("it is not installed"))?;
    let control = Process::start(&command_line, Logs::at(&logs.join("callgrind_control")));
    let mut control = control.map_err(|error| broken(&error.to_string()))?;
    match control.wait(DUMP, &mut String::new()) {
        Some(Exit::Status(0)) => {}
        Some(exit) => return Err(broken(&exit.to_string())),
        None => return Err(broken("it did not end")),
    }
    let text = fs::read_to_string(file).map_err(|error| broken(&error.to_string()))?;
    Profile::read(&text).ok_or_else(|| broken("its file has no summary"))
}
