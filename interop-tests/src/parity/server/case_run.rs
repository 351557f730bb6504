//! Runs a probe at a server of the calculator, and decides which probes run at the same time.

use parking_lot::RwLock;

use crate::capture::recorder::Recorder;
use crate::outcome::Observation;
use crate::parity::baseline::CaseRun;
use crate::probe::exchange::{Exchange, PROBES_AT_ONCE, exchange};
use crate::probe::lines;
use crate::probe::quiescence::ProbeError;
use crate::probe::table::Probe;
use crate::probe::target::{Server, Target};
use crate::process::Semaphore;

/// The outcome of an ordinary call to the calculator that the probe did not affect.
const ORDINARY: &str = "HTTP status 200, grpc-status 0, messages 0d00008040, initial metadata \
                        content-type: application/grpc; grpc-accept-encoding: identity, deflate, gzip, end END_STREAM";

/// Decides which probes of one server run at the same time.
///
/// A burst runs alone, because it would affect the responses to other probes and they would affect its own.
#[derive(Debug)]
pub(crate) struct Admission {
    bursts: RwLock<()>,
    permits: Semaphore,
}

impl Default for Admission {
    fn default() -> Self {
        Self { bursts: RwLock::default(), permits: Semaphore::new(PROBES_AT_ONCE) }
    }
}

/// Runs `probe` against the calculator at `address` when `admission` permits it; `recorder` records the connection.
pub(crate) fn run(
    probe: &Probe,
    address: &str,
    admission: &Admission,
    recorder: &Recorder,
) -> Result<CaseRun, ProbeError> {
    let _permit = admission.permits.acquire();
    let _alone = probe.is_burst().then(|| admission.bursts.write());
    let _shared = (!probe.is_burst()).then(|| admission.bursts.read());
    let server = Server { address, target: &Target::calculator() };
    let exchange = exchange(probe, server, recorder)?;
    let Exchange { endpoint, next_call, mut sent, began } = exchange;
    let mut observation = Observation::default();
    // The GOAWAY shows why a server has closed the connection, even if it is not compared.
    sent.extend(endpoint.goaway.as_ref().map(lines::whole_goaway));
    lines::add_streams(&mut observation, &endpoint, probe.times > 1);
    observation.add("connection", lines::end(&endpoint, probe.ends_connection()));
    if let Some(stream) = next_call {
        let line = lines::in_one_line(&stream, &endpoint);
        let is_ordinary = line == ORDINARY;
        observation.add("next call", if is_ordinary { "answered".to_owned() } else { line });
    }
    Ok(CaseRun { observed: observation.clone(), masked: observation, sent, began })
}
