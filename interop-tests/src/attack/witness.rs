//! The calls of another client while a server is attacked.
//!
//! It makes one call after the other, and checks each response, so that a server that answers wrongly is noticed as
//! well as one that does not answer.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::attack::{CALL_TIMEOUT, Outcome};
use crate::http2::frame::{flag, kind};
use crate::http2::frame_socket::Observers;
use crate::http2::header_block::changed;
use crate::http2::{Activity, Endpoint, Frame, Role, Timeout, body, header_block};
use crate::probe::table::LEGAL;

/// The time between two calls. Without it, the client would be part of the attack.
const PAUSE: Duration = Duration::from_millis(2);

/// The response to [`body::root_of_16`]: the message `Number` with the value 4.
const FOUR: &[u8] = &[0, 0, 0, 0, 5, 0x0d, 0, 0, 0x80, 0x40];

/// Which connections the calls use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// All the same.
    OneConnection,
    /// A new one for each call.
    NewConnections,
}

/// A client that makes calls in a thread of its own until it is stopped or dropped.
pub(super) struct Witness {
    is_stopped: Arc<AtomicBool>,
    /// `None` once it is stopped.
    thread: Option<JoinHandle<Calls>>,
}

/// What became of the calls.
#[derive(Default)]
struct Calls {
    answered: usize,
    slowest: Duration,
    failure: Option<String>,
}

impl Witness {
    /// Starts the calls, of which the first one has been answered when this returns.
    pub(super) fn start(address: SocketAddr, reach: Reach) -> io::Result<Self> {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let (started, is_started) = mpsc::channel();
        let stop = Arc::clone(&is_stopped);
        let thread = thread::spawn(move || {
            let first = Client::connect(address).and_then(|mut client| {
                client.call()?;
                Ok(client)
            });
            match first {
                Ok(client) => {
                    let _ = started.send(Ok(()));
                    make_calls(address, client, reach, &stop)
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                    Calls::default()
                }
            }
        });
        let first = is_started.recv().unwrap_or_else(|_| Err("the client ended".to_owned()));
        let error = |error| io::Error::other(format!("before the attack: {error}"));
        first.map(|()| Self { is_stopped, thread: Some(thread) }).map_err(error)
    }

    /// Ends the calls and adds what became of them to `outcome`.
    pub(super) fn stop(mut self, outcome: &mut Outcome) {
        let Some(Ok(Calls { answered, slowest, failure })) = self.join() else {
            outcome.failures.push("the other client panicked".to_owned());
            return;
        };
        outcome.calls += answered;
        outcome.slowest = outcome.slowest.max(slowest);
        outcome.failures.extend(failure);
    }

    fn join(&mut self) -> Option<thread::Result<Calls>> {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.join();
    }
}

/// Makes calls until one fails or `is_stopped`.
fn make_calls(
    address: SocketAddr,
    mut client: Client,
    reach: Reach,
    is_stopped: &AtomicBool,
) -> Calls {
    let mut calls = Calls::default();
    while !is_stopped.load(Ordering::Relaxed) {
        let start = Instant::now();
        let call = match reach {
            Reach::OneConnection => client.call(),
            Reach::NewConnections => call_once(address),
        };
        let elapsed = start.elapsed();
        calls.slowest = calls.slowest.max(elapsed);
        if let Err(error) = call {
            let number = calls.answered + 1;
            let on = if reach == Reach::OneConnection {
                "on its connection"
            } else {
                "on a new connection"
            };
            calls.failure = Some(format!("call {number} {on} failed after {elapsed:.1?}: {error}"));
            break;
        }
        calls.answered += 1;
        thread::sleep(PAUSE);
    }
    calls
}

/// Makes one call on a new connection.
pub(super) fn call_once(address: SocketAddr) -> Result<(), String> {
    Client::connect(address)?.call()
}

/// A connection on which calls are made one after the other.
struct Client {
    endpoint: Endpoint,
    stream: u32,
}

impl Client {
    fn connect(address: SocketAddr) -> Result<Self, String> {
        let connect = || {
            let socket = TcpStream::connect_timeout(&address, CALL_TIMEOUT)?;
            Endpoint::new(Role::Client, socket, Observers::none(), Activity::default())
        };
        let mut endpoint = connect().map_err(|error| format!("cannot connect: {error}"))?;
        endpoint.send_preface(&[]);
        Ok(Self { endpoint, stream: 1 })
    }

    fn call(&mut self) -> Result<(), String> {
        let (endpoint, stream) = (&mut self.endpoint, self.stream);
        self.stream += 2;
        let block = header_block::encode(&changed(LEGAL, &[]));
        endpoint.send(&Frame::new(kind::HEADERS, flag::END_HEADERS, stream, block));
        let body = body::bytes(&body::root_of_16());
        endpoint.send(&Frame::new(kind::DATA, flag::END_STREAM, stream, body));
        let timeout = Timeout::At(Instant::now() + CALL_TIMEOUT);
        endpoint.process_until(timeout, |endpoint| endpoint.is_over(stream));
        let is_closed = endpoint.is_closed;
        let response = endpoint.forget(stream);
        let status = response.blocks.last().and_then(|fields| {
            let status = fields.iter().find(|(name, _)| name == b"grpc-status");
            status.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        });
        match status.as_deref() {
            Some("0") if response.data == FOUR => Ok(()),
            Some(status) => Err(format!(
                "grpc-status {status}, message {:02x?} {}",
                response.data,
                response.malformed.unwrap_or_default()
            )),
            None if is_closed => Err("the server closed the connection".to_owned()),
            None => match response.received_reset {
                Some(code) => Err(format!("the server reset the stream with code {code}")),
                None => Err("no response".to_owned()),
            },
        }
    }
}
