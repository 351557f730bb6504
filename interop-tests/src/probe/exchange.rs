//! Sends a probe to a server and receives the responses.
//!
//! A probe ends with an ordinary call on the same connection, if a client could still make one. The call shows
//! whether the connection still works. Its response also shows that the server has processed all frames before it.

use std::time::{Duration, Instant};

use crate::capture::recorder::Recorder;
use crate::http2::{Action, End, Endpoint, Replies, Role, Script, Stream, Timeout};
use crate::probe::quiescence::{self, ProbeError};
use crate::probe::table::{Acknowledge, Probe};
use crate::probe::target::Server;

/// The maximum number of probes of one server at the same time. The reference has ten threads for calls.
pub(crate) const PROBES_AT_ONCE: usize = 16;

/// What a server has sent in response to a probe.
pub(crate) struct Exchange {
    /// The connection, with the streams of the probe.
    pub(crate) endpoint: Endpoint,
    /// The response to the ordinary call at the end, if the connection was still usable after it.
    pub(crate) next_call: Option<Stream>,
    /// The frames that the server received, shortened.
    pub(crate) sent: Vec<String>,
}

/// Runs `probe` against `server` at once; `recorder` records the connection.
pub(crate) fn exchange(
    probe: &Probe,
    server: Server<'_>,
    recorder: &Recorder,
) -> Result<Exchange, ProbeError> {
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
    Ok(Exchange { next_call: next_call.filter(|_| went_on), endpoint, sent })
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
