//! The stage of a behaviour: it plays the script on every connection that it is given.
//!
//! A client may connect as often as it likes, also before its call and after it. Whoever asks for
//! what was sent waits until the client has closed its connections, because only then has all of it
//! come; one that keeps them open is not waited for long.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::capture::recorder::{ConnectionRecorder, Recorder};
use crate::parity::client::activity::Activity;
use crate::parity::client::requests::Sent;
use crate::parity::client::script::Script;
use crate::parity::client::scripted_connection::ScriptedConnection;
use crate::parity::client::table::Behaviour;

/// How long a client may take to close its connections after its call.
const FAREWELL: Duration = Duration::from_millis(700);

/// See the module; clones are the same stage. It is to be ended by whoever has made it.
#[derive(Clone, Debug)]
pub(crate) struct ScriptedServer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    behaviour: Arc<Behaviour>,
    tape: Recorder,
    sent: Sent,
    pulse: Activity,
    /// The frames of the first connection, for a failure.
    told: Mutex<Vec<String>>,
    attempts: AtomicUsize,
    connections: Mutex<Connections>,
    open: Mutex<usize>,
    closed: Condvar,
}

#[derive(Debug, Default)]
struct Connections {
    is_over: bool,
    /// How many there have been.
    count: usize,
    /// The sockets of those that are to be ended with the stage.
    sockets: BTreeMap<usize, TcpStream>,
    threads: Vec<JoinHandle<()>>,
}

impl ScriptedServer {
    /// A stage for `behaviour`; what goes over its connections is taken on `tape`.
    pub(crate) fn of(behaviour: &Arc<Behaviour>, tape: &Recorder) -> Self {
        Self(Arc::new(Shared {
            behaviour: Arc::clone(behaviour),
            tape: tape.clone(),
            sent: Sent::default(),
            pulse: Activity::default(),
            told: Mutex::default(),
            attempts: AtomicUsize::new(0),
            connections: Mutex::default(),
            open: Mutex::default(),
            closed: Condvar::new(),
        }))
    }

    /// Plays to whoever is at the other end of `socket`, unless the stage has ended.
    pub(crate) fn admit(&self, socket: TcpStream) {
        let mut connections = self.0.connections();
        if connections.is_over {
            return;
        }
        let number = connections.count;
        connections.count += 1;
        if let Ok(copy) = socket.try_clone() {
            connections.sockets.insert(number, copy);
        }
        *self.0.open.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.pulse.beat();
        let (shared, tracks) = (Arc::clone(&self.0), self.0.tape.connect());
        connections.threads.push(thread::spawn(move || {
            converse(number, socket, tracks, &shared);
            shared.pulse.beat();
            *shared.open.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
            shared.closed.notify_all();
        }));
    }

    /// Whether anybody has connected.
    pub(crate) fn has_been_found(&self) -> bool {
        self.0.connections().count > 0
    }

    /// What tells whether anything happens here.
    pub(crate) fn pulse(&self) -> &Activity {
        &self.0.pulse
    }

    /// Ends the play; gives what the client has sent, and what was sent to it.
    pub(crate) fn finish(&self) -> (Sent, Vec<String>) {
        let open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether it was too long does not matter: the connections that are left are ended.
        drop(self.0.closed.wait_timeout_while(open, FAREWELL, |open| *open > 0));
        self.end();
        let told = std::mem::take(&mut *self.0.told.lock().unwrap_or_else(PoisonError::into_inner));
        (self.0.sent.clone(), told)
    }

    /// Ends all connections; nobody is admitted any more.
    pub(crate) fn end(&self) {
        let threads = {
            let mut connections = self.0.connections();
            connections.is_over = true;
            self.0.tape.ignore_ends();
            for socket in connections.sockets.values() {
                let _ = socket.shutdown(Shutdown::Both);
            }
            std::mem::take(&mut connections.threads)
        };
        for thread in threads {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Plays the script on one connection, again for each request that comes after the first.
fn converse(number: usize, socket: TcpStream, tracks: ConnectionRecorder, shared: &Shared) {
    let (sent, pulse) = (shared.sent.clone(), shared.pulse.clone());
    let conversation = ScriptedConnection::new(number, socket, sent, pulse, tracks);
    let Ok(conversation) = conversation else { return };
    let mut script = Script::new(&shared.behaviour, conversation);
    loop {
        let attempts = shared.attempts.fetch_add(1, Ordering::SeqCst);
        let goes_on = script.play(&shared.behaviour.actions(attempts));
        if attempts == 0 {
            let told = script.told();
            *shared.told.lock().unwrap_or_else(PoisonError::into_inner) = told;
        }
        if !goes_on || !script.wait_for_more() {
            break;
        }
    }
    // A reset is only sent when no copy of the socket is left.
    shared.connections().sockets.remove(&number);
    script.leave();
}
