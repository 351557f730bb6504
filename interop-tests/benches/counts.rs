//! Counts the cost of a call independently of other programs: instructions, allocations and system calls.
//!
//! Times vary between runs by more than a typical improvement of the server. These counts do not vary for a compiled
//! server; the system calls of an interpreter depend on its threads. Counting needs tools. What cannot be counted
//! without them is omitted and reported.

mod callgrind;
mod profile;
mod summary;
mod system_calls;

use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::contender::CannotStart;
use super::contender::Contender;
use super::contender::Role;
use super::contender::Running;
use super::contender::Trait;
use super::load::Extent;
use super::load::Load;
use super::load::LoadError;
use super::load::exchange::Exchange;
use super::measurement::Bench;
use super::measurement::InFlight;
use super::pinning;
use super::pinning::Cores;
use super::problems::Problems;
use super::spread::short;
use super::table::Table;
use callgrind::{Work, Works};
use system_calls::{SystemCalls, Tool};

/// A busy client.
const FULL: InFlight = InFlight { connections: 4, streams: 16 };

/// One call at a time.
const SINGLE: InFlight = InFlight { connections: 1, streams: 1 };

/// After this time, no further server is started.
const LIMIT: Duration = Duration::from_secs(75);

/// The reason why something could not be counted.
#[derive(Debug, thiserror::Error)]
enum NotCounted {
    #[error(transparent)]
    Start(#[from] CannotStart),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("{0}")]
    Tool(String),
}

/// The counts of a server.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Counted {
    server: String,
    works: Option<Works>,
    system_calls: Option<SystemCalls>,
}

/// The counts of all servers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Counts {
    servers: Vec<Counted>,
    floor: Option<String>,
    /// The tool that counted the system calls.
    tool: Option<Tool>,
    /// Servers that run in an interpreter. Their instructions are not counted.
    interpreted: Vec<String>,
}

impl Counts {
    /// Counts everything that can be counted on this machine.
    pub(crate) fn measure(
        bench: &Bench<'_>,
        contenders: &[Contender],
        problems: &mut Problems,
    ) -> Self {
        let begun = Instant::now();
        let missing = callgrind::TOOLS.into_iter().find(|tool| which::which(tool).is_err());
        if let Some(missing) = missing {
            problems.report(format!(
                "`{missing}` is not installed, so instructions and allocations are not counted: \
                 install valgrind"
            ));
        }
        let tool = Tool::find(bench);
        if tool.is_none() {
            problems.report(
                "neither strace nor a perf with permission to trace is installed, so system calls are \
                 not counted: install strace"
                    .to_owned(),
            );
        }
        let is_interpreted = |one: &&Contender| one.has(Trait::Interpreted);
        let mut counts = Self {
            servers: Vec::new(),
            floor: contenders
                .iter()
                .find(|one| one.role == Role::Floor)
                .map(|one| one.name.clone()),
            tool,
            interpreted: contenders
                .iter()
                .filter(is_interpreted)
                .map(|one| one.name.clone())
                .collect(),
        };
        for contender in contenders.iter().filter(|one| problems.measures(one)).collect::<Vec<_>>()
        {
            grpc_interop::output::err!("bench: counts of {}", contender.name);
            if begun.elapsed() > LIMIT {
                problems.report(format!(
                    "{}: not counted, because the time limit of {LIMIT:?} was exceeded",
                    contender.name
                ));
                continue;
            }
            let mut report = |what: &str, error: &NotCounted| {
                let text = format!("{}: its {what} are not counted: {error}", contender.name);
                match error {
                    // A tool without permission is not a failure of the server.
                    NotCounted::Tool(_) => problems.report(text),
                    NotCounted::Start(_) | NotCounted::Load(_) => problems.fail(text),
                }
            };
            let works = (missing.is_none() && !is_interpreted(&contender))
                .then(|| callgrind::count(bench, contender))
                .and_then(|counted| {
                    counted.inspect_err(|error| report("instructions", error)).ok()
                });
            let system_calls = tool.map(|tool| tool.count(bench, contender)).and_then(|counted| {
                counted.inspect_err(|error| report("system calls", error)).ok()
            });
            counts.servers.push(Counted { server: contender.name.clone(), works, system_calls });
        }
        counts
    }

    /// All counts with their names, for comparing two runs.
    pub(crate) fn medians(&self) -> Vec<(String, f64)> {
        let of_server = |one: &Counted| {
            let works = one.works?;
            let named = |what: &str, work: Work| {
                [
                    (format!("{}, {what}: instructions", one.server), work.instructions),
                    (format!("{}, {what}: allocations", one.server), work.allocations),
                ]
            };
            Some(
                named("64 in flight", works.full)
                    .into_iter()
                    .chain(named("1 in flight", works.single)),
            )
        };
        self.servers.iter().filter_map(of_server).flatten().collect()
    }

    /// A table, or none if nothing could be counted.
    pub(crate) fn tables(&self) -> Vec<Table> {
        let is_empty = |one: &Counted| one.works.is_none() && one.system_calls.is_none();
        if self.servers.iter().all(is_empty) {
            return Vec::new();
        }
        let columns = [
            "server".to_owned(),
            "instructions".to_owned(),
            "1 in flight".to_owned(),
            format!("this ÷ {}", self.floor.as_deref().unwrap_or("the floor")),
            "1 in flight".to_owned(),
            "allocations".to_owned(),
            "1 in flight".to_owned(),
            "system calls".to_owned(),
            "writes".to_owned(),
        ];
        vec![Table {
            title: "Instructions, allocations and system calls per call of SquareRoot".to_owned(),
            about: self.about(),
            columns: columns.to_vec(),
            rows: self.servers.iter().map(|one| self.row(one)).collect(),
        }]
    }

    fn row(&self, one: &Counted) -> Vec<String> {
        let floor = self.servers.iter().find(|other| Some(&other.server) == self.floor.as_ref());
        let floor = floor.and_then(|floor| floor.works);
        let ratio =
            |of: fn(Works) -> Work| Some(of(one.works?).instructions / of(floor?).instructions);
        let cells = [
            one.works.map(|works| works.full.instructions),
            one.works.map(|works| works.single.instructions),
            ratio(|works| works.full),
            ratio(|works| works.single),
            one.works.map(|works| works.full.allocations),
            one.works.map(|works| works.single.allocations),
            one.system_calls.map(|calls| calls.all),
            one.system_calls.map(|calls| calls.writes),
        ];
        let cells = cells.map(|cell| cell.map_or_else(|| "-".to_owned(), short));
        std::iter::once(one.server.clone()).chain(cells).collect()
    }

    fn about(&self) -> String {
        let tool = self.tool.map_or("nothing", Tool::name);
        let mut about = format!(
            "Counted on one core with 64 calls in flight (4 connections × 16), or with 1 in the columns \
             “1 in flight”: instructions and allocations by callgrind, system calls by {tool}."
        );
        if !self.interpreted.is_empty() {
            let interpreted = self.interpreted.join(" and ");
            about
                .push_str(" Callgrind would make an interpreter too slow, so the instructions of ");
            about.push_str(&interpreted);
            about.push_str(" are not counted.");
        }
        about
    }
}

/// Makes this number of `calls` to a server.
fn load(
    running: &Running,
    exchanges: &Rc<[Exchange]>,
    in_flight: InFlight,
    calls: u32,
) -> Result<(), LoadError> {
    let load = Load {
        exchanges: Rc::clone(exchanges),
        connections: in_flight.connections,
        streams: in_flight.streams,
        extent: Extent::Calls(calls.into()),
    };
    pinning::off_the_server(Cores::One, || load.apply(running.address, || ())).map(|_| ())
}
