//! A running server: from the start of a program until it accepts calls.
//!
//! A server reports its port. If its port is fixed, the port is polled until the process that was started, and no
//! other, listens on it.

use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::config::{Places, Program, ServerCertificate, ServerNeeds, Transport, Variant};
use crate::process::child::{Exit, Logs, NoOutput, Process, SpawnError};
use crate::process::context::RunContext;
use crate::process::net::tutorial_port::{self, Holder};

/// How often to poll the port of a server that does not report its readiness.
const POLL: Duration = Duration::from_millis(10);

/// The reason why a server could not be started, with advice.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the text of each error describes it")]
pub enum StartError {
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error("it exited with {exit} before it was ready; the end of its stderr:\n{stderr}")]
    Exited { exit: Exit, stderr: String },
    #[error(
        "it did not print a line of the form `{ready}` within {limit:?}; check `ready`, or increase \
         `start_limit_ms` in the peers file"
    )]
    NotReady { limit: Duration, ready: String },
    #[error(
        "it listens at {address} instead of {requested}; `command` must pass {{address}} to the server"
    )]
    WrongAddress { requested: String, address: String },
    #[error(
        "nothing listened on port {port} within {limit:?}; the program must listen on this port, or increase \
         `start_limit_ms` in the peers file"
    )]
    NotListening { port: u16, limit: Duration },
    #[error("port {port} is in use by {holder}; stop it and run again (interop does not kill it)")]
    PortTaken { port: u16, holder: Holder },
    #[error("cannot listen on port {port}: {source}; free the port and run again")]
    Port { port: u16, source: io::Error },
    #[error(
        "port {port} is in use by {holder}, not only by the server that was started; stop it and run again \
         (interop does not kill it)"
    )]
    NotTheOwner { port: u16, holder: Holder },
}

/// A server that accepts calls. Dropping it kills the process.
#[derive(Debug)]
pub struct RunningServer {
    /// The process of the server.
    pub process: Process,
    /// `HOST:PORT` for a client on this machine, or `unix:PATH`.
    pub address: String,
    /// The lines that it printed until it was ready.
    pub(crate) printed: String,
}

impl RunningServer {
    /// Starts a server at the address `requested`, where port 0 means any port, and waits until it reports that it is
    /// ready.
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
            match process.next_output(deadline) {
                Ok(line) => {
                    printed.push_str(&line);
                    if let Some(address) = address_in(line.trim_end(), ready) {
                        break address;
                    }
                }
                Err(NoOutput::Exited(exit)) => return Err(exited(&process, exit)),
                Err(NoOutput::TimedOut) => {
                    return Err(StartError::NotReady { limit, ready: ready.to_owned() });
                }
            }
        };
        if address != requested && !requested.ends_with(":0") {
            return Err(StartError::WrongAddress { requested: requested.to_owned(), address });
        }
        Ok(Self { process, address, printed })
    }

    /// Starts a server that always listens on `port`, and waits until it does.
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

/// The address in a line of the form `ready`, as a client on this machine must use it.
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

/// The configuration of a server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServerConfig {
    pub(crate) transport: Transport,
    pub(crate) needs: ServerNeeds,
}

impl ServerConfig {
    pub(crate) fn new(variant: Variant, needs: Option<ServerNeeds>) -> Self {
        Self { transport: variant.transport, needs: needs.unwrap_or_default() }
    }

    /// The unique name of the configuration, such as `tls-expired`.
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

    /// `program` with the arguments for this configuration. The error is the reason why it does not support it.
    pub(crate) fn apply_to(
        &self,
        program: &Program,
        context: &RunContext,
    ) -> Result<Program, String> {
        if let Some(option) = program.missing_option(self.transport, &self.needs) {
            return Err(format!("the peers file has no option `{option}` for it"));
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

    /// An example address for the command line in a failure message.
    pub(crate) fn example_address(&self) -> &'static str {
        if self.transport == Transport::Unix { "unix:calculator.sock" } else { "127.0.0.1:0" }
    }

    /// The address of a new Unix socket, or of `port` on this machine.
    pub(crate) fn address(
        &self,
        port: impl FnOnce() -> io::Result<u16>,
        context: &RunContext,
    ) -> Result<String, String> {
        match self.transport {
            Transport::Unix => context.addresses.next_socket(),
            _ => port()
                .map(|port| format!("127.0.0.1:{port}"))
                .map_err(|error| format!("no free port on 127.0.0.1: {error}")),
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
        let folder = tempfile::tempdir().expect("cannot create a folder for logs");
        let text = format!(
            "command = ['sh', '-c', '{script}', '{{address}}']\nready = 'at {{address}}'\n"
        );
        let program: Program = toml::from_str(&(text + more)).expect("the program is invalid");
        let places = Places::new(Some(folder.path().to_owned()), folder.path().to_owned());
        RunningServer::start(
            &program,
            &places,
            "127.0.0.1:5",
            Logs::at(&folder.path().join("server")),
        )
    }

    #[test]
    fn a_server_is_ready_when_it_reports_its_address() {
        let server = start_shell("echo hello; echo at $0; cat", "").expect("it did not start");
        assert_eq!(
            (&*server.address, &*server.printed),
            ("127.0.0.1:5", "hello\nat 127.0.0.1:5\n")
        );
        assert_eq!(server.process.has_exited(), None);
    }

    #[test]
    fn a_start_error_describes_the_cause() {
        let fails_with = |script, more, message: &str| {
            let error = start_shell(script, more).expect_err(message).to_string();
            assert!(error.starts_with(message), "{error}");
        };
        let ended = "it exited with status 7 before it was ready; the end of its stderr:\nsorry";
        fails_with("echo sorry >&2; exit 7", "", ended);
        fails_with(
            "echo at 127.0.0.1:6; cat",
            "",
            "it listens at 127.0.0.1:6 instead of 127.0.0.1:5",
        );
        fails_with(
            "cat",
            "start_limit_ms = 50",
            "it did not print a line of the form `at {address}` within 50ms",
        );
    }

    fn config(transport: Transport, needs: &str) -> ServerConfig {
        let needs = toml::from_str(needs).expect("needs");
        ServerConfig::new(Variant { transport, ..Variant::default() }, Some(needs))
    }

    #[test]
    fn the_name_distinguishes_configurations() {
        assert_eq!(ServerConfig::default().name(), "plain");
        assert_eq!(config(Transport::Tls, "certificate = 'expired'").name(), "tls-expired");
        let aged = config(Transport::Unix, "max-connection-age = 0.5");
        assert_eq!(aged.name(), "unix-max-connection-age-0.5");
    }
}
