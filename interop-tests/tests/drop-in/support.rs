//! The programs under test: run to their end, or started as a server that a test owns.
//!
//! A server is ready when it has printed its address, never after a time. It is killed and reaped
//! when its test ends, also by a panic, because nothing else would end it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use rustix::process::{Pid, Signal, kill_process};

/// Far longer than anything takes, so that only what never comes reaches it.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// `calculator-client`, to be run to its end.
pub(crate) fn client() -> assert_cmd::Command {
    bounded(cargo_bin!("calculator-client"))
}

/// `calculator-client` that asks `server`.
pub(crate) fn client_of(server: SocketAddr) -> assert_cmd::Command {
    let mut command = client();
    command.arg("--address").arg(server.to_string());
    command
}

/// `calculator-server`, where it is expected to end by itself.
pub(crate) fn failing_server() -> assert_cmd::Command {
    bounded(cargo_bin!("calculator-server"))
}

fn bounded(program: &Path) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(program);
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
    /// Starts the command; its stdout is the caller's affair.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::spawn(command.stdin(Stdio::null()))
    }

    /// Starts a server and waits for the two lines that it begins with.
    pub(crate) fn announced(command: &mut Command) -> (Self, [String; 2]) {
        let mut process = Self::start(command.stdout(Stdio::piped()));
        let lines = process.child.stdout.take().map(lines).expect("a pipe");
        let mut line = || {
            let line = lines.recv_timeout(LIMIT).ok();
            line.unwrap_or_else(|| panic!("no line on stdout; on stderr: {:?}", process.stderr()))
        };
        let announced = [line(), line()];
        (process, announced)
    }

    /// Starts a command that is told what to do on stdin and answers in lines on stdout.
    pub(crate) fn start_talking(command: &mut Command) -> (Self, ChildStdin, Receiver<String>) {
        let mut process = Self::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let stdin = process.child.stdin.take().expect("a pipe");
        let lines = process.child.stdout.take().map(lines).expect("a pipe");
        (process, stdin, lines)
    }

    fn spawn(command: &mut Command) -> Self {
        let stderr = tempfile::tempfile().expect("a temporary file");
        let log = stderr.try_clone().expect("a second handle");
        let child = command.stderr(log).spawn().expect("the program starts");
        Self { child, stderr }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn send(&self, signal: Signal) {
        // Not reaped yet, so the number is still this process's.
        kill_process(Pid::from_child(&self.child), signal).expect("a process of ours");
    }

    /// How it ended; `None` if it still runs after `limit`.
    pub(crate) fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.child.try_wait().expect("a child of ours");
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for its end, which has to be a success without a word on stderr.
    pub(crate) fn ends_well(mut self) {
        let status = self.ended_within(LIMIT);
        assert_eq!(status.and_then(|status| status.code()), Some(0), "exit status: {status:?}");
        assert_eq!(self.stderr(), "");
    }

    pub(crate) fn stderr(&mut self) -> String {
        let mut text = String::new();
        self.stderr.rewind().and_then(|()| self.stderr.read_to_string(&mut text)).expect("its log");
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running `calculator-server` that accepts connections.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Process,
    /// What it says that it has taken.
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

    /// Starts the command and waits for the two lines that say that it serves, word for word.
    pub(crate) fn ready(command: &mut Command) -> Self {
        let (process, [first, second]) = Process::announced(command);
        let taken = second.strip_prefix("Address: ").and_then(|address| address.parse().ok());
        let address: SocketAddr = taken.unwrap_or_else(|| panic!("no address: {second:?}"));
        assert_eq!(first, format!("Starting server. Listening on port {}.", address.port()));
        assert_ne!(address.port(), 0, "the port that was taken");
        Self { process, address }
    }
}

/// A thread reads, because a pipe cannot be read with a limit of time.
fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // A server that is still printing is not to be stopped by a test that has read enough.
            let _ = sender.send(line);
        }
    });
    receiver
}
