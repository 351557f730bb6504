//! A probe played at a server, from the connection to the observation.
//!
//! At the end comes an ordinary call on the same connection where a client could make one: it
//! shows whether the connection still works, and once it is answered the server has seen everything
//! before it.

use std::time::Instant;

use crate::capture::recorder::Recorder;
use crate::outcome::observation::Observation;
use crate::parity::server::connection::Connection;
use crate::parity::server::lines;
use crate::parity::server::probe::Probe;
use crate::parity::server::quiescence;
use crate::parity::server::quiescence::ProbeError;
use crate::parity::server::response::Answer;
use crate::parity::server::script::Script;

/// How an ordinary call ends that nothing has disturbed.
const ORDINARY: &str = "HTTP status 200, grpc-status 0, messages 0d00008040, initial metadata \
                        content-type: application/grpc, end END_STREAM";

/// What came of a probe.
pub(crate) struct CaseRun {
    pub(crate) observation: Observation,
    /// The frames that went out, shortened.
    pub(crate) sent: Vec<String>,
    /// When there was room for it.
    pub(crate) began: Instant,
}

/// Plays `probe` at the server at `address`; what goes over the wire is taken on `tape`.
pub(crate) fn play(probe: &Probe, address: &str, tape: &Recorder) -> Result<CaseRun, ProbeError> {
    let began = Instant::now();
    let mut script = Script::new(probe, quiescence::connect(address, tape)?);
    script.play();
    let connection = &mut script.connection;
    let mut sent = connection.sent();
    quiescence::wait(connection, address, |c| {
        c.goaway.is_none() && c.answers.values().all(Answer::is_complete)
    })?;
    if probe.is_burst() {
        quiescence::wait_for_calm(address)?;
    }
    let next = next_call(&mut script, address)?;
    let connection = &mut script.connection;
    if next.is_none() {
        quiescence::wait(connection, address, |_| false)?;
    }
    quiescence::linger(connection, |c| c.is_closed || c.answers.values().all(Answer::is_closed));

    let mut observation = Observation::default();
    let next_answer = next.and_then(|stream| script.connection.answers.remove(&stream));
    let connection = &script.connection;
    // Even where it is not compared, it says why a server has ended a connection.
    sent.extend(connection.goaway.as_ref().map(lines::all_of));
    if probe.times == 1 {
        for (stream, answer) in &connection.answers {
            lines::add_stream(&mut observation, *stream, answer, connection);
        }
    } else {
        lines::add_counts(&mut observation, connection.answers.values(), connection);
    }
    observation.add("connection", lines::end_of(connection, script.said_goodbye));
    let went_on = connection.goaway.is_none() && !connection.is_closed;
    if let Some(answer) = next_answer.filter(|_| went_on) {
        let line = lines::in_one_line(&answer, connection);
        let is_ordinary = line == ORDINARY;
        observation.add("next call", if is_ordinary { "answered".to_owned() } else { line });
    }
    Ok(CaseRun { observation, sent, began })
}

/// Makes an ordinary call on the same connection, if a client could; gives its stream.
fn next_call(script: &mut Script<'_>, address: &str) -> Result<Option<u32>, ProbeError> {
    let could = |c: &Connection| !c.is_closed && c.goaway.is_none();
    if !script.may_go_on || !could(&script.connection) {
        return Ok(None);
    }
    let stream = script.new_stream();
    let connection = &mut script.connection;
    connection.acknowledges = true;
    quiescence::ordinary_call(connection, stream, address)?;
    quiescence::wait(connection, address, |c| {
        c.goaway.is_none() && c.answers.get(&stream).is_some_and(Answer::is_complete)
    })?;
    Ok(Some(stream))
}
