//! A client that makes one call and ends: what a shell script or a cron job waits for.
//!
//! It has all cores, as it has where it is used: Python's client has threads that start beside each other.

use serde::{Deserialize, Serialize};

use super::both::Both;
use super::ended::ClientError;
use super::ended::Ended;
use crate::measurement::Bench;
use crate::spread::Spread;
use crate::table::Table;
use grpc_interop::config::Program;

/// How often each is run.
const PAIRS: usize = 20;

/// What Python prints as the root of 16.
const RIGHT: &str = "4.0\n";

/// Milliseconds from the start of the program to its end, in pairs.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct OneShots(Vec<Both<f64>>);

impl OneShots {
    pub(super) fn measure(
        bench: &Bench<'_>,
        programs: &Both<Program>,
        address: &str,
    ) -> Result<Self, ClientError> {
        let run = |program: &Program| {
            let Ended { command, stdout, elapsed } =
                Ended::run(bench, program, address, "one-shot")?;
            if stdout == RIGHT {
                Ok(elapsed.as_secs_f64() * 1e3)
            } else {
                let right = format!("{RIGHT:?}");
                Err(ClientError::WrongOutput { command, printed: stdout, right })
            }
        };
        // The first of each reads its files from the disk.
        programs.in_turn(0, run)?;
        (0..PAIRS).map(|pair| programs.in_turn(pair, run)).collect::<Result<_, _>>().map(Self)
    }

    fn spread(&self, of: impl Fn(&Both<f64>) -> f64) -> Option<Spread> {
        Spread::of(self.0.iter().map(of))
    }

    pub(super) fn medians(&self) -> Vec<(String, f64)> {
        let gain = self.spread(|pair| pair.python / pair.rust);
        let name = "calculator-client: from its start to its end × client.py".to_owned();
        gain.map(|gain| (name, gain.median)).into_iter().collect()
    }

    pub(super) fn table(&self) -> Table {
        let cell =
            |spread: Option<Spread>| spread.map_or_else(|| "-".to_owned(), |one| one.to_string());
        let row = |name: &str, of: fn(&Both<f64>) -> f64| {
            let gain = self.spread(|pair| pair.python / of(pair));
            vec![name.to_owned(), cell(self.spread(of)), cell(gain)]
        };
        Table {
            title: "A client that makes one call".to_owned(),
            about: format!(
                "From the start of the program to its end, without arguments, of calculator-server: \
                 median (least–most) of {} pairs; × within a pair.",
                self.0.len()
            ),
            columns: ["client", "ms", "as fast as client.py ×"].map(str::to_owned).to_vec(),
            rows: vec![
                row("client.py", |pair| pair.python),
                row("calculator-client", |pair| pair.rust),
            ],
        }
    }
}
