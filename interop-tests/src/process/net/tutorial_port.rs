//! The use of port 50051: by one run at a time, by one user at a time within it, and the processes that listen on it.
//!
//! The tutorial's programs always use port 50051. grpcio sets SO_REUSEPORT, so a second server would start without an
//! error and get half of the connections. So only one user may have the port at a time. The queue knows the number of
//! trials of each user, so that a turn ends with its last trial.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustix::process::{Pid, getpgid};
use socket2::{Domain, Socket, Type};

use crate::outcome::PortUser;
use crate::process::file_lock::{FileLock, LockHolder};
use crate::process::net::held_port::HeldPort;

/// The port of the tutorial's programs.
pub const PORT: u16 = 50051;

/// How long the kernel keeps the port of a closed connection, and a bit more.
const TIME_WAIT: Duration = Duration::from_secs(65);

/// How often a run that waits for a connection tries again.
const POLL: Duration = Duration::from_millis(100);

/// The reason why this run cannot use the port.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the text of each error describes it")]
pub enum ClaimError {
    #[error(
        "port {PORT} is in use by {0}; stop it and run again (interop does not kill it), or select trials that do not \
         need the port"
    )]
    Listening(Holder),
    #[error(
        "port {PORT} cannot be reserved: {0}; `ss -tan sport = :{PORT}` lists the connections that use it; close them, \
         and keep others from using it with `sysctl net.ipv4.ip_local_reserved_ports={PORT}`"
    )]
    Reserve(io::Error),
    #[error(
        "cannot lock {path}, which runs share so that one at a time uses port {PORT}: {source}"
    )]
    Lock { path: PathBuf, source: io::Error },
}

/// Why a run waits for the port.
#[derive(Debug, strum::Display)]
pub enum PortWait {
    /// For another run.
    #[strum(to_string = "{0}, which uses port 50051")]
    Run(LockHolder),
    /// For a connection of another process.
    #[strum(to_string = "a connection that uses port 50051")]
    Connection,
}

/// The right of this run to use the port. Other runs wait, and the kernel does not choose the port for other sockets.
#[derive(Debug)]
pub struct PortClaim {
    _lock: FileLock,
    _held: HeldPort,
}

impl PortClaim {
    /// Claims the port. Calls `waits` before it waits for another run, or for a connection, at most 65 s.
    pub fn new(waits: impl Fn(PortWait)) -> Result<Self, ClaimError> {
        let path = lock_file();
        let lock = FileLock::acquire(&path, |holder| waits(PortWait::Run(holder.clone())));
        let lock = lock.map_err(|source| ClaimError::Lock { path, source })?;
        if let Some(holder) = holders(PORT).into_iter().next() {
            return Err(ClaimError::Listening(holder));
        }
        let held = HeldPort::hold(PORT).or_else(|_| {
            waits(PortWait::Connection);
            let deadline = Instant::now() + TIME_WAIT;
            loop {
                match HeldPort::hold(PORT) {
                    Err(_) if Instant::now() < deadline => thread::sleep(POLL),
                    held => return held,
                }
            }
        });
        Ok(Self { _lock: lock, _held: held.map_err(ClaimError::Reserve)? })
    }
}

/// The file that all runs lock which share this port: it is the same in each checkout and for every TMPDIR.
fn lock_file() -> PathBuf {
    // Each network namespace has its own ports.
    let namespace = std::fs::read_link("/proc/self/ns/net").unwrap_or_default();
    let digits = |one: &char| one.is_ascii_digit();
    let namespace: String = namespace.to_string_lossy().chars().filter(digits).collect();
    Path::new("/tmp").join(format!("interop-port-{PORT}-{namespace}.lock"))
}

/// Gives the port to each [`PortUser`] in turn.
#[derive(Debug, Default)]
pub(crate) struct PortQueue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The number of trials of each user that have not ended.
    remaining: [usize; PortUser::COUNT],
    /// The number of trials that are running.
    running: usize,
    /// What to stop at the end of the turn.
    occupant: Option<Arc<dyn Occupant>>,
}

/// A server or listener that stays on the port between the trials of a user.
pub(crate) trait Occupant: fmt::Debug + Send + Sync {
    /// Frees the port.
    fn stop(&self);
}

/// A server or a listener that frees the port when it is dropped.
impl<T: fmt::Debug + Send> Occupant for Mutex<Option<T>> {
    fn stop(&self) {
        *self.lock() = None;
    }
}

impl PortQueue {
    /// Adds a trial for each element of `users`. All trials of a user must be added before one of them runs.
    pub(crate) fn add(&self, users: impl IntoIterator<Item = PortUser>) {
        let mut state = self.state.lock();
        for user in users {
            state.remaining[user as usize] += 1;
        }
    }

    /// Waits for the turn of `user` and runs one of its trials.
    pub(crate) fn run<T>(&self, user: PortUser, trial: impl FnOnce() -> T) -> T {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| !state.admits(user));
        state.running += 1;
        drop(state);
        let _running = Running { queue: self, user };
        trial()
    }

    /// Runs `something` that is not a trial in a turn of its own.
    pub(crate) fn run_alone<T>(&self, user: PortUser, something: impl FnOnce() -> T) -> T {
        self.add([user]);
        self.run(user, something)
    }

    /// Removes a trial of `user` that will not run.
    pub(crate) fn skip(&self, user: PortUser) {
        self.end_trial(user, self.state.lock());
    }

    /// Stops `occupant` at the end of the current turn.
    pub(crate) fn stop_after_turn(&self, occupant: Arc<dyn Occupant>) {
        self.state.lock().occupant = Some(occupant);
    }

    fn end_trial(&self, user: PortUser, mut state: MutexGuard<'_, State>) {
        let remaining = &mut state.remaining[user as usize];
        *remaining = remaining.saturating_sub(1);
        if *remaining == 0 {
            state.occupant.take().inspect(|occupant| occupant.stop());
        }
        self.changed.notify_all();
    }
}

impl State {
    fn admits(&self, user: PortUser) -> bool {
        let is_its_turn = self.remaining[..user as usize].iter().all(|trials| *trials == 0);
        is_its_turn && (self.running == 0 || user.shares_its_turn())
    }
}

/// A running trial. Dropping it ends the trial, even on a panic.
struct Running<'a> {
    queue: &'a PortQueue,
    user: PortUser,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        state.running -= 1;
        self.queue.end_trial(self.user, state);
    }
}

/// A process that listens on a port.
#[derive(Clone, Debug, strum::Display)]
pub enum Holder {
    /// A process with this ID and name.
    #[strum(to_string = "process {0} ({1})")]
    Process(i32, String),
    /// A process that the operating system does not show to this user.
    #[strum(to_string = "a process of another user")]
    Unknown,
}

impl Holder {
    /// Whether the process belongs to `group`.
    pub(crate) fn is_in_group(&self, group: Pid) -> bool {
        let Self::Process(pid, _) = self else { return false };
        getpgid(Pid::from_raw(*pid)).is_ok_and(|of_process| of_process == group)
    }
}

/// All processes that listen on `port`, on any address.
pub fn holders(port: u16) -> Vec<Holder> {
    let listening = |listener: &listeners::Listener| {
        listener.socket.port() == port
            && listener.protocol == listeners::Protocol::TCP
            && listener.state == listeners::SocketState::Listen
    };
    let listeners = listeners::get_all().unwrap_or_default();
    let processes = listeners.into_iter().filter(listening).map(|listener| listener.process);
    // A process may listen on several addresses.
    let names: BTreeMap<_, _> =
        processes.filter_map(|it| Some((i32::try_from(it.pid).ok()?, it.name))).collect();
    if names.is_empty() && is_taken(port) {
        return vec![Holder::Unknown];
    }
    names.into_iter().map(|(pid, name)| Holder::Process(pid, name)).collect()
}

/// Whether a process listens on `port`. This binds a socket but does not listen, so that no client can connect to it.
fn is_taken(port: u16) -> bool {
    let bind = |address: IpAddr| {
        let address = SocketAddr::from((address, port));
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())
    };
    let all: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
    all.map(bind).into_iter().any(|it| it.is_err_and(|error| error.kind() == ErrorKind::AddrInUse))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use PortUser::{ClientPrograms, Programs, ReferenceServer};

    #[test]
    fn turns_follow_the_order_of_the_users_and_not_that_of_the_trials() {
        let queue = PortQueue::default();
        queue.add([ReferenceServer, ClientPrograms, Programs, ClientPrograms, Programs]);
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for user in [ReferenceServer, ClientPrograms, ClientPrograms, Programs, Programs] {
                let (queue, order) = (&queue, &order);
                scope.spawn(move || queue.run(user, || order.lock().push(user)));
            }
        });
        let expected = [Programs, Programs, ClientPrograms, ClientPrograms, ReferenceServer];
        assert_eq!(*order.lock(), expected);
    }

    #[test]
    fn only_a_turn_that_is_shared_runs_trials_side_by_side() {
        let most_at_once = |user| {
            let (queue, now, most) =
                (PortQueue::default(), AtomicUsize::new(0), AtomicUsize::new(0));
            queue.add([user; 4]);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        queue.run(user, || {
                            most.fetch_max(
                                now.fetch_add(1, Ordering::SeqCst) + 1,
                                Ordering::SeqCst,
                            );
                            thread::sleep(Duration::from_millis(20));
                            now.fetch_sub(1, Ordering::SeqCst);
                        });
                    });
                }
            });
            most.into_inner()
        };
        assert_eq!(most_at_once(Programs), 1);
        assert!(most_at_once(ClientPrograms) > 1);
    }

    #[test]
    fn the_occupant_is_stopped_after_the_last_trial_also_when_that_is_skipped() {
        let queue = PortQueue::default();
        queue.add([ClientPrograms, ClientPrograms, ReferenceServer]);
        let occupant = Arc::new(Mutex::new(Some("a listener")));
        queue.run(ClientPrograms, || queue.stop_after_turn(occupant.clone()));
        assert!(occupant.lock().is_some(), "another trial needs it");
        queue.skip(ClientPrograms);
        assert!(occupant.lock().is_none());
        queue.run(ReferenceServer, || ());
    }

    #[test]
    fn a_trial_that_panics_ends_its_turn() {
        let queue = PortQueue::default();
        queue.add([Programs, ReferenceServer]);
        thread::scope(|scope| {
            let trial = scope.spawn(|| queue.run(Programs, || panic!("a panic in a turn")));
            assert!(trial.join().is_err());
        });
        queue.run(ReferenceServer, || ());
    }

    use std::net::TcpListener;

    #[test]
    fn a_port_is_in_use_while_a_process_listens() {
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let listener = TcpListener::bind(address).expect("cannot reserve a port");
            let port = listener.local_addr().expect("the socket has no address").port();
            assert!(is_taken(port), "{address}");
            let own = i32::try_from(std::process::id()).expect("the process ID is too large");
            let is_own = |it: &Holder| matches!(it, Holder::Process(pid, _) if *pid == own);
            assert!(holders(port).iter().all(is_own), "{:?}", holders(port));
            drop(listener);
            assert!(!is_taken(port), "{address}");
            assert!(holders(port).is_empty());
        }
    }
}
