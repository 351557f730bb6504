//! How the cost of a call grows with what is asked: larger messages, more connections, more calls, streams.
//!
//! Short measurements, because there are many of them: what is looked for is a cliff in a curve and not
//! a few percent, which [`throughput`](super::throughput) has.
//!
//! - [`axis`], [`setting`]: what is varied, and what is asked at each point
//! - [`view`]: what is looked at, in all rounds
//! - [`figure`], [`tables`]: how it is shown

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

/// How often a measurement is made again from which the machine was stolen.
const ATTEMPTS: usize = 2;

/// How long all of it may take, on a machine that is busy with something else.
const LIMIT: Duration = Duration::from_secs(260);

const MEASURED: Duration = Duration::from_millis(240);
const WARM_UP: Duration = Duration::from_millis(80);

/// How much longer a server is warmed up for each call in flight: connections have to be accepted first.
const WARM_UP_PER_CALL: Duration = Duration::from_micros(400);

/// A measurement and what it is of.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Point {
    pub(crate) round: usize,
    pub(crate) server: String,
    pub(crate) setting: Setting,
    /// Messages of a call, in both directions.
    pub(crate) messages: u64,
    pub(crate) measured: Measurement,
}

/// All points of a run.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Growth {
    pub(crate) points: Vec<Point>,
    /// Measurements that were thrown away because the machine was stolen from.
    pub(crate) stolen: usize,
    /// The servers in their order.
    servers: Vec<String>,
    reference: Option<String>,
    /// Those with streams.
    streaming: Vec<String>,
    /// What they are compared with, as the reference may have no streams.
    streaming_reference: Option<String>,
}

/// What went wrong, of which server, and where: told once, however often it happens.
type Failures = BTreeMap<(String, String), Vec<Setting>>;

impl Growth {
    /// Measures in so many rounds.
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
            eprintln!("bench: how cost grows, round {} of {rounds}", number + 1);
            let order = round::order(exchanges.keys().copied(), contenders);
            for (contender, setting) in order.into_iter().filter(is_asked) {
                let has_failed = failures.iter().any(|((server, _), settings)| {
                    *server == contender.name && settings.contains(&setting)
                });
                if Instant::now() < end && problems.has_no(contender) && !has_failed {
                    match growth.point(bench, number, contender, setting, &exchanges[&setting]) {
                        Ok(()) => {}
                        Err(error @ NotMeasured::Start(_)) => problems.leave_out(contender, &error),
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
            problems.tell(format!(
                "how cost grows could not be measured everywhere within {LIMIT:?}: the machine is busy"
            ));
        }
        growth.tell_of_limits(problems);
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

    /// Says where a server had fewer calls in flight than it was to have.
    fn tell_of_limits(&self, problems: &mut Problems) {
        let limited = self.points.iter().filter_map(|point| {
            let asked = point.setting.in_flight.streams;
            let allowed = point.measured.streams;
            (allowed < asked).then(|| (point.server.clone(), allowed, asked))
        });
        for (server, allowed, asked) in limited.collect::<BTreeSet<_>>() {
            problems.tell(format!(
                "{server} allows {allowed} calls at once on a connection, so {asked} of them were \
                 measured as {allowed}"
            ));
        }
    }
}

/// All settings of all axes, each with what is sent.
fn exchanges() -> BTreeMap<Setting, Vec<Exchange>> {
    let settings = Axis::ALL.into_iter().flat_map(Axis::settings);
    settings.map(|setting| (setting, setting.exchanges())).collect()
}

fn is_asked((contender, setting): &(&Contender, Setting)) -> bool {
    setting.kind == setting::Kind::Unary || contender.has(Trait::Streams)
}
