//! Compares the clients of both languages with the same server.
//!
//! Both use the Rust server, because with the slower Python server both clients would mostly wait.

mod both;
mod ended;
mod long_lived;
mod one_shot;

use serde::{Deserialize, Serialize};

use super::contender::CannotStart;
use super::contender::Contender;
use super::measurement::Bench;
use super::pinning::Cores;
use super::problems::Problems;
use super::table::Table;
use both::Both;
use ended::ClientError;
use grpc_interop::config::{Program, Source};
use long_lived::{LOADS, LongLived};
use one_shot::OneShots;

/// The contents of `clients.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Programs {
    server: Contender,
    once: Both<Program>,
    caller: Both<Program>,
}

/// The measurements of both clients.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Clients {
    once: Option<OneShots>,
    long_lived: LongLived,
}

/// The reason why clients are not measured.
#[derive(Debug, thiserror::Error)]
enum NotMeasured {
    #[error("calculator-server: {0}")]
    Server(#[from] CannotStart),
    #[error("{0}")]
    Client(#[from] ClientError),
}

impl Clients {
    /// Measures all clients: the long-lived ones in this number of `rounds`.
    pub(crate) fn measure(
        bench: &Bench<'_>,
        rounds: usize,
        problems: &mut Problems,
    ) -> anyhow::Result<Self> {
        let file =
            bench.places.root_for("the benchmark")?.join("interop-tests/benches/clients.toml");
        let programs = Source::read::<Programs>(&file)?.0;
        let mut clients = Self::default();
        grpc_interop::output::err!("bench: clients that make one call and exit");
        match one_shots(bench, &programs) {
            Ok(once) => clients.once = Some(once),
            Err(error) => problems.fail(format!("clients that make one call and exit: {error}")),
        }
        for round in 0..rounds {
            grpc_interop::output::err!(
                "bench: clients that call without a pause, round {} of {rounds}",
                round + 1
            );
            if let Err(error) = clients.round(bench, &programs) {
                problems.fail(format!("clients that call without a pause: {error}"));
                break;
            }
        }
        Ok(clients)
    }

    fn round(&mut self, bench: &Bench<'_>, programs: &Programs) -> Result<(), NotMeasured> {
        for in_flight in LOADS {
            let running = programs.server.start(bench.places, Cores::One, bench.logs)?;
            let address = running.address.to_string();
            self.long_lived.measure(bench, &programs.caller, &address, in_flight)?;
        }
        Ok(())
    }

    /// All medians with their names, for comparing two runs.
    pub(crate) fn medians(&self) -> Vec<(String, f64)> {
        let once = self.once.iter().flat_map(OneShots::medians);
        once.chain(self.long_lived.medians()).collect()
    }

    /// The tables of the clients that were measured.
    pub(crate) fn tables(&self) -> Vec<Table> {
        let long_lived = (!self.long_lived.is_empty()).then(|| self.long_lived.table());
        self.once.iter().map(OneShots::table).chain(long_lived).collect()
    }
}

fn one_shots(bench: &Bench<'_>, programs: &Programs) -> Result<OneShots, NotMeasured> {
    let running = programs.server.start(bench.places, Cores::All, bench.logs)?;
    Ok(OneShots::measure(bench, &programs.once, &running.address.to_string())?)
}
