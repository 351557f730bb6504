//! A server that takes part in a comparison: it is started when it is first called, and again after it has exited.
//!
//! The latency and the memory are those of the calls of one comparison, so each comparison has servers of its own.

use std::path::Path;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::compare::case::Case;
use crate::compare::exchange::Client;
use crate::compare::response::{CallEnd, Response};
use crate::config::Program;
use crate::outcome::comparison::Performance;
use crate::process::{Logs, RunContext, RunningServer, ServerConfig, SharedServer, group};

/// How often a server is started again after it has exited. A server that crashes in every case would make a run
/// extremely slow.
const MOST_EXITS: usize = 20;

/// The longest duration that is distinguished, in microseconds.
const MOST_MICROS: u64 = 3_600_000_000;

/// A server that takes part in a comparison.
pub(crate) struct ComparedServer {
    peer: String,
    program: Program,
    starter: SharedServer,
    running: Option<RunningServer>,
    /// Whether the setup calls have been made since it started.
    pub(crate) is_prepared: bool,
    client: Client,
    exits: usize,
    /// The durations of calls in microseconds.
    latencies: Option<Histogram<u64>>,
    peak_memory_mib: Option<f64>,
}

impl ComparedServer {
    /// The server of `peer`, which runs this `program`. Its logs go to `log`.
    pub(crate) fn new(peer: &str, program: &Program, log: &Path) -> Self {
        Self {
            peer: peer.to_owned(),
            program: program.clone(),
            starter: SharedServer::new(program.clone(), log, ServerConfig::default()),
            running: None,
            is_prepared: false,
            client: Client::default(),
            exits: 0,
            latencies: Histogram::new_with_bounds(1, MOST_MICROS, 2).ok(),
            peak_memory_mib: None,
        }
    }

    /// Makes a call, and waits at most `limit` for the response. The error is why the server does not run.
    pub(crate) fn call(
        &mut self,
        path: &str,
        case: &Case,
        limit: Duration,
        context: &RunContext,
    ) -> Result<Response, String> {
        let address = self.address(context)?;
        let mut response = self.client.call(&address, path, case, limit);
        if matches!(response.end, CallEnd::ConnectionClosed(_) | CallEnd::Refused(_))
            && let Some(how) = self.exit()
        {
            response.end = CallEnd::Exited(how);
        }
        if let Some(latencies) = &mut self.latencies {
            let micros = u64::try_from(response.duration.as_micros()).unwrap_or(u64::MAX);
            latencies.saturating_record(micros);
        }
        Ok(response)
    }

    /// The address of the server. Starts the server if it does not run.
    pub(crate) fn address(&mut self, context: &RunContext) -> Result<String, String> {
        if let Some(address) = &self.program.attach {
            return Ok(address.to_string());
        }
        if let Some(server) = &self.running
            && server.process.has_exited().is_none()
        {
            return Ok(server.address.clone());
        }
        if self.exits > MOST_EXITS {
            return Err(format!(
                "the server of `{}` exited {} times and is not started again",
                self.peer, self.exits
            ));
        }
        self.stop();
        let server = self.starter.start_anywhere(context);
        let server = server.map_err(|why| format!("peer `{}`: {why}", self.peer))?;
        Ok(self.running.insert(server).address.clone())
    }

    /// How the server exited, if it has.
    pub(crate) fn exit(&mut self) -> Option<String> {
        let exit = self.running.as_mut()?.exit(false)?;
        self.exits += 1;
        Some(format!("with {exit}"))
    }

    /// Ends the server, so that the next call starts a new one.
    pub(crate) fn stop(&mut self) {
        self.measure_memory();
        self.client.close();
        self.running = None;
        // An attached server keeps running.
        self.is_prepared &= self.is_attached();
    }

    fn measure_memory(&mut self) {
        let Some(server) = &self.running else { return };
        let peak = group::peak_memory_mib(server.process.pid());
        self.peak_memory_mib = self.peak_memory_mib.into_iter().chain(peak).reduce(f64::max);
    }

    /// Whether it was started, by the tool or by the user. It may have exited since.
    pub(crate) fn has_started(&self) -> bool {
        self.running.is_some() || self.is_attached()
    }

    /// Whether the user has started it.
    fn is_attached(&self) -> bool {
        self.program.attach.is_some()
    }

    pub(crate) fn command(&self, context: &RunContext) -> Option<String> {
        self.starter.command(context)
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.starter.logs
    }

    /// The latency and the memory since the last time, if there were calls.
    pub(crate) fn take_performance(&mut self) -> Option<Performance> {
        self.measure_memory();
        let latencies = self.latencies.as_mut().filter(|latencies| !latencies.is_empty())?;
        let milliseconds = |quantile| {
            let micros = latencies.value_at_quantile(quantile);
            #[expect(clippy::cast_precision_loss, reason = "durations of calls are exact")]
            let milliseconds = micros as f64 / 1000.0;
            milliseconds
        };
        let performance = Performance {
            peer: self.peer.clone(),
            p50_ms: milliseconds(0.5),
            p99_ms: milliseconds(0.99),
            peak_memory_mib: self.peak_memory_mib.take(),
        };
        latencies.reset();
        Some(performance)
    }
}
