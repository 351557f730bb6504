//! A client that makes calls without pause, like a service that calls another service.
//!
//! Client and server have one core each. With one call in flight, both wait for each other; with many, the client is
//! the bottleneck in both languages.

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

/// The numbers of calls in flight.
pub(super) const LOADS: [usize; 2] = [1, 64];

/// The report that a client prints at its end.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Output {
    calls: u32,
    seconds: f64,
    /// The CPU time of the client; missing if the system does not report it.
    cpu_seconds: Option<f64>,
}

impl Output {
    fn rate(&self) -> f64 {
        f64::from(self.calls) / self.seconds
    }

    /// The CPU time per call in microseconds.
    fn cpu_per_call(&self) -> Option<f64> {
        Some(self.cpu_seconds? * 1e6 / f64::from(self.calls))
    }
}

/// Both clients in one round.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Round {
    in_flight: usize,
    output: Both<Output>,
}

/// The measurements of the long-lived clients.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct LongLived(Vec<Round>);

impl LongLived {
    /// Measures both clients once more, with the server at `address`.
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
            let ended = pinning::off_the_server(Cores::One, || {
                Ended::run(bench, &program, address, "caller")
            })?;
            let output = serde_json::from_str(&ended.stdout).ok();
            output.filter(|output: &Output| output.calls > 0 && output.seconds > 0.0).ok_or_else(
                || {
                    let expected =
                        "a JSON object with the number of calls and the seconds".to_owned();
                    ClientError::WrongOutput {
                        command: ended.command,
                        printed: ended.stdout,
                        expected,
                    }
                },
            )
        };
        let output = programs.in_turn(self.0.len() / LOADS.len(), run)?;
        self.0.push(Round { in_flight, output });
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn spread(
        &self,
        in_flight: usize,
        of: impl Fn(&Both<Output>) -> Option<f64>,
    ) -> Option<Spread> {
        let rounds = self.0.iter().filter(|round| round.in_flight == in_flight);
        Spread::of(rounds.filter_map(|round| of(&round.output)))
    }

    pub(super) fn medians(&self) -> Vec<(String, f64)> {
        let of_load = |in_flight: usize| {
            let gain =
                self.spread(in_flight, |output| Some(output.rust.rate() / output.python.rate()))?;
            let name = format!("Rust client, {in_flight} in flight: calls per second × grpcio");
            Some((name, gain.median))
        };
        LOADS.into_iter().filter_map(of_load).collect()
    }

    pub(super) fn table(&self) -> Table {
        /// Selects one of both clients.
        type Choice = fn(&Both<Output>) -> Output;
        let row = |(name, in_flight, one): (&str, usize, Choice)| {
            let cells = [
                self.spread(in_flight, |output| Some(one(output).rate())),
                self.spread(in_flight, |output| Some(one(output).rate() / output.python.rate())),
                self.spread(in_flight, |output| one(output).cpu_per_call()),
                self.spread(in_flight, |output| {
                    Some(output.python.cpu_per_call()? / one(output).cpu_per_call()?)
                }),
            ];
            let cells =
                cells.map(|cell| cell.map_or_else(|| "-".to_owned(), |one| one.to_string()));
            [name.to_owned(), in_flight.to_string()].into_iter().chain(cells).collect()
        };
        let rows = LOADS.into_iter().flat_map(|in_flight| {
            let python: (_, _, fn(&Both<Output>) -> Output) =
                ("grpcio", in_flight, |output| output.python);
            [python, ("calculator::client", in_flight, |output| output.rust)]
        });
        let columns =
            ["client", "in flight", "calls/s", "× grpcio", "CPU µs/call", "CPU: grpcio ÷ this"];
        Table {
            title: "Client that calls without a pause".to_owned(),
            about: "Calls of calculator-server, which has its own core if there are at least two: median \
                    (minimum–maximum) of all rounds; ratios are within a round. The CPU time is that of \
                    the client."
                .to_owned(),
            columns: columns.map(str::to_owned).to_vec(),
            rows: rows.map(row).collect(),
        }
    }
}
