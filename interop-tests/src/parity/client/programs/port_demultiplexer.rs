//! Shares port 50051 between several client programs: each connection is routed to the scripted server of the program
//! that made it.
//!
//! A program runs alone if the system does not report which process made a connection, or if nothing must listen on
//! the port.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use rustix::process::Pid;

use crate::config::{Places, Program};
use crate::parity::client::scripted_server::{Listener, ScriptedServer};
use crate::parity::client::{programs::port_owner, table::Behaviour};
use crate::process::net::tutorial_port::{self, PORT};
use crate::process::{Logs, Process, RunContext, SpawnError, StartError};

/// The listener on port 50051, and the routes to the scripted servers.
#[derive(Debug, Default)]
pub(crate) struct PortDemultiplexer {
    admissions: RwLock<()>,
    listener: Arc<Mutex<Option<Listener>>>,
    routes: Routes,
}

/// The scripted servers of the running programs, by process group.
type Routes = Arc<Mutex<HashMap<Pid, Arc<ScriptedServer>>>>;

/// The right to start a program, alone or together with others. It is held until the program has exited.
pub(crate) type Admission<'a> = (Option<RwLockWriteGuard<'a, ()>>, Option<RwLockReadGuard<'a, ()>>);

/// A program whose connections are routed to its scripted server. Dropping it kills the program.
#[derive(Debug)]
pub(crate) struct RoutedProgram<'a> {
    routes: &'a Routes,
    pub(crate) process: Process,
    pub(crate) server: Arc<ScriptedServer>,
}

impl PortDemultiplexer {
    /// Waits until a program can be started with `behaviour`. Listens on the port unless nothing must listen.
    pub(crate) fn admit(
        &self,
        behaviour: &Behaviour,
        context: &RunContext,
    ) -> Result<Admission<'_>, StartError> {
        let is_alone = behaviour.nobody_listens || !port_owner::is_known();
        let alone = is_alone.then(|| self.admissions.write());
        let shared = (!is_alone).then(|| self.admissions.read());
        context.port_queue.stop_after_turn(Arc::clone(&self.listener) as _);
        let mut listener = self.listener.lock();
        if behaviour.nobody_listens {
            *listener = None;
        }
        if listener.is_none() {
            // grpcio uses SO_REUSEPORT, so listening on the port succeeds even if another process does.
            if let Some(holder) = tutorial_port::holders(PORT).into_iter().next() {
                return Err(StartError::PortTaken { port: PORT, holder });
            }
            if !behaviour.nobody_listens {
                let routes = Arc::clone(&self.routes);
                let opened = Listener::open(PORT, move |socket, from| route(&routes, socket, from));
                *listener = Some(opened.map_err(|source| StartError::Port { port: PORT, source })?);
            }
        }
        Ok((alone, shared))
    }

    /// Starts `program` and routes its connections to `server`.
    pub(crate) fn start(
        &self,
        program: &Program,
        places: &Places,
        logs: Logs,
        server: Arc<ScriptedServer>,
    ) -> Result<RoutedProgram<'_>, SpawnError> {
        // Locked until the route exists, because the program may connect immediately.
        let mut routes = self.routes.lock();
        let process = Process::start_program(program, places, "", logs)?;
        routes.insert(process.pid(), Arc::clone(&server));
        Ok(RoutedProgram { routes: &self.routes, process, server })
    }
}

/// Passes a connection to the scripted server of the program that made it. A connection of another process, or one
/// that is already closed, is dropped.
fn route(routes: &Routes, socket: TcpStream, from: SocketAddr) {
    let routes = routes.lock();
    let server = if port_owner::is_known() {
        let leaders: Vec<_> = routes.keys().copied().collect();
        port_owner::owner(from, PORT, &leaders).and_then(|leader| routes.get(&leader))
    } else {
        routes.values().next()
    };
    if let Some(server) = server {
        server.admit(socket);
    }
}

impl Drop for RoutedProgram<'_> {
    fn drop(&mut self) {
        // The process is reaped after this, so its ID is not yet reused.
        self.routes.lock().remove(&self.process.pid());
    }
}
