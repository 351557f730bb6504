//! A running server: from the start of a program until it accepts calls.
//!
//! A server listens on the port that the tool chose, or reports its own. The tutorial's servers have a fixed port. Unless
//! the server chose the port, the process that was started, and no other, must listen on it.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use crate::config::{Places, Program, ServerCertificate, ServerNeeds, Transport, Variant};
use crate::process::child::{Exit, Logs, NoOutput, Process, SpawnError};
use crate::process::context::RunContext;
use crate::process::liveness;
use crate::process::net::tutorial_port::{self, Holder};
use crate::process::readiness::{NotReady, Output, POLL, Ready};
use crate::process::ready_line::ReadyLine;

/// How long a server may take to exit after it has closed its connections.
const EXIT_LIMIT: Duration = Duration::from_secs(5);

/// The reason why a server could not be started, with advice.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the text of each error describes it")]
pub enum StartError {
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error("`ready` in the peers file is not usable: {0}")]
    Ready(#[from] regex_lite::Error),
    #[error("it exited with {exit} before it was ready; {output}")]
    Exited { exit: Exit, output: Output },
    #[error(
        "it did not print a line with `{ready}` within {limit:?}; check `ready`, or increase \
         `start_limit_ms` in the peers file; {output}"
    )]
    NotReady { limit: Duration, ready: String, output: Output },
    #[error(
        "it did not speak HTTP/2 at {address} within {limit:?}; `command` must pass {{address}} or {{port}} to the \
         server; or increase `start_limit_ms` in the peers file; {output}"
    )]
    NotSpeaking { limit: Duration, address: String, output: Output },
    #[error("it does not speak HTTP/2 at {address}: its first bytes are \"{bytes}\"; {output}")]
    NotHttp2 { address: String, bytes: String, output: Output },
    #[error(
        "it listens at {address} instead of {requested}; `command` must pass {{address}} or {{port}} to the \
         server"
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
    /// Starts a server at the address `requested`, where port 0 means any port, and waits until it is ready.
    pub fn start(
        program: &Program,
        places: &Places,
        requested: &str,
        logs: Logs,
    ) -> Result<Self, StartError> {
        Self::start_with(Transport::Plain, program, places, requested, logs)
    }

    /// Starts a server with this transport. It is ready when it prints the line of its entry, or else when it speaks
    /// HTTP/2.
    pub(crate) fn start_with(
        transport: Transport,
        program: &Program,
        places: &Places,
        requested: &str,
        logs: Logs,
    ) -> Result<Self, StartError> {
        let ready_line = program.ready.as_ref().map(ReadyLine::new).transpose()?;
        let mut process = Process::start_watched(program, places, requested, logs)?;
        let mut output = Output::default();
        let limit = program.start_limit();
        let ready = match &ready_line {
            Some(line) => Ready::Prints(line),
            None => Ready::Speaks { is_encrypted: transport.is_encrypted() },
        };
        let waited = ready.wait(requested, Instant::now() + limit, &mut process, &mut output);
        let address = match waited {
            Ok(address) => address,
            Err(why) => {
                let address = requested.to_owned();
                return Err(match (why, &program.ready) {
                    (NotReady::Exited(exit), _) => StartError::Exited { exit, output },
                    (NotReady::NotHttp2(bytes), _) => {
                        StartError::NotHttp2 { address, bytes, output }
                    }
                    (NotReady::TimedOut, Some(ready)) => {
                        StartError::NotReady { limit, ready: ready.to_string(), output }
                    }
                    (NotReady::TimedOut, None) => {
                        StartError::NotSpeaking { limit, address, output }
                    }
                });
            }
        };
        if !requested.ends_with(":0") {
            if port(&address) != port(requested) {
                return Err(StartError::WrongAddress { requested: requested.to_owned(), address });
            }
            if let Some(port) = port(&address).and_then(|port| port.parse().ok()) {
                check_owner(port, &process)?;
            }
        }
        process.ignore_stderr();
        Ok(Self { process, address, printed: output.stdout })
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
        let mut process = Process::start_watched(program, places, "", logs)?;
        let mut output = Output::default();
        let deadline = Instant::now() + program.start_limit();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if Instant::now() > deadline {
                return Err(StartError::NotListening { port, limit: program.start_limit() });
            }
            match process.next_output(deadline.min(Instant::now() + POLL)) {
                Ok(line) => output.add(&line),
                Err(NoOutput::Exited(exit)) => {
                    output.add_rest(&mut process);
                    return Err(StartError::Exited { exit, output });
                }
                Err(NoOutput::TimedOut) => {}
            }
        }
        check_owner(port, &process)?;
        process.ignore_stderr();
        let address = format!("localhost:{port}");
        Ok(Self { process, address, printed: output.stdout })
    }

    /// How it exited, if it has.
    ///
    /// The kernel closes the connections of a process before it reports the exit. So the method waits for the exit of
    /// a server that does not respond.
    pub(crate) fn exit(&mut self, is_encrypted: bool) -> Option<Exit> {
        match liveness::check(&self.address, is_encrypted) {
            Ok(()) => self.process.has_exited(),
            Err(_) => self.process.wait(EXIT_LIMIT, &mut String::new()),
        }
    }
}

/// Checks that only the group of `process` listens on `port`.
fn check_owner(port: u16, process: &Process) -> Result<(), StartError> {
    let is_other = |holder: &Holder| !holder.is_in_group(process.pid());
    match tutorial_port::holders(port).into_iter().find(is_other) {
        None => Ok(()),
        Some(holder) => Err(StartError::NotTheOwner { port, holder }),
    }
}

/// The port of an address, or the path of a Unix socket.
fn port(address: &str) -> Option<&str> {
    address.rsplit_once(':').map(|(_, port)| port)
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
            ("certificate", file(&format!("{name}.pem"))),
            ("key", file(&format!("{name}.key"))),
            ("client-ca", file("ca.pem")),
            ("seconds", self.needs.max_connection_age.unwrap_or_default().to_string()),
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
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;

    use super::*;

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
        let ended =
            "it exited with status 7 before it was ready; the end of its output:\nhello\nsorry";
        fails_with("echo hello; sleep 0.1; echo sorry >&2; exit 7", "", ended);
        fails_with("exit 7", "", "it exited with status 7 before it was ready; it printed nothing");
        fails_with(
            "echo at 127.0.0.1:6; cat",
            "",
            "it listens at 127.0.0.1:6 instead of 127.0.0.1:5",
        );
        fails_with(
            "echo hello; cat",
            "start_limit_ms = 200",
            "it did not print a line with `at {address}` within 200ms; check `ready`, or increase `start_limit_ms` \
             in the peers file; the end of its output:\nhello",
        );
    }

    #[test]
    fn other_lines_do_not_extend_the_limit() {
        let script = "while :; do echo hello; done";
        let error = start_shell(script, "start_limit_ms = 200").expect_err("it is not ready");
        assert!(matches!(error, StartError::NotReady { .. }), "{error}");
    }

    #[test]
    fn a_server_may_report_on_stderr() {
        let server =
            start_shell("echo 12:00 INFO at $0 ... >&2; cat", "").expect("it did not start");
        assert_eq!((&*server.address, &*server.printed), ("127.0.0.1:5", ""));
    }

    /// Starts a program without `ready` that does nothing, at the address of `listener`.
    fn start_idle(listener: &TcpListener, more: &str) -> String {
        let folder = tempfile::tempdir().expect("cannot create a folder for logs");
        let program = format!("command = ['sh', '-c', 'echo hello; cat']\n{more}");
        let program: Program = toml::from_str(&program).expect("the program is invalid");
        let places = Places::new(Some(folder.path().to_owned()), folder.path().to_owned());
        let address = listener.local_addr().expect("the socket has no address").to_string();
        let logs = Logs::at(&folder.path().join("server"));
        let error = RunningServer::start(&program, &places, &address, logs);
        error.expect_err("it is not a server").to_string().replace(&address, "ADDRESS")
    }

    /// Starts an idle program while another process sends `bytes` to each client.
    fn start_beside(bytes: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("cannot reserve a port");
        let other = listener.try_clone().expect("cannot share the socket");
        thread::spawn(move || {
            for socket in other.incoming() {
                let _ = socket.and_then(|mut socket| socket.write_all(bytes));
            }
        });
        start_idle(&listener, "start_limit_ms = 300")
    }

    #[test]
    fn without_a_ready_line_a_server_must_speak_http2() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("cannot reserve a port");
        let error = start_idle(&silent, "start_limit_ms = 300");
        assert!(
            error.starts_with("it did not speak HTTP/2 at ADDRESS within 300ms; `command`"),
            "{error}"
        );
        assert!(error.ends_with("; the end of its output:\nhello"), "{error}");
        let error = start_beside(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let garbage = "it does not speak HTTP/2 at ADDRESS: its first bytes are \"HTTP/1.1 \"; the end of its";
        assert!(error.starts_with(garbage), "{error}");
    }

    #[test]
    fn another_process_must_not_own_the_port() {
        let error = start_beside(b"\0\0\0\x04\0\0\0\0\0");
        assert!(error.contains("is in use by process"), "{error}");
        assert!(error.contains("not only by the server that was started"), "{error}");
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
