//! Measures how the cost of a call grows with larger messages, more connections, more calls and more streams.
//!
//! The measurements are short, because there are many of them. Their purpose is to find steps in a curve, not
//! differences of a few percent, for which [`throughput`](super::throughput) exists.
//!
//! - [`axis`], [`setting`]: the varied parameter, and the load at each point
//! - [`view`]: the evaluation over all rounds
//! - [`figure`], [`tables`]: figures and tables

mod axis;
mod figure;
mod setting;
mod tables;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::contender::Contender;
use super::contender::Role;
use super::contender::Trait;
use super::load::exchange::Exchange;
use super::measurement::Bench;
use super::measurement::Measurement;
use super::measurement::NotMeasured;
use super::pinning::Cores;
use super::problems::Problems;
use super::round;
use axis::Axis;
use setting::Setting;

/// How often a measurement is repeated if other machines took CPU time (steal).
const ATTEMPTS: usize = 2;

/// The maximum duration of all measurements, for busy machines.
const LIMIT: Duration = Duration::from_secs(260);

const MEASURED: Duration = Duration::from_millis(240);
const WARM_UP: Duration = Duration::from_millis(80);

/// The additional warm-up per call in flight, because connections must be accepted first.
const WARM_UP_PER_CALL: Duration = Duration::from_micros(400);

/// A measurement with its server and setting.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Point {
    pub(crate) round: usize,
    pub(crate) server: String,
    pub(crate) setting: Setting,
    /// The number of messages of a call, in both directions.
    pub(crate) messages: u64,
    pub(crate) measured: Measurement,
}

/// All points of a run.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Growth {
    pub(crate) points: Vec<Point>,
    /// The number of measurements discarded because other machines took CPU time (steal).
    pub(crate) stolen: usize,
    /// The servers in order.
    servers: Vec<String>,
    reference: Option<String>,
    /// The servers with streaming methods.
    streaming: Vec<String>,
    /// The reference of those servers, because the reference may have no streaming methods.
    streaming_reference: Option<String>,
}

/// The failures by server and message, with their settings. Each is reported only once.
type Failures = BTreeMap<(String, String), Vec<Setting>>;

impl Growth {
    /// Measures all points in this number of `rounds`.
    pub(crate) fn measure(
        bench: &Bench<'_>,
        contenders: &[Contender],
        rounds: usize,
        problems: &mut Problems,
    ) -> Self {
        let mut growth = Self::of(contenders);
        let exchanges = exchanges();
        let mut failures = Failures::new();
        let end = Instant::now() + LIMIT;
        for number in 0..rounds {
            grpc_interop::output::err!("bench: growth of cost, round {} of {rounds}", number + 1);
            let order = round::order(exchanges.keys().copied(), contenders);
            for (contender, setting) in order.into_iter().filter(is_applicable) {
                let has_failed = failures.iter().any(|((server, _), settings)| {
                    *server == contender.name && settings.contains(&setting)
                });
                if Instant::now() < end && problems.measures(contender) && !has_failed {
                    match growth.point(bench, number, contender, setting, &exchanges[&setting]) {
                        Ok(()) => {}
                        Err(error @ NotMeasured::Start(_)) => problems.exclude(contender, &error),
                        Err(error) => {
                            let failure = (contender.name.clone(), error.to_string());
                            failures.entry(failure).or_default().push(setting);
                        }
                    }
                }
            }
        }
        for ((server, error), mut settings) in failures {
            settings.sort();
            let at: Vec<_> = settings.iter().map(ToString::to_string).collect();
            problems.fail(format!("{server}: {error} (with {})", at.join("; ")));
        }
        if Instant::now() >= end {
            problems.report(format!(
                "the growth of cost was not measured at all points within {LIMIT:?}, because the machine is busy"
            ));
        }
        growth.report_limits(problems);
        growth
    }

    fn of(contenders: &[Contender]) -> Self {
        let streaming: Vec<_> = contenders.iter().filter(|one| one.has(Trait::Streams)).collect();
        let reference = contenders.iter().find(|one| one.role == Role::Reference);
        let streaming_reference = reference
            .filter(|one| one.has(Trait::Streams))
            .or_else(|| streaming.iter().copied().find(|one| one.role == Role::Rival));
        let name = |one: &Contender| one.name.clone();
        Self {
            servers: contenders.iter().map(name).collect(),
            reference: reference.map(name),
            streaming: streaming.into_iter().map(name).collect(),
            streaming_reference: streaming_reference.map(name),
            ..Self::default()
        }
    }

    fn point(
        &mut self,
        bench: &Bench<'_>,
        round: usize,
        contender: &Contender,
        setting: Setting,
        exchanges: &[Exchange],
    ) -> Result<(), NotMeasured> {
        let calls = u32::try_from(setting.in_flight.calls()).unwrap_or(u32::MAX);
        let warm_up = WARM_UP + WARM_UP_PER_CALL.saturating_mul(calls);
        let bench = Bench { warm_up, measured: MEASURED, ..bench.clone() };
        let messages = exchanges.first().map_or(0, |exchange| exchange.messages);
        let exchanges = contender.answers(exchanges.to_vec());
        let measured = bench.measure_undisturbed(
            ATTEMPTS,
            contender,
            Cores::One,
            setting.in_flight,
            &exchanges,
            &mut self.stolen,
        )?;
        self.points.extend(measured.map(|measured| {
            let server = contender.name.clone();
            Point { round, server, setting, messages, measured }
        }));
        Ok(())
    }

    /// Reports servers that allowed fewer calls in flight than requested.
    fn report_limits(&self, problems: &mut Problems) {
        let limited = self.points.iter().filter_map(|point| {
            let asked = point.setting.in_flight.streams;
            let allowed = point.measured.streams;
            (allowed < asked).then(|| (point.server.clone(), allowed, asked))
        });
        for (server, allowed, asked) in limited.collect::<BTreeSet<_>>() {
            problems.report(format!(
                "{server} allows only {allowed} calls at once on a connection, so the points with {asked} \
                 calls were measured with {allowed}"
            ));
        }
    }
}

/// All settings of all axes, each with its exchanges.
fn exchanges() -> BTreeMap<Setting, Vec<Exchange>> {
    let settings = Axis::ALL.into_iter().flat_map(Axis::settings);
    settings.map(|setting| (setting, setting.exchanges())).collect()
}

/// Whether the server has methods of this kind.
fn is_applicable((contender, setting): &(&Contender, Setting)) -> bool {
    setting.kind == setting::Kind::Unary || contender.has(Trait::Streams)
}
