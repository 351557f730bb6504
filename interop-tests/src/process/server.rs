//! A running server: from a program to an address that accepts calls.
//!
//! A server says itself which port it got, or its port is known and watched until the process that
//! was started is the one, and the only one, that listens there.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::config::places::Places;
use crate::config::program::{CommandError, Program};
use crate::process::child::{Exit, Logs, NoLine, Process};
use crate::process::net::port;
use crate::process::net::port::Holder;

/// How often a port is looked at whose server does not say when it is ready.
const POLL: Duration = Duration::from_millis(10);

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("{program} cannot be run: {source}")]
    Spawn { program: PathBuf, source: io::Error },
    #[error("it ended before it was ready, with {exit}; its last words:\n{last_words}")]
    Exited { exit: Exit, last_words: String },
    #[error("it was not ready after {limit:?}; it should print a line like `{ready}`")]
    NotReady { limit: Duration, ready: String },
    #[error("it was told to listen at {asked} and listens at {address}")]
    WrongAddress { asked: String, address: String },
    #[error("nothing listened on port {port} after {limit:?}")]
    NotListening { port: u16, limit: Duration },
    #[error("port {port} is held by {holder}; stop it and run again (nothing has been killed)")]
    PortTaken { port: u16, holder: Holder },
    #[error("nobody can listen on port {port}: {source}")]
    Port { port: u16, source: io::Error },
    #[error("port {port} is held by {holder} and not by the server that was started")]
    NotTheOwner { port: u16, holder: Holder },
}

/// A server that accepts calls; it ends when this is dropped.
#[derive(Debug)]
pub struct RunningServer {
    pub process: Process,
    /// `HOST:PORT` for a client on this machine, or `unix:PATH`.
    pub address: String,
    /// Lines that it has printed until it was ready.
    pub printed: String,
}

impl RunningServer {
    /// Starts a server at `asked`, where port 0 is any, and waits until it says that it is ready.
    pub fn start(
        program: &Program,
        places: &Places,
        asked: &str,
        logs: Logs,
    ) -> Result<Self, StartError> {
        let mut process = spawn(program, places, asked, logs)?;
        let ready = program.ready.as_ref().map_or("", |ready| ready.get_ref());
        let deadline = Instant::now() + program.start_limit();
        let mut printed = String::new();
        loop {
            match process.next_line(deadline) {
                Ok(line) => {
                    printed.push_str(&line);
                    match address_in(line.trim_end(), ready) {
                        None => {}
                        Some(at) if at == asked || asked.ends_with(":0") => {
                            return Ok(Self { process, address: at, printed });
                        }
                        Some(address) => {
                            return Err(StartError::WrongAddress {
                                asked: asked.to_owned(),
                                address,
                            });
                        }
                    }
                }
                Err(NoLine::Exited(exit)) => return Err(exited(&process, exit)),
                Err(NoLine::TimedOut) => {
                    let limit = program.start_limit();
                    return Err(StartError::NotReady { limit, ready: ready.to_owned() });
                }
            }
        }
    }

    /// Starts a server that always listens on `port` and waits until it does.
    pub fn start_on(
        program: &Program,
        places: &Places,
        port: u16,
        logs: Logs,
    ) -> Result<Self, StartError> {
        if let Some(holder) = port::holders(port).into_iter().next() {
            return Err(StartError::PortTaken { port, holder });
        }
        let process = spawn(program, places, "", logs)?;
        let deadline = Instant::now() + program.start_limit();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(exit) = process.has_exited() {
                return Err(exited(&process, exit));
            }
            if Instant::now() > deadline {
                return Err(StartError::NotListening { port, limit: program.start_limit() });
            }
            thread::sleep(POLL);
        }
        let stranger = |holder: &Holder| !holder.is_in_group(process.pid());
        if let Some(holder) = port::holders(port).into_iter().find(stranger) {
            return Err(StartError::NotTheOwner { port, holder });
        }
        let address = format!("localhost:{port}");
        Ok(Self { process, address, printed: String::new() })
    }
}

fn spawn(
    program: &Program,
    places: &Places,
    address: &str,
    logs: Logs,
) -> Result<Process, StartError> {
    let command_line = program.command_line(places, address)?;
    Process::start(&command_line, logs)
        .map_err(|source| StartError::Spawn { program: command_line.program().to_owned(), source })
}

fn exited(process: &Process, exit: Exit) -> StartError {
    StartError::Exited { exit, last_words: process.logs().last_words() }
}

/// The address in a line that looks like `ready`, as a client on this machine reaches it.
fn address_in(line: &str, ready: &str) -> Option<String> {
    let capture = |placeholder| {
        let (before, after) = ready.split_once(placeholder)?;
        line.strip_prefix(before)?.strip_suffix(after)
    };
    if let Some(socket) = capture("{address}").filter(|address| address.starts_with("unix:")) {
        return Some(socket.to_owned());
    }
    let address = capture("{address}")
        .map(str::to_owned)
        .or_else(|| capture("{port}").map(|port| format!("127.0.0.1:{port}")))?;
    let port: u16 = address.rsplit_once(':')?.1.parse().ok()?;
    let host = address.rsplit_once(':')?.0;
    Some(match host {
        "[::]" | "0.0.0.0" => format!("127.0.0.1:{port}"),
        _ => address,
    })
}
