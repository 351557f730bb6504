//! `make fuzz-parity`: random requests to the reference and to the other servers, compared.
//!
//! The suite shows that the rules hold for requests that somebody thought of; this looks for the
//! others. It drives the suite's own probes, masks and ledger, so that what it finds is a probe.
//!
//! - [`random`], [`case`], [`header_mutation`], [`body_mutation`], [`frame_mutation`]: the requests
//! - [`comparison`], [`shrink`], [`tally`]: what comes of them

pub(crate) mod body_mutation;
pub(crate) mod case;
pub(crate) mod comparison;
pub(crate) mod frame_mutation;
pub(crate) mod header_mutation;
pub(crate) mod random;
pub(crate) mod shrink;
pub(crate) mod tally;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use case::Deck;
use comparison::{Comparison, Difference, Outcome};
use parking_lot::Mutex;
use tally::Tally;

use crate::outcome::deviations::Ledger;
use crate::outcome::finding::Observation;
use crate::parity::server::entry::entry;
use crate::parity::server::probe;
use crate::parity::server::probe::Probe;
use crate::parity::server::reference::ReferenceServer;
use crate::process::context::RunContext;
use crate::process::semaphore::Semaphore;

pub(crate) use comparison::Rival;

/// How many requests are on their way at once: most of the time of one is waiting for threads of
/// the reference.
const SIDE_BY_SIDE: usize = 32;

/// How many of them may be slow: the reference has ten threads, and a request that is not complete
/// keeps one of them.
const SLOW: usize = 5;

/// How often the state of a long run is told.
const TOLD_AFTER: u64 = 1_000;

/// The status when something was found, as that of a failed test.
const FOUND: u8 = 101;

/// A run, as it was asked for.
pub(crate) struct Fuzz<'a> {
    pub(crate) probes: &'a [Probe],
    pub(crate) reference: &'a ReferenceServer,
    pub(crate) rivals: &'a [Rival],
    pub(crate) ledger: &'a Ledger,
    pub(crate) context: &'a RunContext,
    pub(crate) count: u64,
    pub(crate) seed: u64,
    pub(crate) edge: bool,
    pub(crate) side_by_side: Option<usize>,
    /// Lets slow requests through.
    pub(crate) gate: Semaphore,
}

/// The gate of a run.
pub(crate) fn gate() -> Semaphore {
    Semaphore::new(SLOW)
}

impl Fuzz<'_> {
    /// All cases of the run.
    pub(crate) fn run(&self) -> Result<ExitCode, String> {
        let deck = Deck::new(self.probes, self.edge);
        let command =
            format!("make fuzz-parity COUNT={} SEED={}{}", self.count, self.seed, self.args(None));
        println!("interop: {} random requests with seed {}: {command}", self.count, self.seed);
        let begin = Instant::now();
        let (next, tally) = (AtomicU64::new(0), Mutex::new(Tally::default()));
        let work = || -> Result<(), String> {
            loop {
                let case = next.fetch_add(1, Ordering::Relaxed);
                if case >= self.count {
                    return Ok(());
                }
                if let Err(error) = self.one(&deck, case, &tally) {
                    next.store(self.count, Ordering::Relaxed);
                    return Err(error);
                }
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> =
                (0..self.side_by_side.unwrap_or(SIDE_BY_SIDE)).map(|_| scope.spawn(work)).collect();
            let ends = workers.into_iter().map(|worker| {
                worker.join().unwrap_or_else(|_| Err("a comparison panicked".to_owned()))
            });
            ends.collect::<Vec<_>>().into_iter().collect::<Result<(), String>>()
        })?;
        let tally = tally.into_inner();
        println!("{tally}");
        println!("interop: {:.1?}, seed {}: {command}", begin.elapsed(), self.seed);
        Ok(ExitCode::from(if tally.unexplained() == 0 { 0 } else { FOUND }))
    }

    /// One case of the run, with everything that there is to tell about it.
    pub(crate) fn repeat(&self, case: u64) -> Result<ExitCode, String> {
        let deck = Deck::new(self.probes, self.edge);
        let tally = Mutex::new(Tally::default());
        println!("{}", entry(&deck.draw(self.seed, case)?)?);
        self.one(&deck, case, &tally)?;
        let tally = tally.into_inner();
        println!("{tally}");
        Ok(ExitCode::from(if tally.unexplained() == 0 { 0 } else { FOUND }))
    }

    fn one(&self, deck: &Deck<'_>, case: u64, tally: &Mutex<Tally>) -> Result<(), String> {
        let probe = deck.draw(self.seed, case)?;
        let _pass = case::is_slow(&probe).then(|| self.gate.acquire());
        let lock = || tally.lock();
        for rival in self.rivals {
            let (reference, ledger, context) = (self.reference, self.ledger, self.context);
            let comparison = Comparison { reference, rival, ledger, context };
            match comparison.outcome(&probe)? {
                Outcome::Same => {}
                Outcome::Explained { reason } => lock().add_explained(reason),
                Outcome::Unstable(difference) => {
                    lock().add_unstable(case);
                    self.show("not stable", &probe, case, rival, &difference);
                }
                Outcome::Different(difference) => {
                    let is_worth_it = lock().add_unexplained(difference.kind());
                    if is_worth_it {
                        self.shrunk(deck, &probe, &difference, case, comparison)?;
                    }
                }
            }
        }
        let requests = lock().add_request();
        if requests.is_multiple_of(TOLD_AFTER) {
            println!("interop: {requests} requests, {} unexplained", lock().unexplained());
        }
        Ok(())
    }

    /// Shrinks a difference and prints what comes of it, or all of it when it cannot be shrunk.
    fn shrunk(
        &self,
        deck: &Deck<'_>,
        probe: &Probe,
        difference: &Difference,
        case: u64,
        comparison: Comparison<'_>,
    ) -> Result<(), String> {
        let shows = |probe: &Probe| Ok(deck.allows(probe) && comparison.differs(probe)?);
        let smallest = shrink::shrink(probe.clone(), shows)?;
        // What is printed has to be the probe that was tried.
        let again = entry(&smallest).and_then(|entry| probe::from_entry(&entry));
        match again.map(|probe| comparison.outcome(&probe)) {
            Ok(Ok(Outcome::Different(difference))) => {
                self.show("unexplained", &smallest, case, comparison.rival, &difference);
            }
            _ => self.show("unexplained", probe, case, comparison.rival, difference),
        }
        Ok(())
    }

    fn show(&self, what: &str, probe: &Probe, case: u64, rival: &Rival, difference: &Difference) {
        let lines = |observation: &Observation| {
            let lines = observation.to_string();
            let lines: Vec<_> = lines.lines().map(|line| format!("#     {line}")).collect();
            lines.join("\n") + "\n"
        };
        let right: Vec<_> = difference.right.iter().map(lines).collect();
        let (name, right) = (self.reference.peer.name(), right.join("#   or\n"));
        let (rival, seen) = (rival.name(), lines(&difference.seen));
        let again = format!("make fuzz-parity SEED={}{}", self.seed, self.args(Some(case)));
        let entry = entry(probe).unwrap_or_else(|error| format!("# {error}\n"));
        println!("\n# {what}: {again}\n{entry}#   {name}\n{right}#   {rival}\n{seen}");
    }

    /// What has to stand in ARGS to repeat the run or a case of it.
    fn args(&self, case: Option<u64>) -> String {
        let edge = self.edge.then(|| "--edge".to_owned());
        let case = case.map(|case| format!("--case {case}"));
        let args: Vec<_> = edge.into_iter().chain(case).collect();
        if args.is_empty() { String::new() } else { format!(" ARGS='{}'", args.join(" ")) }
    }
}
