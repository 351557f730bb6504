//! `make fuzz-parity`: random requests to the reference and to other servers, compared.
//!
//! The suite covers requests that its authors thought of; this searches for others. It uses the probes, the
//! mask and the ledger of the suite, so that everything it finds can become a probe.
//!
//! - [`random`], [`case`], [`header_mutation`], [`body_mutation`], [`frame_mutation`]: the requests
//! - [`comparison`], [`shrink`]: the results

pub(crate) mod body_mutation;
pub(crate) mod case;
pub(crate) mod comparison;
pub(crate) mod frame_mutation;
pub(crate) mod header_mutation;
pub(crate) mod random;
pub(crate) mod shrink;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use comparison::{Difference, Outcome, Tally};
use parking_lot::Mutex;

use crate::outcome::Observation;
use crate::parity::server::probe::{self, Probe, entry};
use crate::process::Semaphore;

pub(crate) use case::Deck;
pub(crate) use comparison::{Comparison, Rival};

/// How many requests are sent at once: most of them wait for threads of the reference.
const AT_ONCE: usize = 32;

/// How many of them may be slow: the reference has ten threads, and a request that is not complete
/// keeps one of them.
const SLOW: usize = 5;

/// After how many requests the state of a long run is printed.
const PROGRESS: u64 = 1_000;

/// The status when something was found, as that of a failed test.
const FOUND: u8 = 101;

/// A run with the options of the command line.
pub(crate) struct Fuzz<'a> {
    pub(crate) deck: Deck<'a>,
    pub(crate) comparison: Comparison<'a>,
    pub(crate) rivals: &'a [Rival],
    pub(crate) count: u64,
    pub(crate) seed: u64,
    /// How many requests are sent at once.
    pub(crate) threads: Option<usize>,
    pub(crate) state: State,
}

/// What the threads of a run share.
pub(crate) struct State {
    tally: Mutex<Tally>,
    /// Permits for slow requests.
    slow: Semaphore,
}

impl Default for State {
    fn default() -> Self {
        Self { tally: Mutex::default(), slow: Semaphore::new(SLOW) }
    }
}

impl Fuzz<'_> {
    /// Runs all cases.
    pub(crate) fn run(&self) -> Result<ExitCode, String> {
        let (count, seed) = (self.count, self.seed);
        let command = format!("make fuzz-parity COUNT={count} SEED={seed}{}", self.args(None));
        println!("interop: {count} random requests with seed {seed}: {command}");
        let (begin, next) = (Instant::now(), AtomicU64::new(0));
        let work = || -> Result<(), String> {
            loop {
                let case = next.fetch_add(1, Ordering::Relaxed);
                if case >= count {
                    return Ok(());
                }
                self.case(case).inspect_err(|_| next.store(count, Ordering::Relaxed))?;
            }
        };
        thread::scope(|scope| {
            let threads = 0..self.threads.unwrap_or(AT_ONCE);
            let threads: Vec<_> = threads.map(|_| scope.spawn(work)).collect();
            let panicked = |_| Err("a comparison panicked".to_owned());
            let ends = threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked));
            ends.fold(Ok(()), Result::and)
        })?;
        let status = self.finish();
        println!("interop: {:.1?}, seed {seed}: {command}", begin.elapsed());
        Ok(status)
    }

    /// Runs one case of the run and prints everything about it.
    pub(crate) fn repeat(&self, case: u64) -> Result<ExitCode, String> {
        println!("{}", entry(&self.deck.draw(self.seed, case)?)?);
        self.case(case)?;
        Ok(self.finish())
    }

    /// The ARGS that repeat the run or a case of it.
    fn args(&self, case: Option<u64>) -> String {
        let edge = self.deck.edge.then(|| "--edge".to_owned());
        let case = case.map(|case| format!("--case {case}"));
        let args: Vec<_> = edge.into_iter().chain(case).collect();
        if args.is_empty() { String::new() } else { format!(" ARGS='{}'", args.join(" ")) }
    }

    /// Prints the results; returns the status of the process.
    fn finish(&self) -> ExitCode {
        let tally = self.state.tally.lock();
        println!("{tally}");
        ExitCode::from(if tally.unexplained() == 0 { 0 } else { FOUND })
    }

    fn case(&self, case: u64) -> Result<(), String> {
        let probe = self.deck.draw(self.seed, case)?;
        let _permit = case::is_slow(&probe).then(|| self.state.slow.acquire());
        for rival in self.rivals {
            match self.comparison.outcome(rival, &probe)? {
                Outcome::Same => {}
                Outcome::Explained(reason) => {
                    *self.state.tally.lock().explained.entry(reason).or_default() += 1;
                }
                Outcome::Unstable(difference) => {
                    self.state.tally.lock().unstable.push(case);
                    self.show("not stable", &probe, case, rival, &difference);
                }
                Outcome::Different(difference) => {
                    let is_new = self.state.tally.lock().add_unexplained(difference.kind());
                    if is_new {
                        self.shrink(&probe, &difference, case, rival)?;
                    }
                }
            }
        }
        let mut tally = self.state.tally.lock();
        tally.requests += 1;
        if tally.requests.is_multiple_of(PROGRESS) {
            println!("interop: {} requests, {} unexplained", tally.requests, tally.unexplained());
        }
        Ok(())
    }

    /// Prints a difference that is shrunk as far as possible.
    fn shrink(
        &self,
        probe: &Probe,
        difference: &Difference,
        case: u64,
        rival: &Rival,
    ) -> Result<(), String> {
        let shows =
            |probe: &Probe| Ok(self.deck.allows(probe) && self.comparison.differs(rival, probe)?);
        let smallest = shrink::shrink(probe.clone(), shows)?;
        // The probe that is printed has to be the one that was sent.
        let again = entry(&smallest).and_then(|entry| probe::from_entry(&entry));
        match again.and_then(|probe| self.comparison.outcome(rival, &probe)) {
            Ok(Outcome::Different(difference)) => {
                self.show("unexplained", &smallest, case, rival, &difference);
            }
            _ => self.show("unexplained", probe, case, rival, difference),
        }
        Ok(())
    }

    fn show(&self, what: &str, probe: &Probe, case: u64, rival: &Rival, difference: &Difference) {
        let lines = |observation: &Observation| {
            let lines = observation.to_string();
            format!("#     {}\n", lines.trim_end().replace('\n', "\n#     "))
        };
        let expected: Vec<_> = difference.expected.iter().map(lines).collect();
        let (expected, observed) = (expected.join("#   or\n"), lines(&difference.observed));
        let Self { comparison, seed, .. } = self;
        let again = format!("make fuzz-parity SEED={seed}{}", self.args(Some(case)));
        let entry = entry(probe).unwrap_or_else(|error| format!("# {error}\n"));
        let (reference, rival) = (&comparison.reference.peer.name, &rival.name);
        println!("\n# {what}: {again}\n{entry}#   {reference}\n{expected}#   {rival}\n{observed}");
    }
}
