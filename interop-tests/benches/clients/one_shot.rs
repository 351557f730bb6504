//! A client that makes one call and exits, as in a shell script or a cron job.
//!
//! It runs on all cores, as in practice, because Python's client starts several threads.

use serde::{Deserialize, Serialize};

use super::both::Both;
use super::ended::ClientError;
use super::ended::Ended;
use crate::measurement::Bench;
use crate::spread::Spread;
use crate::table::Table;
use grpc_interop::config::Program;

/// How often each client runs.
const PAIRS: usize = 20;

/// The output of the Python client for the root of 16.
const EXPECTED: &str = "4.0\n";

/// The milliseconds from start to exit of each client, in pairs.
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
            if stdout == EXPECTED {
                Ok(elapsed.as_secs_f64() * 1e3)
            } else {
                let expected = format!("{EXPECTED:?}");
                Err(ClientError::WrongOutput { command, printed: stdout, expected })
            }
        };
        // The first run of each reads its files from disk.
        programs.in_turn(0, run)?;
        (0..PAIRS).map(|pair| programs.in_turn(pair, run)).collect::<Result<_, _>>().map(Self)
    }

    fn spread(&self, of: impl Fn(&Both<f64>) -> f64) -> Option<Spread> {
        Spread::of(self.0.iter().map(of))
    }

    pub(super) fn medians(&self) -> Vec<(String, f64)> {
        let gain = self.spread(|pair| pair.python / pair.rust);
        let name = "calculator-client: duration × client.py".to_owned();
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
            title: "Client that makes one call".to_owned(),
            about: format!(
                "Duration of the program without arguments, including a call of calculator-server: median \
                 (minimum–maximum) of {} pairs; ratios are within a pair.",
                self.0.len()
            ),
            columns: ["client", "ms", "× speed of client.py"].map(str::to_owned).to_vec(),
            rows: vec![
                row("client.py", |pair| pair.python),
                row("calculator-client", |pair| pair.rust),
            ],
        }
    }
}
