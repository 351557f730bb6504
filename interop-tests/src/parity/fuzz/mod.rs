//! `interop fuzz`: sends random requests to the reference and to other servers, and compares the responses.
//!
//! The suite `server-parity` contains requests that its authors thought of; this command searches for others. It uses
//! the probes, the mask and the known deviations of the suite, so that each difference it finds can become a probe.
//!
//! - [`comparison`]: compares the responses

pub(crate) mod comparison;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use comparison::{Difference, Outcome, Tally};
use parking_lot::Mutex;

use crate::outcome::Observation;
use crate::probe::mutation::generator::{self, Generator};
use crate::probe::mutation::shrink;
use crate::probe::table::{self, Probe, entry};
use crate::process::Semaphore;

pub(crate) use comparison::{Candidate, Comparison};

/// The default number of requests in flight. Most of them wait for threads of the reference.
const AT_ONCE: usize = 32;

/// How many of them may be slow. The reference has ten threads, and an incomplete request occupies one of them.
const SLOW: usize = 5;

/// After how many requests the progress is printed.
const PROGRESS: u64 = 1_000;

/// The exit status if a difference was found. The test harness of Rust uses the same.
const FOUND: u8 = 101;

/// A fuzzing run with its options.
pub(crate) struct Fuzz<'a> {
    pub(crate) generator: Generator,
    pub(crate) comparison: Comparison<'a>,
    pub(crate) candidates: &'a [Candidate],
    pub(crate) count: u64,
    pub(crate) seed: u64,
    /// The number of requests in flight.
    pub(crate) threads: Option<usize>,
    pub(crate) state: State,
}

/// The state that the threads of a run share.
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
    /// Sends all requests.
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
            let panicked = |_| {
                Err("fuzz: a comparison panicked, which is a bug in interop; see the message above"
                    .to_owned())
            };
            let ends = threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked));
            ends.fold(Ok(()), Result::and)
        })?;
        let status = self.finish();
        println!("interop: {:.1?}, seed {seed}: {command}", begin.elapsed());
        Ok(status)
    }

    /// Sends one request of the run and prints it.
    pub(crate) fn repeat(&self, case: u64) -> Result<ExitCode, String> {
        println!("{}", entry(&self.generator.generate(self.seed, case)?)?);
        self.case(case)?;
        Ok(self.finish())
    }

    /// The `ARGS` of the make command that repeats the run or one request of it.
    fn args(&self, case: Option<u64>) -> String {
        let edge = self.generator.edge.then(|| "--edge".to_owned());
        let case = case.map(|case| format!("--case {case}"));
        let args: Vec<_> = edge.into_iter().chain(case).collect();
        if args.is_empty() { String::new() } else { format!(" ARGS='{}'", args.join(" ")) }
    }

    /// Prints the results; returns the exit status.
    fn finish(&self) -> ExitCode {
        let tally = self.state.tally.lock();
        println!("{tally}");
        ExitCode::from(if tally.unexplained() == 0 { 0 } else { FOUND })
    }

    fn case(&self, case: u64) -> Result<(), String> {
        let probe = self.generator.generate(self.seed, case)?;
        let _permit = generator::is_slow(&probe).then(|| self.state.slow.acquire());
        for candidate in self.candidates {
            match self.comparison.outcome(candidate, &probe)? {
                Outcome::Same => {}
                Outcome::Explained(reason) => {
                    *self.state.tally.lock().explained.entry(reason).or_default() += 1;
                }
                Outcome::Unstable(difference) => {
                    self.state.tally.lock().unstable.push(case);
                    self.show("not stable", &probe, case, candidate, &difference);
                }
                Outcome::Different(difference) => {
                    let is_new = self.state.tally.lock().add_unexplained(difference.kind());
                    if is_new {
                        self.shrink(&probe, &difference, case, candidate)?;
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

    /// Reduces a difference to a minimal probe and prints it.
    fn shrink(
        &self,
        probe: &Probe,
        difference: &Difference,
        case: u64,
        candidate: &Candidate,
    ) -> Result<(), String> {
        let shows = |probe: &Probe| {
            Ok(self.generator.allows(probe) && self.comparison.differs(candidate, probe)?)
        };
        let smallest = shrink::shrink(probe.clone(), shows)?;
        // The printed probe must be the one that was sent.
        let again = entry(&smallest).and_then(|entry| table::from_entry(&entry));
        match again.and_then(|probe| self.comparison.outcome(candidate, &probe)) {
            Ok(Outcome::Different(difference)) => {
                self.show("unexplained", &smallest, case, candidate, &difference);
            }
            _ => self.show("unexplained", probe, case, candidate, difference),
        }
        Ok(())
    }

    fn show(
        &self,
        what: &str,
        probe: &Probe,
        case: u64,
        candidate: &Candidate,
        difference: &Difference,
    ) {
        let lines = |observation: &Observation| {
            let lines = observation.to_string();
            format!("#     {}\n", lines.trim_end().replace('\n', "\n#     "))
        };
        let expected: Vec<_> = difference.expected.iter().map(lines).collect();
        let (expected, observed) = (expected.join("#   or\n"), lines(&difference.observed));
        let Self { comparison, seed, .. } = self;
        let again = format!("make fuzz-parity SEED={seed}{}", self.args(Some(case)));
        let entry = entry(probe).unwrap_or_else(|error| format!("# {error}\n"));
        let (reference, candidate) = (&comparison.reference.peer.name, &candidate.name);
        println!(
            "\n# {what}: {again}\n{entry}#   {reference}\n{expected}#   {candidate}\n{observed}"
        );
    }
}
