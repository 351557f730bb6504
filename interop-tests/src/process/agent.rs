//! A client agent: a process that reads requests as lines of JSON, makes the calls and prints their outcomes.
//!
//! If an agent hangs, exits or prints something else, that is not a mismatch, because it says nothing about the
//! server.

use std::time::{Duration, Instant};

use grpc_interop_protocol::{Call, Outcome, Request, ScriptStep};

use crate::config::{Places, Program};
use crate::outcome::Finding;
use crate::process::child::{Logs, NoLine, Process};

/// How long an agent may take in addition to the deadlines of its calls.
const GRACE: Duration = Duration::from_secs(5);

/// A running agent. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Agent(Process);

impl Agent {
    /// Starts `program` as an agent.
    pub(crate) fn start(program: &Program, places: &Places, logs: Logs) -> Result<Self, Finding> {
        Process::start_program(program, places, "", logs)
            .map(Self)
            .map_err(|error| Finding::SetUpError(format!("cannot start the agent: {error}")))
    }

    /// Lets the agent make the calls of `request`, runs `meanwhile` at the same time, and waits for the outcomes.
    pub(crate) fn perform(
        &mut self,
        request: &Request,
        meanwhile: impl FnOnce(),
    ) -> Result<Outcome, Finding> {
        let Self(process) = self;
        let limit = time_limit(request);
        process.write_line(line(request));
        meanwhile();
        let line = process.next_line(Instant::now() + limit).map_err(|error| match error {
            NoLine::TimedOut => {
                Finding::Hung(format!("the agent hangs: it reported no outcome within {limit:.1?}"))
            }
            NoLine::Exited(exit) => Finding::Broken(format!(
                "the agent exited with {exit} before it reported an outcome; the end of its stderr:\n{}",
                process.logs.end_of_stderr()
            )),
        })?;
        serde_json::from_str(&line).map_err(|error| {
            let line = shortened(line.trim_end());
            Finding::Broken(format!(
                "the agent printed a line that is not an outcome ({error}): {line}"
            ))
        })
    }
}

/// `request` as a line for an agent.
fn line(request: &Request) -> String {
    serde_json::to_string(request).unwrap_or_default()
}

/// `request` as text for failure messages.
pub(crate) fn shown(request: &Request) -> String {
    shortened(&line(request))
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
        let limit = |calls: &[&str]| {
            let call = |settings: &&str| format!(r#"{{"method": "/S/M", {settings}}}"#);
            let calls = calls.iter().map(call).collect::<Vec<_>>().join(",");
            let settings = r#""address": "x", "channels": 1, "keep_channels": false"#;
            let request = format!(r#"{{{settings}, "calls": [{calls}]}}"#);
            time_limit(&serde_json::from_str(&request).expect("the request is invalid"))
        };
        assert_eq!(limit(&[]), GRACE);
        let deadlines = [r#""timeout_ms": 1500"#, r#""timeout_ms": 200"#];
        assert_eq!(limit(&deadlines), GRACE + Duration::from_millis(1500));
        let steps = [ScriptStep::PauseMs(900), ScriptStep::PauseMs(800)];
        let script = format!(
            r#""script": {}"#,
            serde_json::to_string(&steps).expect("the steps are invalid")
        );
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
