//! One measurement: a new server, a load, and the resources that both used.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contender::CannotStart;
use super::contender::Contender;
use super::load::Extent;
use super::load::Load;
use super::load::LoadError;
use super::load::exchange::Exchange;
use super::pinning;
use super::pinning::Cores;
use super::usage;
use grpc_interop::config::Places;

/// The maximum fraction of CPU time that other machines may take (steal) in a valid measurement.
const STOLEN: f64 = 0.02;

/// The number of calls in flight and of connections.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct InFlight {
    pub(crate) connections: usize,
    /// The number of calls on each connection.
    pub(crate) streams: usize,
}

impl InFlight {
    pub(crate) fn calls(self) -> usize {
        self.connections * self.streams
    }
}

/// The result of a measurement.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Measurement {
    pub(crate) calls_per_second: f64,
    /// CPU time of the server per call in microseconds; `None` if the system does not report it.
    pub(crate) cpu_per_call: Option<f64>,
    /// The median latency in microseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    /// The peak memory of the server in KiB.
    pub(crate) memory: Option<u64>,
    /// The number of calls in flight on each connection. The server may allow fewer than requested.
    pub(crate) streams: usize,
    /// The fraction of the time in which the load generator was running.
    pub(crate) client_busy: f64,
    /// The fraction of CPU time that other machines took (steal).
    pub(crate) stolen: f64,
}

impl Measurement {
    /// Whether the measurement is valid.
    pub(crate) fn counts(&self) -> bool {
        self.stolen <= STOLEN
    }
}

/// The reason why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMeasured {
    #[error(transparent)]
    Start(#[from] CannotStart),
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// The environment and options of measurements.
#[derive(Clone, Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) places: &'a Places,
    pub(crate) logs: &'a Path,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

impl Bench<'_> {
    /// Measures up to this number of `attempts`, until a measurement is valid. The others are counted in `stolen`.
    pub(crate) fn measure_undisturbed(
        &self,
        attempts: usize,
        contender: &Contender,
        cores: Cores,
        in_flight: InFlight,
        exchanges: &Rc<[Exchange]>,
        stolen: &mut usize,
    ) -> Result<Option<Measurement>, NotMeasured> {
        for _ in 0..attempts {
            let measured = self.measure(contender, cores, in_flight, exchanges)?;
            if measured.counts() {
                return Ok(Some(measured));
            }
            *stolen += 1;
        }
        Ok(None)
    }

    /// Starts the contender, applies a load of `exchanges`, and stops it.
    pub(crate) fn measure(
        &self,
        contender: &Contender,
        cores: Cores,
        in_flight: InFlight,
        exchanges: &Rc<[Exchange]>,
    ) -> Result<Measurement, NotMeasured> {
        let running = contender.start(self.places, cores, self.logs)?;
        let pid = running.server.process.pid();
        let load = Load {
            exchanges: Rc::clone(exchanges),
            connections: in_flight.connections,
            streams: in_flight.streams,
            extent: Extent::Time { warm_up: self.warm_up, measured: self.measured },
        };
        let observe = || (usage::cpu_time(pid), usage::stolen());
        let applied = pinning::off_the_server(cores, || load.apply(running.address, observe));
        let (done, (cpu_before, stolen_before), (cpu_after, stolen_after)) = applied?;
        let seconds = done.elapsed.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 calls and nanoseconds")]
        let (calls, microseconds) =
            (done.calls as f64, |quantile| done.latencies.value_at_quantile(quantile) as f64 / 1e3);
        let cpu = cpu_after.zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
        let cores = u32::try_from(pinning::allowed().len().max(1)).unwrap_or(u32::MAX);
        let machine_time = seconds * f64::from(cores);
        Ok(Measurement {
            calls_per_second: calls / seconds,
            cpu_per_call: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / calls),
            p50: microseconds(0.5),
            p99: microseconds(0.99),
            p999: microseconds(0.999),
            memory: usage::peak_memory(pid),
            streams: done.streams,
            client_busy: done.busy,
            stolen: (stolen_after.saturating_sub(stolen_before)).as_secs_f64() / machine_time,
        })
    }
}
