//! The scripted server of a behaviour, which runs the script on every connection.
//!
//! A client may connect more than once, even before and after its call. All its data has arrived only when it has
//! closed its connections. The wait for a client that keeps them open is short.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

use parking_lot::{Condvar, Mutex};

use crate::capture::recorder::{ConnectionRecorder, Recorder};
use crate::http2::{Activity, Endpoint, Role, Script};
use crate::parity::client::{requests::RequestsOfConnection, table::Behaviour};

/// How long a client may take to close its connections after its call.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(700);

/// The scripted server of one behaviour.
#[derive(Debug)]
pub(crate) struct ScriptedServer {
    behaviour: Arc<Behaviour>,
    recorder: Recorder,
    /// The activity on its connections.
    pub(crate) activity: Activity,
    /// How often the script has started, on all connections.
    attempts: AtomicUsize,
    connections: Mutex<Connections>,
    connection_closed: Condvar,
}

#[derive(Debug, Default)]
struct Connections {
    has_ended: bool,
    open: usize,
    /// When the client connected for the first time.
    first: Option<Instant>,
    /// The sockets to shut down when the server ends.
    sockets: BTreeMap<usize, TcpStream>,
    /// One thread for each connection.
    threads: Vec<JoinHandle<RequestsOfConnection>>,
    /// The frames sent in the first attempt, for failure messages.
    sent: Vec<String>,
}

impl ScriptedServer {
    /// A server for `behaviour`; `recorder` records its connections.
    pub(crate) fn of(behaviour: &Arc<Behaviour>, recorder: &Recorder) -> Arc<Self> {
        Arc::new(Self {
            behaviour: Arc::clone(behaviour),
            recorder: recorder.clone(),
            activity: Activity::default(),
            attempts: AtomicUsize::new(0),
            connections: Mutex::default(),
            connection_closed: Condvar::new(),
        })
    }

    /// Serves the connection `socket`, unless the server has ended.
    pub(crate) fn admit(self: &Arc<Self>, socket: TcpStream) {
        let mut connections = self.connections.lock();
        if connections.has_ended {
            return;
        }
        let number = connections.threads.len();
        connections.open += 1;
        connections.first.get_or_insert_with(Instant::now);
        if let Ok(copy) = socket.try_clone() {
            connections.sockets.insert(number, copy);
        }
        self.activity.record();
        let (server, recorder) = (Arc::clone(self), self.recorder.connect());
        connections.threads.push(thread::spawn(move || {
            let requests = server.serve(number, socket, recorder).unwrap_or_default();
            server.activity.record();
            server.connections.lock().open -= 1;
            server.connection_closed.notify_all();
            requests
        }));
    }

    /// Whether a client has connected.
    pub(crate) fn has_connection(&self) -> bool {
        !self.connections.lock().threads.is_empty()
    }

    /// How long ago calls began that were requested at `begin`: an agent that has to start first connects later.
    pub(crate) fn since(&self, begin: Instant) -> Duration {
        self.connections.lock().first.map_or(begin, |first| first.max(begin)).elapsed()
    }

    /// Ends the server; returns the requests of the client, and the frames that were sent to it.
    pub(crate) fn finish(&self) -> (Vec<RequestsOfConnection>, Vec<String>) {
        let mut connections = self.connections.lock();
        // After the timeout, the remaining connections are shut down.
        let is_open = |connections: &mut Connections| connections.open > 0;
        self.connection_closed.wait_while_for(&mut connections, is_open, CLOSE_TIMEOUT);
        connections.has_ended = true;
        self.recorder.ignore_ends();
        for socket in connections.sockets.values() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        let threads = std::mem::take(&mut connections.threads);
        drop(connections);
        let requests = threads.into_iter().filter_map(|thread| thread.join().ok()).collect();
        (requests, std::mem::take(&mut self.connections.lock().sent))
    }

    /// Runs the script on one connection, once for each request.
    fn serve(
        &self,
        number: usize,
        socket: TcpStream,
        recorder: ConnectionRecorder,
    ) -> io::Result<RequestsOfConnection> {
        let observers = recorder.observers(Role::Server);
        let endpoint = Endpoint::new(Role::Server, socket, observers, self.activity.clone())?;
        let response = self.behaviour.response();
        let mut script = Script::new(endpoint, &response);
        loop {
            let attempts = self.attempts.fetch_add(1, Ordering::SeqCst);
            let is_open = script.respond(&self.behaviour.actions(attempts));
            if attempts == 0 {
                self.connections.lock().sent = script.endpoint.socket.sent();
            }
            if !is_open || !script.wait_for_request() {
                break;
            }
        }
        // A reset is sent only if no other copy of the socket exists.
        self.connections.lock().sockets.remove(&number);
        let requests = RequestsOfConnection::of(&script.endpoint);
        script.finish();
        Ok(requests)
    }
}

/// A listener that passes each connection to a callback until it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    is_closed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens on `port` of 127.0.0.1, or on any free port if it is 0. Calls `admit` with each connection and the
    /// address of the client.
    pub(crate) fn open(
        port: u16,
        admit: impl Fn(TcpStream, SocketAddr) + Send + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let is_closed = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&is_closed);
        let thread = thread::spawn(move || {
            loop {
                let accepted = listener.accept();
                if closed.load(Ordering::SeqCst) {
                    break;
                }
                if let Ok((socket, from)) = accepted {
                    admit(socket, from);
                }
            }
        });
        Ok(Self { address, is_closed, thread: Some(thread) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.is_closed.store(true, Ordering::SeqCst);
        // Wakes the thread from accept().
        let _ = TcpStream::connect(self.address);
        let _ = thread.join();
    }
}
