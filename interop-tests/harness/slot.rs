//! A server that is started when a case first needs it, and replaced when a case has killed it.
//!
//! Replaced only so often: a server that dies with every case must not make a run endless, and one
//! that never started is not started again.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::arrangement::Arrangement;
use super::process::{Exit, Logs};
use super::program::Program;
use super::server::RunningServer;
use super::setting::Setting;

/// How often a process is started before its remaining cases are given up.
pub(crate) const STARTS: usize = 3;

/// A server on a free port, or at a socket of its own, shared by all of its pairings.
#[derive(Debug)]
pub(crate) struct ServerSlot {
    program: Program,
    arrangement: Arrangement,
    logs: Logs,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: Option<RunningServer>,
    starts: usize,
    given_up: Option<String>,
}

impl ServerSlot {
    pub(crate) fn new(program: Program, log: &Path) -> Self {
        Self::arranged(program, log, Arrangement::default())
    }

    /// A server that is started in this way.
    pub(crate) fn arranged(program: Program, log: &Path, arrangement: Arrangement) -> Self {
        Self { program, arrangement, logs: Logs::at(log), state: Mutex::default() }
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Where the server is; starts it if it does not run. The error says why it never will.
    pub(crate) fn address(&self, setting: &Setting) -> Result<String, String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        if let Some(why) = &state.given_up {
            return Err(why.clone());
        }
        if let Some(server) = &state.running
            && server.process.has_exited().is_none()
        {
            return Ok(server.address.clone());
        }
        if state.starts == STARTS {
            let why = format!("the server ended {STARTS} times and is not started again");
            return Err(state.given_up.insert(why).clone());
        }
        state.starts += 1;
        match self.start(setting) {
            Ok(server) => Ok(state.running.insert(server).address.clone()),
            Err(error) => {
                let why = format!("the server did not start: {error}");
                Err(state.given_up.insert(why).clone())
            }
        }
    }

    fn start(&self, setting: &Setting) -> Result<RunningServer, String> {
        let program = self.arrangement.arranged(&self.program, setting)?;
        let address = self.arrangement.any_address(setting)?;
        RunningServer::start(&program, &setting.places, &address, self.logs.clone())
            .map_err(|error| error.to_string())
    }

    /// How the server ended, if it is known to have.
    pub(crate) fn has_exited(&self) -> Option<Exit> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.running.as_ref().and_then(|server| server.process.has_exited())
    }

    /// How the server ended, if it is gone.
    ///
    /// The connections of a server that ends are closed before the kernel says that it has ended, so
    /// one that does not speak any more is waited for.
    pub(crate) fn is_gone(&self) -> Option<Exit> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let server = state.running.as_mut()?;
        if speaks(&server.address, self.arrangement.is_encrypted()).is_err() {
            return server.process.wait(END, &mut String::new());
        }
        server.process.has_exited()
    }
}

/// How long a server may take to end after it has closed its connections.
const END: Duration = Duration::from_secs(5);

/// How long a server may take to say its first word. One that hangs is not gone.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// Waits for the SETTINGS with which an HTTP/2 server begins; an error when it hangs up instead. One
/// that wants TLS first says nothing before it, so that it takes connections has to be enough.
fn speaks(address: &str, is_encrypted: bool) -> io::Result<()> {
    if let Some(path) = address.strip_prefix("unix:") {
        let connection = UnixStream::connect(path)?;
        connection.set_read_timeout(Some(FIRST_WORD))?;
        return first_word(connection);
    }
    let connection = TcpStream::connect(address)?;
    if is_encrypted {
        return Ok(());
    }
    connection.set_read_timeout(Some(FIRST_WORD))?;
    first_word(connection)
}

fn first_word(mut connection: impl Read + Write) -> io::Result<()> {
    const PREFACE_AND_SETTINGS: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    connection.write_all(PREFACE_AND_SETTINGS)?;
    match connection.read_exact(&mut [0]) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
        read => read,
    }
}

/// Where a server listens that may choose its port.
pub(crate) const FREE_PORT: &str = "127.0.0.1:0";
