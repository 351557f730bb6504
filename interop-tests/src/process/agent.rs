//! A client agent: a process that reads requests, makes the calls and prints their outcomes.
//!
//! If an agent hangs, exits or prints something else, that is not a mismatch, because it says nothing about the
//! server.

use std::io::Read;
use std::time::{Duration, Instant};

use grpc_interop_protocol::{Call, Outcome, ReadError, Request, ScriptStep};

use crate::config::{Places, Program};
use crate::outcome::Finding;
use crate::process::child::{Logs, NoOutput, Process};

/// How long an agent may take in addition to the deadlines of its calls.
const GRACE: Duration = Duration::from_secs(5);

/// A running agent. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Agent {
    /// Its outcomes, or why one cannot be read.
    process: Process<Result<Outcome, String>>,
    raw_messages: bool,
}

impl Agent {
    /// Starts `program` as an agent.
    pub(crate) fn start(program: &Program, places: &Places, logs: Logs) -> Result<Self, Finding> {
        Process::start_program_reading(program, places, "", logs, outcome)
            .map(|process| Self { process, raw_messages: program.raw_messages })
            .map_err(|error| Finding::SetUpError(format!("cannot start the agent: {error}")))
    }

    /// Lets the agent make the calls of `request`, runs `meanwhile` at the same time, and waits for the outcomes.
    pub(crate) fn perform(
        &mut self,
        request: &Request,
        meanwhile: impl FnOnce(),
    ) -> Result<Outcome, Finding> {
        let Self { process, raw_messages } = self;
        let limit = time_limit(request);
        let written = request.write(*raw_messages).map_err(|error| {
            Finding::SetUpError(format!("cannot write a request to the agent: {error}"))
        })?;
        process.write(written);
        meanwhile();
        let outcome = process.next_output(Instant::now() + limit).map_err(|error| match error {
            NoOutput::TimedOut => {
                Finding::Hung(format!("the agent hangs: it reported no outcome within {limit:.1?}"))
            }
            NoOutput::Exited(exit) => Finding::Broken(format!(
                "the agent exited with {exit} before it reported an outcome; the end of its stderr:\n{}",
                process.logs.end_of_stderr()
            )),
        })?;
        outcome.map_err(Finding::Broken)
    }
}

/// Reads an outcome from its line and from what follows the line. The error is what the agent did wrong.
fn outcome(line: &[u8], stdout: &mut dyn Read) -> Result<Outcome, String> {
    Outcome::read(line, stdout).map_err(|error| {
        let line = String::from_utf8_lossy(line);
        let line = shortened(line.trim_end());
        match error {
            ReadError::NotJson(error) | ReadError::Invalid(error) => {
                format!("the agent printed a line that is not an outcome ({error}): {line}")
            }
            error => format!("the agent printed an incomplete outcome ({error}): {line}"),
        }
    })
}

/// `request` as text for failure messages.
pub(crate) fn shown(request: &Request) -> String {
    shortened(&request.shown())
}

/// The time limit for the outcomes of `request`: the longest deadline or the longest pauses of one call, because all
/// calls are made at once, and the grace.
fn time_limit(request: &Request) -> Duration {
    let deadlines = request.calls.iter().filter_map(|call| call.timeout_ms).fold(0.0, f64::max);
    let deadlines = Duration::try_from_secs_f64(deadlines / 1000.0).unwrap_or_default();
    let pauses = request.calls.iter().map(pauses).max().unwrap_or_default();
    deadlines.max(pauses) + GRACE
}

fn pauses(call: &Call) -> Duration {
    let pause = |step: &ScriptStep| match step {
        ScriptStep::PauseMs(pause) => *pause,
        _ => 0,
    };
    Duration::from_millis(call.script.iter().flatten().map(pause).sum())
}

/// `text`, without its middle if it is long.
fn shortened(text: &str) -> String {
    const END: usize = 200;
    if text.len() <= 2 * END {
        return text.to_owned();
    }
    // By bytes rather than characters, because a line may have millions of characters.
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
        let limit = |calls: Vec<Call>| time_limit(&Request { calls, ..Request::default() });
        let deadline = |timeout_ms| Call { timeout_ms: Some(timeout_ms), ..Call::default() };
        assert_eq!(limit(Vec::new()), GRACE);
        assert_eq!(
            limit(vec![deadline(1500.0), deadline(200.0)]),
            GRACE + Duration::from_millis(1500)
        );
        let script = Some(vec![ScriptStep::PauseMs(900), ScriptStep::PauseMs(800)]);
        let paused = Call { script, ..Call::default() };
        assert_eq!(limit(vec![deadline(1500.0), paused]), GRACE + Duration::from_millis(1700));
    }

    #[test]
    fn a_large_message_is_shown_by_its_size() {
        let of_size = |size| Call { message: Some(vec![0; size].into()), ..Call::default() };
        let shown = |calls| shown(&Request { calls, ..Request::default() });
        let small = shown(vec![of_size(2)]);
        assert!(small.contains(r#""message":"0000""#), "{small}");
        let large = shown(vec![of_size(4 << 20)]);
        assert!(large.contains(r#""message":{"bytes":4194304}"#), "{large}");
    }

    #[test]
    fn a_long_text_is_shortened_between_characters() {
        let text = "é".repeat(1000);
        let short = shortened(&text);
        assert!(short.len() < 450 && short.contains(" bytes … "), "{short}");
        assert_eq!(shortened("short"), "short");
    }
}
