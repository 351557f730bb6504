//! A child process: its lines on stdout, its logs, and its exit.
//!
//! Every wait has a time limit. Dropping a process kills and reaps it and its process group, so that no process
//! outlives the tool.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use std::{io, thread};

use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::config::{CommandError, CommandLine, Places, Program};
use crate::process::reaper;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
pub enum Exit {
    /// It exited with this status.
    #[strum(to_string = "status {0}")]
    Status(i32),
    /// A signal with this number killed it.
    #[strum(to_string = "killed by signal {0}")]
    Signal(i32),
}

/// The reason why a program cannot be started.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the text of each error describes it")]
pub enum SpawnError {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(
        "cannot run {program}: {source}; check `command` and `directory` in the peers file, and that the \
         program is executable"
    )]
    Io { program: PathBuf, source: io::Error },
}

/// The reason why there is no next line.
#[derive(Debug)]
pub(crate) enum NoLine {
    /// The deadline has passed.
    TimedOut,
    /// The process has exited.
    Exited(Exit),
}

/// A child process, running or exited.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdin: Option<Sender<String>>,
    /// The lines of its stdout, including line ends. The channel is closed when the process has exited.
    lines: Receiver<String>,
    /// The log files of its output.
    pub logs: Logs,
}

/// The log files of a process.
#[derive(Clone, Debug)]
pub struct Logs {
    pub(crate) stdout: PathBuf,
    pub(crate) stderr: PathBuf,
}

impl Logs {
    /// The files `PATH.out` and `PATH.err`.
    pub fn at(path: &Path) -> Self {
        let with = |extension: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(extension);
            PathBuf::from(name)
        };
        Self { stdout: with(".out"), stderr: with(".err") }
    }

    pub(crate) fn paths(&self) -> [PathBuf; 2] {
        [self.stdout.clone(), self.stderr.clone()]
    }

    fn open(&self) -> io::Result<(File, File)> {
        if let Some(directory) = self.stdout.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        Ok((open(&self.stdout)?, open(&self.stderr)?))
    }

    /// Everything that was written to stderr.
    pub(crate) fn stderr(&self) -> String {
        let text = std::fs::read(&self.stderr).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The last lines of stderr, for error messages.
    pub fn end_of_stderr(&self) -> String {
        let text = self.stderr();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }
}

impl Process {
    /// Starts a process. Its stdin is a pipe, and its output goes to `logs`.
    pub fn start(command_line: &CommandLine, logs: Logs) -> io::Result<Self> {
        let (stdout_log, stderr_log) = logs.open()?;
        let mut command = command_line.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr_log);
        let mut child = reaper::spawn(&mut command)?;
        let stdin = child.stdin.take().map(writer);
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            let pid = Pid::from_child(&child);
            thread::spawn(move || forward(stdout, stdout_log, pid, &sender));
        }
        Ok(Self { child, stdin, lines, logs })
    }

    /// Starts `program`: a server that must listen at `address`, or a client, whose command has no address.
    pub(crate) fn start_program(
        program: &Program,
        places: &Places,
        address: &str,
        logs: Logs,
    ) -> Result<Self, SpawnError> {
        let command_line = program.command_line(places, address)?;
        Self::start(&command_line, logs)
            .map_err(|source| SpawnError::Io { program: command_line.program.clone(), source })
    }

    /// Its process ID, which is also the ID of its process group.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Writes a line to its stdin without waiting until it is read.
    pub(crate) fn write_line(&mut self, line: String) {
        if let Some(stdin) = &self.stdin {
            // An error means that the process has exited, which is noticed when its output is read.
            let _ = stdin.send(line);
        }
    }

    /// Waits until `deadline` for the next line of its stdout, including the line end.
    pub(crate) fn next_line(&mut self, deadline: Instant) -> Result<String, NoLine> {
        let limit = deadline.saturating_duration_since(Instant::now());
        self.lines.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => NoLine::TimedOut,
            RecvTimeoutError::Disconnected => {
                NoLine::Exited(self.has_exited().unwrap_or(Exit::Status(-1)))
            }
        })
    }

    /// Waits until it has exited, at most `limit`; `None` if it has not. Adds all further lines to `stdout`.
    pub fn wait(&mut self, limit: Duration, stdout: &mut String) -> Option<Exit> {
        let deadline = Instant::now() + limit;
        loop {
            match self.next_line(deadline) {
                Ok(line) => stdout.push_str(&line),
                Err(NoLine::Exited(exit)) => return Some(exit),
                Err(NoLine::TimedOut) => return None,
            }
        }
    }

    /// How it exited, if it has.
    pub fn has_exited(&self) -> Option<Exit> {
        exit_of(self.pid(), WaitIdOptions::NOHANG)
    }

    /// Sends it SIGINT, as Ctrl-C does.
    pub fn interrupt(&self) {
        // An error means that it has already exited, which the caller notices.
        let _ = kill_process(self.pid(), Signal::INT);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        reaper::end(&mut self.child);
    }
}

/// Writes lines in a separate thread, because a process that does not read must not block the tool.
fn writer(mut stdin: ChildStdin) -> Sender<String> {
    let (sender, lines) = mpsc::channel::<String>();
    thread::spawn(move || {
        for line in lines {
            if writeln!(stdin, "{line}").and_then(|()| stdin.flush()).is_err() {
                break;
            }
        }
    });
    sender
}

/// Forwards lines and writes them to the log until the process closes its stdout. Then waits for its exit without
/// reaping it.
fn forward(stdout: ChildStdout, mut log: File, pid: Pid, lines: &Sender<String>) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        // Errors, such as a full disk, must not end the run; the failure message still contains the outcome.
        let _ = log.write_all(&line);
        let _ = lines.send(String::from_utf8_lossy(&line).into_owned());
        line.clear();
    }
    exit_of(pid, WaitIdOptions::empty());
}

/// How a child exited, if it has. The child is not reaped.
fn exit_of(pid: Pid, options: WaitIdOptions) -> Option<Exit> {
    let options = options | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let status = retry_on_intr(|| waitid(WaitId::Pid(pid), options)).ok()??;
    status.exit_status().map(Exit::Status).or_else(|| status.terminating_signal().map(Exit::Signal))
}
