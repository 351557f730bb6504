//! The stage of a behaviour: a listener whose every connection plays the script.
//!
//! A client may connect as often as it likes, also before its call and after it. Whoever asks for
//! what was sent waits until the client has closed its connections, because only then has all of it
//! come; one that keeps them open is not waited for long.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::conversation::Conversation;
use super::script::Script;
use super::sent::Sent;
use super::table::Behaviour;

/// How long a client may take to close its connections after its call.
const FAREWELL: Duration = Duration::from_millis(700);

/// See the module; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Stage {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    behaviour: Arc<Behaviour>,
    sent: Sent,
    /// The frames of the first connection, for a failure.
    told: Mutex<Vec<String>>,
    attempts: AtomicUsize,
    is_over: AtomicBool,
    /// The sockets of all connections that are to be ended with the stage.
    sockets: Mutex<BTreeMap<usize, TcpStream>>,
    open: Mutex<usize>,
    closed: Condvar,
}

impl Stage {
    /// Begins to play `behaviour` to whoever connects to `listener`.
    pub(crate) fn open(listener: TcpListener, behaviour: &Arc<Behaviour>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            behaviour: Arc::clone(behaviour),
            sent: Sent::default(),
            told: Mutex::default(),
            attempts: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            sockets: Mutex::default(),
            open: Mutex::default(),
            closed: Condvar::new(),
        });
        let for_acceptor = Arc::clone(&shared);
        let acceptor = thread::spawn(move || accept(&listener, &for_acceptor));
        Ok(Self { address, shared, acceptor: Some(acceptor) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the play; gives what the client has sent, and what was sent to it.
    pub(crate) fn finish(mut self) -> (Sent, Vec<String>) {
        let open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether it was too long does not matter: the connections that are left are ended.
        drop(self.shared.closed.wait_timeout_while(open, FAREWELL, |open| *open > 0));
        self.end();
        let told =
            std::mem::take(&mut *self.shared.told.lock().unwrap_or_else(PoisonError::into_inner));
        (self.shared.sent.clone(), told)
    }

    fn end(&mut self) {
        let Some(acceptor) = self.acceptor.take() else { return };
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which ends the connections and joins their threads.
        let _ = TcpStream::connect(self.address);
        let _ = acceptor.join();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn sockets(&self) -> MutexGuard<'_, BTreeMap<usize, TcpStream>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    for (number, socket) in listener.incoming().enumerate() {
        if shared.is_over.load(Ordering::SeqCst) {
            break;
        }
        let Ok(socket) = socket else { continue };
        if let Ok(copy) = socket.try_clone() {
            shared.sockets().insert(number, copy);
        }
        *shared.open.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        let shared = Arc::clone(shared);
        threads.push(thread::spawn(move || {
            converse(number, socket, &shared);
            *shared.open.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
            shared.closed.notify_all();
        }));
    }
    for socket in shared.sockets().values() {
        let _ = socket.shutdown(Shutdown::Both);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// Plays the script on one connection, again for each request that comes after the first.
fn converse(number: usize, socket: TcpStream, shared: &Shared) {
    let Ok(conversation) = Conversation::new(socket, shared.sent.clone()) else { return };
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
    shared.sockets().remove(&number);
    script.leave();
}
