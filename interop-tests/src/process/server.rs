//! A running server: from a program to an address that accepts calls.
//!
//! A server reports the port that it got. Where its port is fixed, the port is polled until the process that
//! was started, and no other, listens there.

use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::config::{Places, Program, ServerCertificate, ServerNeeds, Transport, Variant};
use crate::process::child::{Exit, Logs, NoLine, Process, SpawnError};
use crate::process::context::RunContext;
use crate::process::net::tutorial_port::{self, Holder};

/// How often a port is polled whose server does not report that it is ready.
const POLL: Duration = Duration::from_millis(10);

/// Why a server could not be started, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the text of each error describes it")]
pub enum StartError {
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error("it ended before it was ready, with {exit}; the end of its stderr:\n{stderr}")]
    Exited { exit: Exit, stderr: String },
    #[error(
        "it was not ready after {limit:?}; it should print a line like `{ready}`, or needs a larger \
         `start_limit_ms`"
    )]
    NotReady { limit: Duration, ready: String },
    #[error(
        "it was to listen at {requested} and listens at {address}; `command` should pass {{address}} on"
    )]
    WrongAddress { requested: String, address: String },
    #[error(
        "nothing listened on port {port} after {limit:?}; the program has to listen there, or needs a \
         larger `start_limit_ms`"
    )]
    NotListening { port: u16, limit: Duration },
    #[error("port {port} is held by {holder}; stop it and run again (nothing has been killed)")]
    PortTaken { port: u16, holder: Holder },
    #[error("nothing can listen on port {port}: {source}; free the port and run again")]
    Port { port: u16, source: io::Error },
    #[error(
        "port {port} is held by {holder} and not by the server that was started; stop it and run again \
         (nothing has been killed)"
    )]
    NotTheOwner { port: u16, holder: Holder },
}

/// A server that accepts calls; it ends when this is dropped.
#[derive(Debug)]
pub struct RunningServer {
    /// The process of the server.
    pub process: Process,
    /// `HOST:PORT` for a client on this machine, or `unix:PATH`.
    pub address: String,
    /// The lines that it had printed when it was ready.
    pub(crate) printed: String,
}

impl RunningServer {
    /// Starts a server at the address `requested`, where port 0 is any, and waits until it reports that it
    /// is ready.
    pub fn start(
        program: &Program,
        places: &Places,
        requested: &str,
        logs: Logs,
    ) -> Result<Self, StartError> {
        let mut process = Process::start_program(program, places, requested, logs)?;
        let ready = program.ready.as_ref().map_or("", |ready| ready.get_ref());
        let limit = program.start_limit();
        let deadline = Instant::now() + limit;
        let mut printed = String::new();
        let address = loop {
            match process.next_line(deadline) {
                Ok(line) => {
                    printed.push_str(&line);
                    if let Some(address) = address_in(line.trim_end(), ready) {
                        break address;
                    }
                }
                Err(NoLine::Exited(exit)) => return Err(exited(&process, exit)),
                Err(NoLine::TimedOut) => {
                    return Err(StartError::NotReady { limit, ready: ready.to_owned() });
                }
            }
        };
        if address != requested && !requested.ends_with(":0") {
            return Err(StartError::WrongAddress { requested: requested.to_owned(), address });
        }
        Ok(Self { process, address, printed })
    }

    /// Starts a server that always listens on `port` and waits until it does.
    pub fn start_on(
        program: &Program,
        places: &Places,
        port: u16,
        logs: Logs,
    ) -> Result<Self, StartError> {
        if let Some(holder) = tutorial_port::holders(port).into_iter().next() {
            return Err(StartError::PortTaken { port, holder });
        }
        let process = Process::start_program(program, places, "", logs)?;
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
        let is_other = |holder: &Holder| !holder.is_in_group(process.pid());
        if let Some(holder) = tutorial_port::holders(port).into_iter().find(is_other) {
            return Err(StartError::NotTheOwner { port, holder });
        }
        let address = format!("localhost:{port}");
        Ok(Self { process, address, printed: String::new() })
    }
}

fn exited(process: &Process, exit: Exit) -> StartError {
    StartError::Exited { exit, stderr: process.logs.end_of_stderr() }
}

/// The address in a line that looks like `ready`, as a client on this machine reaches it.
fn address_in(line: &str, ready: &str) -> Option<String> {
    let capture = |placeholder| {
        let (before, after) = ready.split_once(placeholder)?;
        line.strip_prefix(before)?.strip_suffix(after)
    };
    let (host, port) = match capture("{address}") {
        Some(address) if address.starts_with("unix:") => return Some(address.to_owned()),
        Some(address) => address.rsplit_once(':')?,
        None => ("127.0.0.1", capture("{port}")?),
    };
    port.parse::<u16>().ok()?;
    let host = if ["[::]", "0.0.0.0"].contains(&host) { "127.0.0.1" } else { host };
    Some(format!("{host}:{port}"))
}

/// How a server is configured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServerConfig {
    pub(crate) transport: Transport,
    pub(crate) needs: ServerNeeds,
}

impl ServerConfig {
    pub(crate) fn new(variant: Variant, needs: Option<ServerNeeds>) -> Self {
        Self { transport: variant.transport, needs: needs.unwrap_or_default() }
    }

    /// A name that no other configuration has: `tls-expired`.
    pub(crate) fn name(&self) -> String {
        let ServerNeeds { max_connection_age, certificate } = self.needs;
        let mut name = self.transport.to_string();
        if certificate != ServerCertificate::Good {
            name = format!("{name}-{certificate}");
        }
        if let Some(seconds) = max_connection_age {
            name = format!("{name}-max-connection-age-{seconds}");
        }
        name
    }

    /// `program` with the arguments for this; the error says why it cannot be started so.
    pub(crate) fn apply_to(
        &self,
        program: &Program,
        context: &RunContext,
    ) -> Result<Program, String> {
        if let Some(option) = program.missing_option(self.transport, &self.needs) {
            return Err(format!("it has no option `{option}`"));
        }
        let certificates = &context.certificates;
        if self.transport.is_encrypted() {
            certificates.make()?;
        }
        let name = self.needs.certificate;
        let file = |name: &str| certificates.file(name).to_string_lossy().into_owned();
        let values = [
            ("{certificate}", file(&format!("{name}.pem"))),
            ("{key}", file(&format!("{name}.key"))),
            ("{client-ca}", file("ca.pem")),
            ("{seconds}", self.needs.max_connection_age.unwrap_or_default().to_string()),
        ];
        Ok(program.with_options(&self.needs.options(self.transport), &values))
    }

    /// An address for a person who starts the server again.
    pub(crate) fn example_address(&self) -> &'static str {
        if self.transport == Transport::Unix { "unix:calculator.sock" } else { "127.0.0.1:0" }
    }

    /// The address of a new socket, or that of `port` of this machine.
    pub(crate) fn address(
        &self,
        port: impl FnOnce() -> io::Result<u16>,
        context: &RunContext,
    ) -> Result<String, String> {
        match self.transport {
            Transport::Unix => context.addresses.next_socket(),
            _ => port()
                .map(|port| format!("127.0.0.1:{port}"))
                .map_err(|error| format!("no port is free: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_names_the_address_or_the_port() {
        let cases = [
            ("listening on [::]:50051", "listening on {address}", Some("127.0.0.1:50051")),
            ("listening on 127.0.0.1:1 now", "listening on {address} now", Some("127.0.0.1:1")),
            ("port 7", "port {port}", Some("127.0.0.1:7")),
            ("at unix:/tmp/a.sock", "at {address}", Some("unix:/tmp/a.sock")),
            ("starting", "port {port}", None),
            ("port seven", "port {port}", None),
            ("at nowhere", "at {address}", None),
        ];
        for (line, ready, address) in cases {
            assert_eq!(address_in(line, ready).as_deref(), address, "{line}");
        }
    }

    fn start_shell(script: &str, more: &str) -> Result<RunningServer, StartError> {
        let folder = tempfile::tempdir().expect("a folder for logs");
        let text = format!(
            "command = ['sh', '-c', '{script}', '{{address}}']\nready = 'at {{address}}'\n"
        );
        let program: Program = toml::from_str(&(text + more)).expect("a program");
        let places = Places::new(Some(folder.path().to_owned()), folder.path().to_owned());
        RunningServer::start(
            &program,
            &places,
            "127.0.0.1:5",
            Logs::at(&folder.path().join("server")),
        )
    }

    #[test]
    fn a_server_is_ready_when_it_says_so() {
        let server = start_shell("echo hello; echo at $0; cat", "").expect("it starts");
        assert_eq!(
            (&*server.address, &*server.printed),
            ("127.0.0.1:5", "hello\nat 127.0.0.1:5\n")
        );
        assert_eq!(server.process.has_exited(), None);
    }

    #[test]
    fn a_start_error_says_what_happened() {
        let says = |script, more, message: &str| {
            let error = start_shell(script, more).expect_err(message).to_string();
            assert!(error.starts_with(message), "{error}");
        };
        let ended = "it ended before it was ready, with status 7; the end of its stderr:\nsorry";
        says("echo sorry >&2; exit 7", "", ended);
        says(
            "echo at 127.0.0.1:6; cat",
            "",
            "it was to listen at 127.0.0.1:5 and listens at 127.0.0.1:6",
        );
        says(
            "cat",
            "start_limit_ms = 50",
            "it was not ready after 50ms; it should print a line like `at {",
        );
    }

    fn config(transport: Transport, needs: &str) -> ServerConfig {
        let needs = toml::from_str(needs).expect("needs");
        ServerConfig::new(Variant { transport, ..Variant::default() }, Some(needs))
    }

    #[test]
    fn the_name_tells_configurations_apart() {
        assert_eq!(ServerConfig::default().name(), "plain");
        assert_eq!(config(Transport::Tls, "certificate = 'expired'").name(), "tls-expired");
        let aged = config(Transport::Unix, "max-connection-age = 0.5");
        assert_eq!(aged.name(), "unix-max-connection-age-0.5");
    }
}
