//! How long a probe waits, and when a response counts as missing.
//!
//! On a busy machine, a late response must not be mistaken for a missing one. So a response counts as missing only
//! after the server has responded to an ordinary call that was made later on another connection. That call uses the
//! same threads, and its duration shows how busy they are.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::http2::frame::{flag, kind};
use crate::http2::header_block;
use crate::http2::{Activity, Endpoint, Frame, Observers, Role, Stream, Timeout};
use crate::http2::{Piece, body, script::IDLE_TIMEOUT};
use crate::probe::{table::legal, target::Server};

/// How much longer to wait after the server has responded to an ordinary call.
const GRACE: Duration = Duration::from_millis(80);

/// How long a server may take to respond to an ordinary call.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may keep sending frames.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The reason why a probe has no observation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    /// The connection was refused or failed.
    #[error("cannot connect to the server at {address}: {source}")]
    Connect { address: String, source: std::io::Error },
    /// The server did not respond to an ordinary call.
    #[error(
        "the server did not respond to an ordinary call on another connection within {CALL_TIMEOUT:?}"
    )]
    Unresponsive,
    /// The server did not stop sending frames.
    #[error("the server was still sending frames after {TIMEOUT:?}")]
    Endless,
}

/// Waits until `done`, until the connection has ended, or until no more frames can be expected.
pub(crate) fn wait(
    endpoint: &mut Endpoint,
    server: Server<'_>,
    done: impl Fn(&Endpoint) -> bool,
) -> Result<(), ProbeError> {
    let limit = Instant::now() + TIMEOUT;
    endpoint.flush();
    while !done(endpoint) && !endpoint.is_closed {
        if Instant::now() > limit {
            return Err(ProbeError::Endless);
        }
        if endpoint.process_frame(Timeout::Idle(IDLE_TIMEOUT)) {
            continue;
        }
        let begin = Instant::now();
        ordinary_response(server, begin + CALL_TIMEOUT)?;
        let now = Instant::now();
        if !endpoint.process_frame(Timeout::At(now + GRACE + 3 * (now - begin))) {
            break;
        }
    }
    Ok(())
}

/// Waits for frames that may follow, such as RST_STREAM after a response.
pub(crate) fn linger(endpoint: &mut Endpoint, done: impl Fn(&Endpoint) -> bool) {
    let limit = Instant::now() + TIMEOUT;
    endpoint
        .process_until(Timeout::Idle(GRACE), |endpoint| done(endpoint) || Instant::now() >= limit);
}

/// Waits until a call ends like an ordinary one: grpcio rejects calls while more than 1000 wait for a thread.
pub(crate) fn wait_for_calm(server: Server<'_>) -> Result<(), ProbeError> {
    let limit = Instant::now() + CALL_TIMEOUT;
    while !server.target.has_ordinary_status(&ordinary_response(server, limit)?) {
        if Instant::now() > limit {
            return Err(ProbeError::Unresponsive);
        }
    }
    Ok(())
}

/// Makes an ordinary call on a separate connection; returns the response.
pub(crate) fn ordinary_response(server: Server<'_>, limit: Instant) -> Result<Stream, ProbeError> {
    const STREAM: u32 = 1;
    let mut endpoint = connect(server.address, Observers::none())?;
    endpoint.send_preface(&[]);
    ordinary_call(&mut endpoint, STREAM, server)?;
    let is_answered = |e: &Endpoint| e.streams.get(&STREAM).is_some_and(Stream::is_complete);
    if !endpoint.process_until(Timeout::At(limit), is_answered) {
        return Err(ProbeError::Unresponsive);
    }
    Ok(endpoint.streams.remove(&STREAM).unwrap_or_default())
}

/// Connects to the server at `address`.
pub(crate) fn connect(address: &str, observers: Observers) -> Result<Endpoint, ProbeError> {
    let error = |source| ProbeError::Connect { address: address.to_owned(), source };
    TcpStream::connect(address)
        .and_then(|socket| Endpoint::new(Role::Client, socket, observers, Activity::default()))
        .map_err(error)
}

/// Sends a legal request as soon as flow control permits.
pub(crate) fn ordinary_call(
    endpoint: &mut Endpoint,
    stream: u32,
    server: Server<'_>,
) -> Result<(), ProbeError> {
    let block = header_block::encode(&legal(&server.target.path));
    let message = body::bytes(&[Piece::of(&server.target.message)]);
    endpoint.send(&Frame::new(kind::HEADERS, flag::END_HEADERS, stream, block));
    let size = message.len();
    // Earlier calls may have exhausted the connection's window.
    let may_send = |endpoint: &Endpoint| endpoint.windows.available(stream) >= size;
    wait(endpoint, server, |endpoint| may_send(endpoint) || endpoint.goaway.is_some())?;
    if may_send(endpoint) {
        endpoint.windows.consume(stream, size);
        endpoint.send(&Frame::new(kind::DATA, flag::END_STREAM, stream, message));
    }
    Ok(())
}
