//! A client agent: a process that makes the calls it is told to and says what came of them.
//!
//! An agent that hangs, dies or prints something else is a failure of its own kind: its silence
//! says nothing about the server.

use std::io;
use std::time::{Duration, Instant};

use crate::config::program::CommandLine;
use crate::process::child::{Exit, Logs, NoLine, Process};
use grpc_interop_protocol::{Call, Outcome, Request, ScriptStep};

/// How much longer than its calls' deadlines an agent may take to answer.
const GRACE: Duration = Duration::from_secs(5);

/// Why an agent gave no outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentError {
    #[error("the agent cannot be started: {0}")]
    Start(io::Error),
    #[error("the agent hangs: no outcome after {0:.1?}")]
    Hangs(Duration),
    #[error("the agent ended with {exit} instead of answering; its last words:\n{last_words}")]
    Exited { exit: Exit, last_words: String },
    #[error("the agent printed something that is no outcome ({error}): {line}")]
    Rubbish { line: String, error: serde_json::Error },
}

/// A running agent; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Agent {
    process: Process,
}

impl Agent {
    pub(crate) fn start(command_line: &CommandLine, logs: Logs) -> Result<Self, AgentError> {
        Process::start(command_line, logs)
            .map(|process| Self { process })
            .map_err(AgentError::Start)
    }

    /// Has the agent make the calls of `request`, does something `meanwhile`, and waits for the
    /// outcome.
    pub(crate) fn perform(
        &mut self,
        request: &Request,
        meanwhile: impl FnOnce(),
    ) -> Result<Outcome, AgentError> {
        let limit = time_limit(request);
        let line = serde_json::to_string(request).map_err(|error| AgentError::Rubbish {
            line: "the request itself".to_owned(),
            error,
        })?;
        self.process.write_line(line);
        meanwhile();
        match self.process.next_line(Instant::now() + limit) {
            Ok(line) => serde_json::from_str(&line)
                .map_err(|error| AgentError::Rubbish { line: shortened(line.trim_end()), error }),
            Err(NoLine::TimedOut) => Err(AgentError::Hangs(limit)),
            Err(NoLine::Exited(exit)) => {
                Err(AgentError::Exited { exit, last_words: self.process.logs().last_words() })
            }
        }
    }
}

/// The longest deadline, since all calls of a request are made at once; for calls without one, the
/// longest pauses.
fn time_limit(request: &Request) -> Duration {
    let deadlines = request.calls.iter().filter_map(|call| call.timeout_ms).fold(0.0, f64::max);
    let deadlines = Duration::try_from_secs_f64(deadlines / 1000.0).unwrap_or_default();
    let pauses = request.calls.iter().map(pauses).max().unwrap_or_default();
    deadlines.max(pauses) + GRACE
}

fn pauses(call: &Call) -> Duration {
    let steps = call.script.iter().flatten();
    let milliseconds = steps.map(|step| match step {
        ScriptStep::PauseMs(pause) => *pause,
        _ => 0,
    });
    Duration::from_millis(milliseconds.sum())
}

/// `text` without its middle, if it is long.
pub(crate) fn shortened(text: &str) -> String {
    const END: usize = 200;
    if text.len() <= 2 * END {
        return text.to_owned();
    }
    // By bytes and not by characters: a line may have millions.
    let boundary = |from: usize| (from..text.len()).find(|at| text.is_char_boundary(*at));
    let start = &text[..boundary(END).unwrap_or_default()];
    let end = &text[boundary(text.len() - END).unwrap_or(text.len())..];
    format!("{start} … {} bytes … {end}", text.len() - start.len() - end.len())
}
