//! Measures calls per second and the cost of a call: every server with each load, in rounds.
//!
//! A round measures each combination once, in a random order, so that changes of the machine affect all of them. The
//! ratios within a round are reproducible.

mod figure;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::contender::Contender;
use super::contender::Role;
use super::measurement::Bench;
use super::measurement::InFlight;
use super::measurement::Measurement;
use super::pinning::Cores;
use super::problems::Problems;
use super::round;
use super::spread::Spread;
use super::spread::short;
use super::table::Table;

/// The loads: one call at a time, a busy client, and a busy proxy.
pub(crate) const LOADS: [InFlight; 3] = [
    InFlight { connections: 1, streams: 1 },
    InFlight { connections: 4, streams: 16 },
    InFlight { connections: 10, streams: 100 },
];

/// How often a measurement is repeated if other machines took CPU time (steal).
const ATTEMPTS: usize = 3;

/// For how long measurements are repeated. On a permanently shared machine, further attempts do not help.
const LIMIT: Duration = Duration::from_secs(150);

/// Selects a value of a measurement, which may be missing on some systems.
type Value = fn(&Measurement) -> Option<f64>;

/// A measurement with its server and load.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Sample {
    pub(crate) round: usize,
    pub(crate) server: String,
    pub(crate) cores: Cores,
    pub(crate) in_flight: InFlight,
    pub(crate) measured: Measurement,
}

/// All samples of a run.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Throughput {
    pub(crate) samples: Vec<Sample>,
    /// The number of measurements discarded because other machines took CPU time (steal).
    pub(crate) stolen: usize,
    /// The servers in order, each with its description.
    pub(crate) servers: Vec<(String, String)>,
    reference: Option<String>,
    floor: Option<String>,
}

impl Throughput {
    /// Measures all servers in this number of `rounds`.
    pub(crate) fn measure(
        bench: &Bench<'_>,
        contenders: &[Contender],
        rounds: usize,
        problems: &mut Problems,
    ) -> Self {
        let named =
            |role| contenders.iter().find(|one| one.role == role).map(|one| one.name.clone());
        let mut throughput = Self {
            servers: contenders.iter().map(|one| (one.name.clone(), one.about.clone())).collect(),
            reference: named(Role::Reference),
            floor: named(Role::Floor),
            ..Self::default()
        };
        let end = Instant::now() + LIMIT;
        for number in 0..rounds {
            grpc_interop::output::err!("bench: calls per second, round {} of {rounds}", number + 1);
            let settings = Cores::of_this_machine()
                .iter()
                .flat_map(|cores| LOADS.map(|in_flight| (*cores, in_flight)));
            for (contender, (cores, in_flight)) in round::order(settings, contenders) {
                if !problems.measures(contender) {
                    continue;
                }
                let attempts = if Instant::now() < end { ATTEMPTS } else { 1 };
                let stolen = &mut throughput.stolen;
                let exchanges = contender.unary();
                let measured = bench
                    .measure_undisturbed(attempts, contender, cores, in_flight, &exchanges, stolen);
                match measured {
                    Ok(measured) => throughput.samples.extend(measured.map(|measured| {
                        let server = contender.name.clone();
                        Sample { round: number, server, cores, in_flight, measured }
                    })),
                    Err(error) => problems.exclude(contender, &error),
                }
            }
        }
        throughput
    }

    /// The samples of a server with a load, in order of rounds.
    fn of<'a>(
        &'a self,
        server: &'a str,
        cores: Cores,
        in_flight: InFlight,
    ) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| {
            (&sample.server[..], sample.cores, sample.in_flight) == (server, cores, in_flight)
        })
    }

    /// The spread of `value` of a server over all rounds.
    pub(crate) fn spread(
        &self,
        server: &str,
        cores: Cores,
        in_flight: InFlight,
        value: impl Fn(&Measurement) -> Option<f64>,
    ) -> Option<Spread> {
        Spread::of(self.of(server, cores, in_flight).filter_map(|sample| value(&sample.measured)))
    }

    /// The spread of the ratio of `value` to that of `other` in the same round.
    pub(crate) fn ratio(
        &self,
        server: &str,
        other: &str,
        cores: Cores,
        in_flight: InFlight,
        value: impl Fn(&Measurement) -> Option<f64>,
    ) -> Option<Spread> {
        Spread::of(self.of(server, cores, in_flight).filter_map(|sample| {
            let beside = self.of(other, cores, in_flight).find(|one| one.round == sample.round)?;
            Some(value(&sample.measured)? / value(&beside.measured)?)
        }))
    }

    /// The medians of all ratios with their names, for comparing two runs.
    pub(crate) fn medians(&self) -> Vec<(String, f64)> {
        let mut medians = Vec::new();
        for (server, _) in &self.servers {
            for (cores, load) in self.settings() {
                let compared: [(_, _, Value); 2] = [
                    (&self.reference, "calls per second", |one| Some(one.calls_per_second)),
                    (&self.floor, "CPU time per call", |one| one.cpu_per_call),
                ];
                medians.extend(compared.into_iter().filter_map(|(other, what, value)| {
                    let other = other.as_deref().filter(|other| other != server)?;
                    let ratio = self.ratio(server, other, cores, load, value)?;
                    let name = format!("{server}, {}: {what} × {other}", setting(cores, load));
                    Some((name, ratio.median))
                }));
            }
        }
        medians
    }

    fn settings(&self) -> Vec<(Cores, InFlight)> {
        let mut settings: Vec<_> =
            self.samples.iter().map(|sample| (sample.cores, sample.in_flight)).collect();
        settings.sort();
        settings.dedup();
        settings
    }

    /// One table per load.
    pub(crate) fn tables(&self) -> Vec<Table> {
        self.settings().into_iter().map(|(cores, load)| self.table(cores, load)).collect()
    }

    fn table(&self, cores: Cores, load: InFlight) -> Table {
        let (reference, floor) = (self.reference.as_deref(), self.floor.as_deref());
        let rows = self.servers.iter().filter_map(|(server, _)| {
            let spread = |value: Value| {
                self.spread(server, cores, load, value).map(|spread| short(spread.median))
            };
            let ratio = |other: Option<&str>, value: Value| {
                let ratio = other.and_then(|other| self.ratio(server, other, cores, load, value));
                ratio.map(|ratio| ratio.to_string())
            };
            let cells = [
                Some(server.clone()),
                Some(spread(|one| Some(one.calls_per_second))?),
                ratio(reference, |one| Some(one.calls_per_second)),
                spread(|one| one.cpu_per_call),
                ratio(reference, |one| Some(1.0 / one.cpu_per_call?)),
                ratio(floor, |one| one.cpu_per_call),
                spread(|one| Some(one.p50)),
                spread(|one| Some(one.p99)),
                spread(|one| Some(one.p999)),
                #[expect(clippy::cast_precision_loss, reason = "memory of a process")]
                spread(|one| one.memory.map(|kib| kib as f64 / 1024.0)),
                spread(|one| Some(100.0 * one.client_busy)),
            ];
            Some(cells.map(|cell| cell.unwrap_or_else(|| "-".to_owned())).to_vec())
        });
        let named = |name: Option<&str>| name.unwrap_or("the reference").to_owned();
        let columns = [
            "server".to_owned(),
            "calls/s".to_owned(),
            format!("× {}", named(reference)),
            "CPU µs/call".to_owned(),
            format!("CPU: {} ÷ this", named(reference)),
            format!("CPU: this ÷ {}", floor.unwrap_or("the floor")),
            "p50 µs".to_owned(),
            "p99 µs".to_owned(),
            "p99.9 µs".to_owned(),
            "memory MiB".to_owned(),
            "client busy %".to_owned(),
        ];
        Table {
            title: Self::title(cores, load),
            about:
                "Medians of all rounds. Ratios are computed within a round and have their minimum \
                    and maximum in parentheses."
                    .to_owned(),
            columns: columns.to_vec(),
            rows: rows.collect(),
        }
    }
}

/// A load as text.
pub(crate) fn setting(cores: Cores, load: InFlight) -> String {
    let cores = match cores {
        Cores::One => "the server on one core",
        Cores::All => "the server on all cores",
    };
    let InFlight { connections, streams } = load;
    match (load.calls(), connections) {
        (1, _) => format!("{cores}, 1 call in flight"),
        (calls, 1) => format!("{cores}, {calls} in flight on a connection"),
        (calls, _) => format!("{cores}, {calls} in flight ({connections} connections × {streams})"),
    }
}
