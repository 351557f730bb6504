//! A client agent: a process that reads requests as lines of JSON, makes the calls and prints the outcome.
//!
//! An agent that hangs, dies or prints something else is a failure of its own kind: it says nothing about
//! the server.

use std::io;
use std::time::{Duration, Instant};

use crate::config::places::Places;
use crate::config::program::{CommandError, Program};
use crate::process::child::{Exit, Logs, NoLine, Process};
use grpc_interop_protocol::{Call, Outcome, Request, ScriptStep};

/// How much longer than its calls' deadlines an agent may take.
const GRACE: Duration = Duration::from_secs(5);

/// Why an agent gave no outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentError {
    #[error("the agent cannot be started: {0}")]
    Command(#[from] CommandError),
    #[error("the agent cannot be started: {0}")]
    Start(#[from] io::Error),
    #[error("the agent hangs: no outcome after {0:.1?}")]
    Hangs(Duration),
    #[error("the agent ended with {exit} instead of answering; the end of its stderr:\n{stderr}")]
    Exited { exit: Exit, stderr: String },
    #[error("the agent printed something that is no outcome ({error}): {line}")]
    NotAnOutcome { line: String, error: serde_json::Error },
}

/// A running agent; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Agent {
    process: Process,
}

impl Agent {
    pub(crate) fn start(
        program: &Program,
        places: &Places,
        logs: Logs,
    ) -> Result<Self, AgentError> {
        let command_line = program.command_line(places, "")?;
        Ok(Self { process: Process::start(&command_line, logs)? })
    }

    /// Has the agent make the calls of `request`, does something `meanwhile`, and waits for the
    /// outcome.
    pub(crate) fn perform(
        &mut self,
        request: &Request,
        meanwhile: impl FnOnce(),
    ) -> Result<Outcome, AgentError> {
        let limit = time_limit(request);
        let line = serde_json::to_string(request).map_err(|error| AgentError::NotAnOutcome {
            line: "the request itself".to_owned(),
            error,
        })?;
        self.process.write_line(line);
        meanwhile();
        match self.process.next_line(Instant::now() + limit) {
            Ok(line) => serde_json::from_str(&line).map_err(|error| AgentError::NotAnOutcome {
                line: shortened(line.trim_end()),
                error,
            }),
            Err(NoLine::TimedOut) => Err(AgentError::Hangs(limit)),
            Err(NoLine::Exited(exit)) => {
                Err(AgentError::Exited { exit, stderr: self.process.logs().end_of_stderr() })
            }
        }
    }
}

/// The longest deadline, since all calls of a request are made at once, or the longest pauses of a call;
/// and the grace.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_limit_is_the_longest_deadline_or_pause_and_the_grace() {
        let limit = |calls: &[&str]| {
            let call = |settings: &&str| format!(r#"{{"method": "/S/M", {settings}}}"#);
            let calls = calls.iter().map(call).collect::<Vec<_>>().join(",");
            let settings = r#""address": "x", "channels": 1, "keep_channels": false"#;
            let request = format!(r#"{{{settings}, "calls": [{calls}]}}"#);
            time_limit(&serde_json::from_str(&request).expect("a request"))
        };
        assert_eq!(limit(&[]), GRACE);
        let deadlines = [r#""timeout_ms": 1500"#, r#""timeout_ms": 200"#];
        assert_eq!(limit(&deadlines), GRACE + Duration::from_millis(1500));
        let steps = [ScriptStep::PauseMs(900), ScriptStep::PauseMs(800)];
        let script = format!(r#""script": {}"#, serde_json::to_string(&steps).expect("steps"));
        assert_eq!(limit(&[deadlines[0], &script]), GRACE + Duration::from_millis(1700));
    }

    #[test]
    fn a_long_text_is_shortened_between_characters() {
        let text = "é".repeat(1000);
        let short = shortened(&text);
        assert!(short.len() < 450 && short.contains(" bytes … "), "{short}");
        assert_eq!(shortened("short"), "short");
    }
}
