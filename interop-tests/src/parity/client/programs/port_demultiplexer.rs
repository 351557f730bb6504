//! The switchboard: the document's port, and to whose stage a connection to it belongs.
//!
//! It keeps the port from its first program to its last. Several programs use it side by side; where
//! nobody can tell whose a connection is, and where nobody may listen, one is there alone.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use rustix::process::Pid;

use crate::capture::recorder::Recorder;
use crate::config::program::CommandLine;
use crate::parity::client::programs::port_owner;
use crate::parity::client::requests::Requests;
use crate::parity::client::scripted_server::{Listener, ScriptedServer};
use crate::parity::client::table::Behaviour;
use crate::process::child::{Logs, Process};
use crate::process::context::RunContext;
use crate::process::net::port;
use crate::process::net::tutorial_port::PORT;
use crate::process::server::StartError;

/// The listener on port 50051, and the routes from it to scripted servers.
#[derive(Debug, Default)]
pub(crate) struct PortDemultiplexer {
    crowd: RwLock<()>,
    listener: Arc<Mutex<Option<Listener>>>,
    lines: Lines,
}

/// The stages of the programs that run, by the leaders of their groups.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<BTreeMap<i32, ScriptedServer>>>);

/// The right to start one program that finds a stage at the document's port.
#[derive(Debug)]
pub(crate) struct Route<'a> {
    stage: ScriptedServer,
    lines: &'a Lines,
    _room: Room<'a>,
}

#[derive(Debug)]
enum Room<'a> {
    Shared { _guard: RwLockReadGuard<'a, ()> },
    Alone { _guard: RwLockWriteGuard<'a, ()> },
}

/// A program at the switchboard; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Routed<'a> {
    // Dropped before the process has been reaped, as long as nobody else can have its ID.
    line: Line<'a>,
    pub(crate) process: Process,
    pub(crate) stage: ScriptedServer,
}

/// What is between a program and its stage.
#[derive(Debug)]
struct Line<'a> {
    lines: &'a Lines,
    leader: i32,
}

impl PortDemultiplexer {
    /// Waits until there is room for a program at which `behaviour` is played; what goes over the wire
    /// is taken on `tape`.
    pub(crate) fn place(
        &self,
        behaviour: &Arc<Behaviour>,
        context: &RunContext,
        tape: &Recorder,
    ) -> Result<Route<'_>, StartError> {
        let room = if behaviour.nobody_listens || !port_owner::is_known() {
            Room::Alone { _guard: self.crowd.write() }
        } else {
            Room::Shared { _guard: self.crowd.read() }
        };
        context.port_queue.stop_after_turn(Arc::clone(&self.listener) as _);
        let mut listener = self.listener.lock();
        if behaviour.nobody_listens {
            *listener = None;
        }
        if listener.is_none() {
            // grpcio shares the port without an error.
            if let Some(holder) = port::holders(PORT).into_iter().next() {
                return Err(StartError::PortTaken { port: PORT, holder });
            }
        }
        if listener.is_none() && !behaviour.nobody_listens {
            let lines = self.lines.clone();
            let opened = Listener::open(PORT, move |socket, from| lines.put_through(socket, from))
                .map_err(|source| StartError::Port { port: PORT, source })?;
            *listener = Some(opened);
        }
        Ok(Route { stage: ScriptedServer::of(behaviour, tape), lines: &self.lines, _room: room })
    }
}

impl Route<'_> {
    /// Starts the program.
    pub(crate) fn start(&self, command_line: &CommandLine, logs: Logs) -> io::Result<Routed<'_>> {
        // Held until it is known: it may connect before this thread goes on.
        let mut lines = self.lines.lock();
        let process = Process::start(command_line, logs)?;
        let (leader, stage) = (id(process.pid()), self.stage.clone());
        lines.insert(leader, stage.clone());
        Ok(Routed { line: Line { lines: self.lines, leader }, process, stage })
    }
}

impl Routed<'_> {
    /// Ends the program, if it has not ended; gives what it has sent, and what was sent to it.
    pub(crate) fn finish(self) -> (Requests, Vec<String>) {
        let Self { line, process, stage } = self;
        drop(line);
        drop(process);
        stage.finish()
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.lines.lock().remove(&self.leader);
    }
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<i32, ScriptedServer>> {
        self.0.lock()
    }

    /// Gives a connection to the stage of the program that has made it; one that none of them has
    /// made, or has closed already, is closed.
    fn put_through(&self, socket: TcpStream, from: SocketAddr) {
        let lines = self.lock();
        let stage = if port_owner::is_known() {
            let groups: Vec<_> = lines.keys().filter_map(|pid| Pid::from_raw(*pid)).collect();
            port_owner::owner(from, PORT, &groups).and_then(|owner| lines.get(&id(owner)))
        } else {
            lines.values().next()
        };
        if let Some(stage) = stage {
            stage.admit(socket);
        }
    }
}

fn id(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}
