//! Runs a probe against a server, from the connection to the observation.
//!
//! A probe ends with an ordinary call on the same connection, if a client could still make one. The call shows
//! whether the connection still works. Its response also shows that the server has processed all frames before it.

use std::time::{Duration, Instant};

use parking_lot::RwLock;

use crate::capture::recorder::Recorder;
use crate::http2::{Action, End, Endpoint, Replies, Role, Script, Stream, Timeout};
use crate::outcome::Observation;
use crate::parity::server::probe::{Acknowledge, Probe};
use crate::parity::server::quiescence::{self, ProbeError};
use crate::parity::server::target::{Server, Target};
use crate::parity::{baseline::CaseRun, server::lines};
use crate::process::Semaphore;

/// The maximum number of probes of one server at the same time. The reference has ten threads for calls.
pub(crate) const PROBES_AT_ONCE: usize = 16;

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

/// What a server has sent in response to a probe.
pub(crate) struct Exchange {
    /// The connection, with the streams of the probe.
    pub(crate) endpoint: Endpoint,
    /// The response to the ordinary call at the end, if the connection was still usable after it.
    pub(crate) next_call: Option<Stream>,
    /// The frames that the server received, shortened.
    sent: Vec<String>,
    began: Instant,
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

/// Runs `probe` against `server` at once; `recorder` records the connection.
pub(crate) fn exchange(
    probe: &Probe,
    server: Server<'_>,
    recorder: &Recorder,
) -> Result<Exchange, ProbeError> {
    let began = Instant::now();
    let request = probe.request(&server.target.path);
    let observers = recorder.connect().observers(Role::Client);
    let endpoint = quiescence::connect(server.address, observers)?;
    let mut script = Script::new(endpoint, &request);
    send(probe, &mut script);
    let endpoint = &mut script.endpoint;
    let sent = endpoint.socket.sent();
    quiescence::wait(endpoint, server, |endpoint| {
        endpoint.goaway.is_none() && endpoint.streams.values().all(Stream::is_complete)
    })?;
    if probe.is_burst() {
        quiescence::wait_for_calm(server)?;
    }
    let next_call = next_call(probe, &mut script, server)?;
    let mut endpoint = script.endpoint;
    if next_call.is_none() {
        quiescence::wait(&mut endpoint, server, |_| false)?;
    }
    quiescence::linger(&mut endpoint, |endpoint| {
        endpoint.is_closed || endpoint.streams.values().all(Stream::is_closed)
    });
    let next_call = next_call.and_then(|stream| endpoint.streams.remove(&stream));
    let went_on = endpoint.goaway.is_none() && !endpoint.is_closed;
    Ok(Exchange { next_call: next_call.filter(|_| went_on), endpoint, sent, began })
}

/// Runs all actions of `probe`, without waiting for the effect of the last one.
fn send(probe: &Probe, script: &mut Script<'_>) {
    let acknowledges = probe.acknowledge_settings == Acknowledge::Before;
    script.endpoint.replies = if acknowledges { Replies::All } else { Replies::AllButSettings };
    script.act(&Action::Preface);
    if acknowledges && probe.preface.is_none() {
        let timeout = Timeout::At(Instant::now() + Duration::from_secs(10));
        script.endpoint.process_until(timeout, |endpoint| endpoint.received_settings);
    }
    let mut streams: Vec<_> = (0..probe.times).map(|_| script.new_stream()).collect();
    let mut act = |action: &Action, stream: &mut u32| {
        script.stream = *stream;
        match action {
            Action::Body if probe.end == End::Headers => {}
            Action::Body if probe.end == End::Trailers => {
                if script.send_body() {
                    script.act(&Action::Trailers);
                }
            }
            action => script.act(action),
        }
        *stream = script.stream;
    };
    // On all streams: either each action in turn, or all actions one after the other.
    for actions in probe.actions.chunks(if probe.together { 1 } else { probe.actions.len() }) {
        for stream in &mut streams {
            for action in actions {
                act(action, stream);
            }
        }
    }
    if probe.acknowledge_settings == Acknowledge::After {
        script.endpoint.replies = Replies::All;
        script.endpoint.acknowledge_settings();
    }
    script.endpoint.flush();
}

/// Makes an ordinary call on the same connection, if a client could still make one; returns its stream.
fn next_call(
    probe: &Probe,
    script: &mut Script<'_>,
    server: Server<'_>,
) -> Result<Option<u32>, ProbeError> {
    let stream = script.new_stream();
    let endpoint = &mut script.endpoint;
    let is_usable = probe.preface.is_none() && !probe.ends_connection();
    if !is_usable || endpoint.is_closed || endpoint.goaway.is_some() {
        return Ok(None);
    }
    endpoint.replies = Replies::All;
    quiescence::ordinary_call(endpoint, stream, server)?;
    quiescence::wait(endpoint, server, |endpoint| {
        endpoint.goaway.is_none() && endpoint.streams.get(&stream).is_some_and(Stream::is_complete)
    })?;
    Ok(Some(stream))
}
