//! How long a probe waits, and when silence is an answer.
//!
//! A late answer must not be mistaken for none on a busy machine. So silence counts only after the
//! server has answered an ordinary call on another connection that was made after it: that call
//! goes through the same threads, and how long it takes tells how busy they are.

use std::time::{Duration, Instant};

use crate::capture::recorder::Recorder;
use crate::http2::body;
use crate::http2::frame::{Frame, flag, kind};
use crate::http2::header_block;
use crate::parity::server::connection::Connection;
use crate::parity::server::request;
use crate::parity::server::response::Answer;

/// How long nothing comes before the server is asked whether it still lives.
///
/// grpcio runs some of its work, such as resetting the stream of a request with a method that it does
/// not take, only when a thread of its pool wakes up, and lets those sleep for up to a second. So an
/// idle server may take as long; a probe waits beside others, not one after the other.
pub(crate) const QUIET: Duration = Duration::from_millis(1500);

/// How long is still waited after the server has shown that it lives.
const GRACE: Duration = Duration::from_millis(80);

/// When a server that answers no ordinary call is given up.
const LIFE_LIMIT: Duration = Duration::from_secs(10);

/// When a server that never comes to an end is given up.
const LIMIT: Duration = Duration::from_secs(30);

/// Why a probe has no observation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    #[error("no connection to {address}: {source}")]
    Connect { address: String, source: std::io::Error },
    #[error("the server did not answer an ordinary call on another connection in {LIFE_LIMIT:?}")]
    NoLife,
    #[error("the server went on for {LIMIT:?} without coming to an end")]
    Endless,
}

/// Waits until `done`, the end of the connection, or silence that counts.
pub(crate) fn wait(
    connection: &mut Connection,
    address: &str,
    done: impl Fn(&Connection) -> bool,
) -> Result<(), ProbeError> {
    let limit = Instant::now() + LIMIT;
    connection.flush();
    while !done(connection) && !connection.is_closed {
        if Instant::now() > limit {
            return Err(ProbeError::Endless);
        }
        let quiet = connection.last_sign + QUIET;
        if connection.take_notice(quiet) {
            continue;
        }
        let took = sign_of_life(address)?;
        if !connection.take_notice(Instant::now() + GRACE + 3 * took) {
            break;
        }
    }
    Ok(())
}

/// Waits for what the server sends without being asked, such as RST_STREAM after its answer.
pub(crate) fn linger(connection: &mut Connection, done: impl Fn(&Connection) -> bool) {
    let limit = Instant::now() + LIMIT;
    while !done(connection) && Instant::now() < limit {
        let quiet = connection.last_sign + GRACE;
        if !connection.take_notice(quiet) {
            break;
        }
    }
}

/// Waits until the server answers an ordinary call as usual: grpcio turns calls away while more than
/// 1000 wait for a thread.
pub(crate) fn wait_for_calm(address: &str) -> Result<(), ProbeError> {
    let limit = Instant::now() + LIFE_LIMIT;
    loop {
        let answer = ordinary_answer(address, limit)?;
        if !answer.data.is_empty() {
            return Ok(());
        }
        if Instant::now() > limit {
            return Err(ProbeError::NoLife);
        }
    }
}

/// How long the server takes for an ordinary call on a connection of its own.
fn sign_of_life(address: &str) -> Result<Duration, ProbeError> {
    let begin = Instant::now();
    ordinary_answer(address, begin + LIFE_LIMIT)?;
    Ok(begin.elapsed())
}

/// The answer to an ordinary call on a connection of its own.
fn ordinary_answer(address: &str, limit: Instant) -> Result<Answer, ProbeError> {
    // It belongs to no trial.
    let mut connection = connect(address, &Recorder::default())?;
    connection.send_preface();
    ordinary_call(&mut connection, 1, address)?;
    let is_answered = |c: &Connection| c.answers.get(&1).is_some_and(Answer::is_complete);
    while !is_answered(&connection) {
        if !connection.take_notice(limit) {
            return Err(ProbeError::NoLife);
        }
    }
    Ok(connection.answers.remove(&1).unwrap_or_default())
}

pub(crate) fn connect(address: &str, tape: &Recorder) -> Result<Connection, ProbeError> {
    let error = |source| ProbeError::Connect { address: address.to_owned(), source };
    Connection::open(address, tape).map_err(error)
}

/// Sends a request that nothing is wrong with, as soon as flow control lets it.
pub(crate) fn ordinary_call(
    connection: &mut Connection,
    stream: u32,
    address: &str,
) -> Result<(), ProbeError> {
    let block = header_block::encode(&request::headers(&[]));
    let message = body::bytes(&[body::Piece::root_of_16()]);
    connection.send(&Frame::new(kind::HEADERS, flag::END_HEADERS, stream, block));
    let size = message.len();
    // Calls before this one may have filled the connection's window.
    wait(connection, address, |c| c.windows.room(stream) >= size || c.goaway.is_some())?;
    if connection.windows.room(stream) >= size {
        connection.windows.take(stream, size);
        connection.send(&Frame::new(kind::DATA, flag::END_STREAM, stream, message));
    }
    Ok(())
}
