//! A client that calls without a pause: what a service that asks another one costs.
//!
//! It has a core of its own and the server another one. With one call in flight both wait for each other;
//! with many, the client of either language is what is busy.

use serde::{Deserialize, Serialize};

use super::both::Both;
use super::ended::ClientError;
use super::ended::Ended;
use crate::measurement::Bench;
use crate::pinning;
use crate::pinning::Cores;
use crate::spread::Spread;
use crate::table::Table;
use grpc_interop::config::Program;

/// How many calls are in flight.
pub(super) const LOADS: [usize; 2] = [1, 64];

/// What a client says at its end.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    calls: u32,
    seconds: f64,
    /// Of the client; missing where the system does not tell.
    cpu_seconds: Option<f64>,
}

impl Said {
    fn rate(&self) -> f64 {
        f64::from(self.calls) / self.seconds
    }

    /// In microseconds.
    fn cpu_per_call(&self) -> Option<f64> {
        Some(self.cpu_seconds? * 1e6 / f64::from(self.calls))
    }
}

/// Both clients in one round.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Round {
    in_flight: usize,
    said: Both<Said>,
}

/// See the module.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct LongLived(Vec<Round>);

impl LongLived {
    /// Measures both clients of the server at `address` once more.
    pub(super) fn measure(
        &mut self,
        bench: &Bench<'_>,
        programs: &Both<Program>,
        address: &str,
        in_flight: usize,
    ) -> Result<(), ClientError> {
        let seconds = bench.measured.as_secs_f64();
        let arguments = format!("--in-flight {in_flight} --seconds {seconds}");
        let run = |program: &Program| {
            let program = program.with_arguments(arguments.split(' ').map(str::to_owned));
            let ended =
                pinning::beside(Cores::One, || Ended::run(bench, &program, address, "caller"))?;
            let said = serde_json::from_str(&ended.stdout).ok();
            said.filter(|said: &Said| said.calls > 0 && said.seconds > 0.0).ok_or_else(|| {
                let right = "how often it has called".to_owned();
                ClientError::WrongOutput { command: ended.command, printed: ended.stdout, right }
            })
        };
        let said = programs.in_turn(self.0.len() / LOADS.len(), run)?;
        self.0.push(Round { in_flight, said });
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn spread(&self, in_flight: usize, of: impl Fn(&Both<Said>) -> Option<f64>) -> Option<Spread> {
        let rounds = self.0.iter().filter(|round| round.in_flight == in_flight);
        Spread::of(rounds.filter_map(|round| of(&round.said)))
    }

    pub(super) fn medians(&self) -> Vec<(String, f64)> {
        let of_load = |in_flight: usize| {
            let gain =
                self.spread(in_flight, |said| Some(said.rust.rate() / said.python.rate()))?;
            let name = format!("Rust client, {in_flight} in flight: calls per second × grpcio");
            Some((name, gain.median))
        };
        LOADS.into_iter().filter_map(of_load).collect()
    }

    pub(super) fn table(&self) -> Table {
        /// One of both clients.
        type Choice = fn(&Both<Said>) -> Said;
        let row = |(name, in_flight, one): (&str, usize, Choice)| {
            let cells = [
                self.spread(in_flight, |said| Some(one(said).rate())),
                self.spread(in_flight, |said| Some(one(said).rate() / said.python.rate())),
                self.spread(in_flight, |said| one(said).cpu_per_call()),
                self.spread(in_flight, |said| {
                    Some(said.python.cpu_per_call()? / one(said).cpu_per_call()?)
                }),
            ];
            let cells =
                cells.map(|cell| cell.map_or_else(|| "-".to_owned(), |one| one.to_string()));
            [name.to_owned(), in_flight.to_string()].into_iter().chain(cells).collect()
        };
        let rows = LOADS.into_iter().flat_map(|in_flight| {
            let python: (_, _, fn(&Both<Said>) -> Said) = ("grpcio", in_flight, |said| said.python);
            [python, ("calculator::client", in_flight, |said| said.rust)]
        });
        let columns =
            ["client", "in flight", "calls/s", "× grpcio", "CPU µs/call", "grpcio costs ×"];
        Table {
            title: "A client that calls without a pause".to_owned(),
            about: "Of calculator-server, which has a core of its own where there are two: median \
                    (least–most) of all rounds; × within a round. The CPU time is the client's."
                .to_owned(),
            columns: columns.map(str::to_owned).to_vec(),
            rows: rows.map(row).collect(),
        }
    }
}
