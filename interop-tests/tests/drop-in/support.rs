//! Runs the programs under test until they exit, or starts them as servers.
//!
//! A server is ready when it has printed its address. It is killed and reaped at the end of its test, even after a
//! panic.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use rustix::process::{Pid, Signal, kill_process};

/// A time limit that is exceeded only if something never happens.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// The variables that insert a proxy between a client and its server, or remove it.
pub(crate) const PROXY_VARIABLES: [&str; 5] =
    ["grpc_proxy", "https_proxy", "http_proxy", "no_grpc_proxy", "no_proxy"];

/// `calculator-client` without the exported proxies.
pub(crate) fn client_program() -> Command {
    let mut command = Command::new(cargo_bin!("calculator-client"));
    for variable in PROXY_VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// The same with a time limit.
pub(crate) fn client() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::from_std(client_program());
    command.timeout(LIMIT);
    command
}

/// `calculator-client` with the address of `server`.
pub(crate) fn client_of(server: SocketAddr) -> assert_cmd::Command {
    let mut command = client();
    // Only `--tls` uses it.
    command.env_remove("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH");
    command.arg("--address").arg(server.to_string());
    command
}

/// `calculator-server` with a time limit, for a command line with which it exits.
pub(crate) fn failing_server() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(cargo_bin!("calculator-server"));
    command.timeout(LIMIT);
    command
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stderr: File,
}

impl Process {
    /// Starts the command without changing its stdout.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::spawn(command.stdin(Stdio::null()))
    }

    /// Starts a server and waits for its first two lines.
    pub(crate) fn announced(command: &mut Command) -> (Self, [String; 2]) {
        let mut process = Self::start(command.stdout(Stdio::piped()));
        let lines = process.child.stdout.take().map(lines).expect("the stream is not a pipe");
        let mut line = || {
            let line = lines.recv_timeout(LIMIT).ok();
            line.unwrap_or_else(|| {
                panic!("the program printed no line on stdout; its stderr: {:?}", process.stderr())
            })
        };
        let announced = [line(), line()];
        (process, announced)
    }

    /// Starts a command that is controlled through stdin and responds with lines on stdout.
    pub(crate) fn start_interactive(command: &mut Command) -> (Self, ChildStdin, Receiver<String>) {
        let mut process = Self::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let stdin = process.child.stdin.take().expect("the stream is not a pipe");
        let lines = process.child.stdout.take().map(lines).expect("the stream is not a pipe");
        (process, stdin, lines)
    }

    fn spawn(command: &mut Command) -> Self {
        let stderr = tempfile::tempfile().expect("cannot create a temporary file");
        let log = stderr.try_clone().expect("cannot clone the file handle");
        let child = command.stderr(log).spawn().expect("cannot start the program");
        Self { child, stderr }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn send(&self, signal: Signal) {
        // The process is not reaped, so its ID cannot belong to another process.
        kill_process(Pid::from_child(&self.child), signal).expect("cannot send the signal");
    }

    /// The exit status, or `None` if the process still runs after `limit`.
    pub(crate) fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.child.try_wait().expect("cannot wait for the program");
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits until the process exits, which must be with success and without output on stderr.
    pub(crate) fn ends_well(self) {
        self.ends_with(0, "");
    }

    /// Waits until the process exits, which must be with this status and this output on stderr.
    pub(crate) fn ends_with(mut self, expected: i32, stderr: &str) {
        let status = self.ended_within(LIMIT);
        assert_eq!(
            status.and_then(|status| status.code()),
            Some(expected),
            "exit status: {status:?}"
        );
        assert_eq!(self.stderr(), stderr);
    }

    /// The output on stderr so far.
    pub(crate) fn stderr(&mut self) -> String {
        let mut text = String::new();
        self.stderr
            .rewind()
            .and_then(|()| self.stderr.read_to_string(&mut text))
            .expect("cannot read stderr");
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // These fail only if the process has exited.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running `calculator-server` that accepts connections.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Process,
    /// The address that the server printed.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// A server on a free port of the IPv4 loopback interface.
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    pub(crate) fn start_at(address: &str) -> Self {
        let mut command = Command::new(cargo_bin!("calculator-server"));
        Self::ready(command.args(["--address", address]))
    }

    /// Starts the command and waits for its first two lines, which must be exactly those of a ready server.
    pub(crate) fn ready(command: &mut Command) -> Self {
        let (process, [first, second]) = Process::announced(command);
        let parsed = second.strip_prefix("Address: ").and_then(|address| address.parse().ok());
        let address: SocketAddr =
            parsed.unwrap_or_else(|| panic!("the second line has no address: {second:?}"));
        assert_eq!(first, format!("Starting server. Listening on port {}.", address.port()));
        assert_ne!(address.port(), 0, "the server should print the port that it chose");
        Self { process, address }
    }
}

/// Reads lines in a thread, because a pipe cannot be read with a time limit.
fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // The test may have dropped the receiver, but the server must be able to print more.
            let _ = sender.send(line);
        }
    });
    receiver
}
