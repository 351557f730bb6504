//! Counts instructions and allocations per call with valgrind's callgrind.
//!
//! A server is started once and gets several loads; each dump contains the counts since the previous dump. The cost
//! of connections is the same in a small and a large load, so the difference of the two is the cost of the calls.

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

/// The required programs.
pub(super) const TOOLS: [&str; 2] = ["valgrind", "callgrind_control"];

/// The numbers of calls of the two loads.
const CALLS: [u32; 2] = [300, 1200];

/// How long callgrind may take to write a file.
const DUMP: Duration = Duration::from_secs(20);

/// The cost of a call.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Work {
    pub(super) instructions: f64,
    pub(super) allocations: f64,
}

/// The cost of a call with many calls in flight, and with one.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Works {
    pub(super) full: Work,
    pub(super) single: Work,
}

/// Counts the cost of a call of the contender.
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
    // Both loads also warm the server up: one-time work is in neither of the compared files.
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

/// Lets callgrind write the counts since the last dump, and reads them.
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
        None => return Err(broken("it did not exit in time")),
    }
    let text = fs::read_to_string(file).map_err(|error| broken(&error.to_string()))?;
    Profile::read(&text).ok_or_else(|| broken("the profile that it wrote has no summary"))
}
