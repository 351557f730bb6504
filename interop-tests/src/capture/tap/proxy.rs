//! Accepts connections, connects each to the server, and forwards between the two.
//!
//! Everything runs in one thread, which owns the only copy of every socket: a reset is sent when the
//! last copy is closed.

use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::mpsc::Sender;
use std::time::Instant;

use tokio::{select, sync::mpsc::UnboundedReceiver, task::JoinSet, time};

use crate::capture::recorder::{ConnectionRecorder, DirectionRecorder, Recorder};
use crate::capture::tap::socket::{Connection, Listener};
use crate::http2::Observer;

/// The maximum number of connections, more than any scenario needs. Further connections are reset.
const MAX_CONNECTIONS: usize = 256;

/// How many bytes are read at once.
const BUFFER: usize = 64 * 1024;

/// A command to a running proxy.
#[derive(Debug)]
pub(super) enum Command {
    /// Close the listener, and report when that is done.
    StopListening(Sender<()>),
    /// Listen again at this address, and report the result.
    Listen(String, Sender<io::Result<()>>),
    /// End when no connection is left, or at this time.
    Finish(Instant),
}

/// Forwards between clients of `listener` and `server` until it is to finish.
pub(super) async fn run(
    listener: Listener,
    server: String,
    recorder: Recorder,
    mut commands: UnboundedReceiver<Command>,
) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        select! {
            command = commands.recv() => match command {
                Some(Command::StopListening(done)) => {
                    listener = None;
                    let _ = done.send(());
                }
                Some(Command::Listen(address, result)) => {
                    let bound = Listener::bind(&address).await;
                    let _ = result.send(bound.map(|(bound, _)| listener = Some(bound)));
                }
                Some(Command::Finish(deadline)) => {
                    let all_end = async { while connections.join_next().await.is_some() {} };
                    let _ = time::timeout_at(deadline.into(), all_end).await;
                    return;
                }
                None => return,
            },
            client = accept(listener.as_ref()) => {
                let Ok(client) = client else { continue };
                let server = Connection::open(&server);
                if let Some(server) = server.ok().filter(|_| connections.len() < MAX_CONNECTIONS) {
                    connections.spawn(forward_both([client, server], recorder.connect()));
                } else {
                    // The connection has been accepted, so a reset is closest to a refused connection.
                    recorder.refuse_connection();
                    client.reset_on_drop();
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn accept(listener: Option<&Listener>) -> io::Result<Connection> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// Forwards between a client and a server until both directions have ended.
async fn forward_both(connections: [Connection; 2], recorder: ConnectionRecorder) {
    let mut recorders = [recorder.client, recorder.server];
    if let Some(side) = forward_until_reset(&connections, &mut recorders).await {
        recorders[side].reset();
        connections[1 - side].reset_on_drop();
    }
}

/// Forwards in both directions; returns the index of the side that has reset the connection, or
/// `None` when both sides have half-closed it.
async fn forward_until_reset(
    connections: &[Connection; 2],
    recorders: &mut [DirectionRecorder; 2],
) -> Option<usize> {
    let [client, server] = recorders;
    let mut directions =
        [pin!(forward(connections, 0, client)), pin!(forward(connections, 1, server))];
    let [requests, responses] = &mut directions;
    let (first, reset_by) = select! {
        reset_by = requests => (0, reset_by),
        reset_by = responses => (1, reset_by),
    };
    let other = 1 - first;
    if reset_by.is_none() {
        connections[other].half_close();
        return select! {
            reset_by = directions[other].as_mut() => reset_by,
            // Reading does not report a reset after a half-close.
            () = connections[first].error() => Some(first),
        };
    }
    if reset_by == Some(other) {
        // What the other side has sent before may still be readable.
        directions[other].as_mut().await;
    }
    reset_by
}

/// Forwards what the side with this index sends. Reads no more than the other side accepts, because otherwise the tap
/// would hide back pressure. Returns the side that has reset the connection or does not receive any more, or `None`
/// when this side has half-closed it.
async fn forward(
    connections: &[Connection; 2],
    side: usize,
    recorder: &mut DirectionRecorder,
) -> Option<usize> {
    let (from, to) = (&connections[side], &connections[1 - side]);
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = from.read(&mut buffer).await;
        let mut bytes = match read {
            Ok(0) => {
                recorder.half_closed();
                return None;
            }
            Ok(count) => &buffer[..count],
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return Some(side),
        };
        // Recorded first, so that a peer that has received a message finds it recorded.
        recorder.bytes(bytes);
        while !bytes.is_empty() {
            match to.write(bytes).await {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Some(1 - side),
            }
        }
    }
}
