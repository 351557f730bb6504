//! A child process: the lines that it prints, its logs, and its exit.
//!
//! Every wait has a time limit. Dropping a process kills and reaps it and its process group, so that no process
//! outlives the tool.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use std::{io, thread};

use parking_lot::Mutex;
use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::config::{CommandError, CommandLine, Places, Program};
use crate::output::file::Unwritten;
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
    #[error("its log is not usable: {0}; free space, or choose another folder with --output")]
    Log(#[from] Unwritten),
    #[error(
        "cannot run {program}: {source}; check `command` and `directory` in the peers file, and that the \
         program is executable"
    )]
    Io { program: PathBuf, source: io::Error },
}

/// The reason why there is no next output.
#[derive(Debug)]
pub(crate) enum NoOutput {
    /// The deadline has passed.
    TimedOut,
    /// The process has exited.
    Exited(Exit),
}

/// A line that a process has printed, including its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// On stdout.
    Stdout(String),
    /// On stderr, if stderr is watched.
    Stderr(String),
}

impl Line {
    /// The text of the line.
    pub(crate) fn text(&self) -> &str {
        let (Self::Stdout(text) | Self::Stderr(text)) = self;
        text
    }
}

/// What a process does.
#[derive(Debug)]
enum Event<Output> {
    Output(Output),
    /// It has exited. Only lines on stderr may follow.
    Exit,
}

/// Reads one output of a process from a line, including its end, and from what follows it on stdout.
pub(crate) type ReadOutput<Output> = fn(&[u8], &mut dyn Read) -> Output;

/// A child process, running or exited. By default its outputs are lines.
#[derive(Debug)]
pub struct Process<Output = Line> {
    child: Child,
    stdin: Option<Sender<Vec<u8>>>,
    events: Receiver<Event<Output>>,
    /// Whether its exit was among the events. Everything that it printed on stdout came before.
    has_reported_exit: bool,
    /// Whether the lines of stderr are outputs. They go to the log in any case.
    watches_stderr: Arc<AtomicBool>,
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
        let open = |path: &PathBuf| {
            let directory = path.parent().unwrap_or(path);
            std::fs::create_dir_all(directory)
                .and_then(|()| OpenOptions::new().create(true).append(true).open(path))
                .map_err(|error| io::Error::new(error.kind(), Unwritten::new(path, error)))
        };
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
        Self::start_reading(command_line, logs, line)
    }

    /// Starts `program`: a server that must listen at `address`, or a client, whose command has no address.
    pub(crate) fn start_program(
        program: &Program,
        places: &Places,
        address: &str,
        logs: Logs,
    ) -> Result<Self, SpawnError> {
        Self::start_program_reading(program, places, address, logs, line)
    }

    /// Like [`Self::start_program`]; the lines on stderr are outputs too, until [`Self::ignore_stderr`] is called.
    pub(crate) fn start_watched(
        program: &Program,
        places: &Places,
        address: &str,
        logs: Logs,
    ) -> Result<Self, SpawnError> {
        let command_line = program.command_line(places, address)?;
        let start = || {
            let (stdout_log, stderr_log) = logs.open()?;
            let command = command_line.command();
            let (mut process, events) =
                Self::spawn(command, Stdio::piped(), stdout_log, logs, line)?;
            process.watches_stderr.store(true, Ordering::Relaxed);
            if let Some(stderr) = process.child.stderr.take() {
                let is_watched = Arc::clone(&process.watches_stderr);
                let stderr_log = Log { file: stderr_log, path: process.logs.stderr.clone() };
                thread::spawn(move || forward_stderr(stderr, stderr_log, &is_watched, &events));
            }
            Ok(process)
        };
        start().map_err(|source| spawn_error(&command_line, source))
    }

    /// Lines that are printed on stderr from now on are not outputs.
    pub(crate) fn ignore_stderr(&self) {
        self.watches_stderr.store(false, Ordering::Relaxed);
    }

    /// Waits until it has exited, at most `limit`; `None` if it has not. Adds all further lines of stdout to `stdout`.
    pub fn wait(&mut self, limit: Duration, stdout: &mut String) -> Option<Exit> {
        let deadline = Instant::now() + limit;
        loop {
            match self.next_output(deadline) {
                Ok(Line::Stdout(line)) => stdout.push_str(&line),
                Ok(Line::Stderr(_)) => {}
                Err(NoOutput::Exited(exit)) => return Some(exit),
                Err(NoOutput::TimedOut) => return None,
            }
        }
    }
}

impl<Output: Send + 'static> Process<Output> {
    /// Starts a process whose outputs are read with `read`.
    fn start_reading(
        command_line: &CommandLine,
        logs: Logs,
        read: ReadOutput<Output>,
    ) -> io::Result<Self> {
        let (stdout_log, stderr_log) = logs.open()?;
        let command = command_line.command();
        Self::spawn(command, stderr_log.into(), stdout_log, logs, read).map(|(process, _)| process)
    }

    /// Starts a process. Also returns the sender of its events.
    fn spawn(
        mut command: Command,
        stderr: Stdio,
        stdout_log: File,
        logs: Logs,
        read: ReadOutput<Output>,
    ) -> io::Result<(Self, Sender<Event<Output>>)> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = reaper::spawn(&mut command)?;
        let stdin = child.stdin.take().map(writer);
        let (sender, events) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            let (pid, sender) = (Pid::from_child(&child), sender.clone());
            let log = Log { file: stdout_log, path: logs.stdout.clone() };
            thread::spawn(move || forward(stdout, log, pid, read, &sender));
        }
        let watches_stderr = Arc::default();
        let has_reported_exit = false;
        Ok((Self { child, stdin, events, has_reported_exit, watches_stderr, logs }, sender))
    }

    /// Starts `program`, whose outputs are read with `read`.
    pub(crate) fn start_program_reading(
        program: &Program,
        places: &Places,
        address: &str,
        logs: Logs,
        read: ReadOutput<Output>,
    ) -> Result<Self, SpawnError> {
        let command_line = program.command_line(places, address)?;
        Self::start_reading(&command_line, logs, read)
            .map_err(|source| spawn_error(&command_line, source))
    }

    /// Writes to its stdin without waiting until the bytes are read.
    pub(crate) fn write(&mut self, bytes: Vec<u8>) {
        if let Some(stdin) = &self.stdin {
            // An error means that the process has exited, which is noticed when its output is read.
            let _ = stdin.send(bytes);
        }
    }

    /// Waits until `deadline` for its next output.
    pub(crate) fn next_output(&mut self, deadline: Instant) -> Result<Output, NoOutput> {
        let limit = deadline.saturating_duration_since(Instant::now());
        match self.events.recv_timeout(limit) {
            Ok(Event::Output(output)) => return Ok(output),
            Ok(Event::Exit) | Err(RecvTimeoutError::Disconnected) => self.has_reported_exit = true,
            // Even if it has exited, lines that it printed before may still be on their way.
            Err(RecvTimeoutError::Timeout) => {}
        }
        if !self.has_reported_exit {
            return Err(NoOutput::TimedOut);
        }
        Err(NoOutput::Exited(self.has_exited().unwrap_or(Exit::Status(-1))))
    }
}

impl<Output> Process<Output> {
    /// Its process ID, which is also the ID of its process group.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
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

impl<Output> Drop for Process<Output> {
    fn drop(&mut self) {
        reaper::end(&mut self.child);
    }
}

/// Writes in a separate thread, because a process that does not read must not block the tool.
fn writer(mut stdin: ChildStdin) -> Sender<Vec<u8>> {
    let (sender, receiver) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        for bytes in receiver {
            if stdin.write_all(&bytes).is_err() {
                break;
            }
        }
    });
    sender
}

/// Why `command_line` could not be started.
fn spawn_error(command_line: &CommandLine, source: io::Error) -> SpawnError {
    match source.downcast() {
        Ok(log) => SpawnError::Log(log),
        Err(source) => SpawnError::Io { program: command_line.program.clone(), source },
    }
}

/// The first error in writing a log.
static LOG_ERROR: Mutex<Option<Unwritten>> = Mutex::new(None);

/// The first error in writing a log since this was last asked, if there was one.
pub(crate) fn first_log_error() -> Option<Unwritten> {
    LOG_ERROR.lock().take()
}

/// A log that the tool writes.
struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// Writes `line`. Errors, such as a full disk, must not end the run, so they are reported at its end.
    fn write(&mut self, line: &[u8]) {
        if let Err(error) = self.file.write_all(line) {
            LOG_ERROR.lock().get_or_insert_with(|| Unwritten::new(&self.path, error));
        }
    }
}

/// The line of stdout as text.
fn line(line: &[u8], _stdout: &mut dyn Read) -> Line {
    Line::Stdout(String::from_utf8_lossy(line).into_owned())
}

/// Forwards outputs and writes their lines to the log until the process closes its stdout. Then waits for its exit
/// without reaping it.
fn forward<Output>(
    stdout: ChildStdout,
    mut log: Log,
    pid: Pid,
    read: ReadOutput<Output>,
    events: &Sender<Event<Output>>,
) {
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        log.write(&line);
        let _ = events.send(Event::Output(read(&line, &mut reader)));
        line.clear();
    }
    exit_of(pid, WaitIdOptions::empty());
    let _ = events.send(Event::Exit);
}

/// Forwards the lines of stderr while it `is_watched`, and writes all to the log.
fn forward_stderr(
    stderr: ChildStderr,
    mut log: Log,
    is_watched: &AtomicBool,
    events: &Sender<Event<Line>>,
) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        log.write(&line);
        if is_watched.load(Ordering::Relaxed) {
            let text = String::from_utf8_lossy(&line).into_owned();
            let _ = events.send(Event::Output(Line::Stderr(text)));
        }
        line.clear();
    }
}

/// How a child exited, if it has. The child is not reaped.
fn exit_of(pid: Pid, options: WaitIdOptions) -> Option<Exit> {
    let options = options | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let status = retry_on_intr(|| waitid(WaitId::Pid(pid), options)).ok()??;
    status.exit_status().map(Exit::Status).or_else(|| status.terminating_signal().map(Exit::Signal))
}
