//! Waits until a server is ready, and keeps what it prints until then.
//!
//! A server may print lines without end before it is ready. They must neither extend the time limit nor delay the next
//! look at its port.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use crate::process::child::{Exit, Line, NoOutput, Process};
use crate::process::liveness::{self, Reaction};
use crate::process::ready_line::ReadyLine;

/// How often to look at the port of a server that does not report its readiness.
pub(crate) const POLL: Duration = Duration::from_millis(10);

/// How long to wait for the last lines of a process that has exited.
const REST: Duration = Duration::from_millis(500);

/// What shows that a server is ready.
#[derive(Debug)]
pub(crate) enum Ready<'a> {
    /// It prints this line.
    Prints(&'a ReadyLine),
    /// It speaks HTTP/2 at its address, or accepts connections if it is a TLS server.
    Speaks { is_encrypted: bool },
}

/// Why a server did not become ready.
#[derive(Debug)]
pub(crate) enum NotReady {
    Exited(Exit),
    TimedOut,
    /// Its first bytes, escaped.
    NotHttp2(String),
}

impl Ready<'_> {
    /// Waits until `process`, which was given the address `requested`, is ready; returns its address. Adds what it
    /// prints to `output`.
    pub(crate) fn wait(
        &self,
        requested: &str,
        deadline: Instant,
        process: &mut Process,
        output: &mut Output,
    ) -> Result<String, NotReady> {
        let mut next_look = Instant::now() + POLL;
        while Instant::now() < deadline {
            let until = if let Self::Prints(_) = self { deadline } else { next_look.min(deadline) };
            match process.next_output(until) {
                Ok(line) => {
                    output.add(&line);
                    if let Self::Prints(ready) = self
                        && let Some(address) = ready.address_in(line.text(), requested)
                    {
                        return Ok(address);
                    }
                }
                Err(NoOutput::Exited(exit)) => {
                    output.add_rest(process);
                    return Err(NotReady::Exited(exit));
                }
                Err(NoOutput::TimedOut) => {}
            }
            if let Self::Speaks { is_encrypted } = self
                && Instant::now() >= next_look
            {
                match liveness::reaction(requested, *is_encrypted) {
                    Reaction::Ready => return Ok(requested.to_owned()),
                    Reaction::NotYet => {}
                    Reaction::Other(bytes) => {
                        return Err(NotReady::NotHttp2(bytes.escape_ascii().to_string()));
                    }
                }
                next_look = Instant::now() + POLL;
            }
        }
        Err(NotReady::TimedOut)
    }
}

/// What a server printed until it was ready.
#[derive(Debug, Default)]
pub struct Output {
    /// All lines of stdout.
    pub(crate) stdout: String,
    /// The last lines of stdout and stderr, in the order in which they arrived.
    last: VecDeque<String>,
}

impl Output {
    pub(crate) fn add(&mut self, line: &Line) {
        const SHOWN: usize = 8;
        if let Line::Stdout(line) = line {
            self.stdout.push_str(line);
        }
        if self.last.len() == SHOWN {
            self.last.pop_front();
        }
        self.last.push_back(line.text().trim_end().to_owned());
    }

    /// Adds what a process that has exited printed on stderr and is still on its way.
    pub(crate) fn add_rest(&mut self, process: &mut Process) {
        let deadline = Instant::now() + REST;
        while let Ok(line) = process.next_output(deadline) {
            self.add(&line);
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.last.is_empty() {
            return f.write_str("it printed nothing");
        }
        f.write_str("the end of its output:")?;
        self.last.iter().try_for_each(|line| write!(f, "\n{line}"))
    }
}
