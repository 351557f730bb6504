//! What a call of any kind does, step by step.
//!
//! The steps are those of the agents' lines, and one more that repeats some of them: a thousand pings
//! and pongs are two lines in a table.

use prost_reflect::MessageDescriptor;
use serde::Deserialize;

use crate::calls::scenario::message::Message;
use grpc_interop_protocol::{Kind, ScriptStep, True};

/// One step of a `script`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Send(Message),
    /// Waits until so many more replies have come, or the call has ended.
    Receive(usize),
    PauseMs(u64),
    HalfClose(bool),
    Cancel(bool),
    Repeat(Repeat),
}

/// Some steps again and again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repeat {
    times: usize,
    script: Vec<Step>,
}

impl Step {
    /// Appends what an agent is told.
    pub(crate) fn write(
        &self,
        of: Option<&MessageDescriptor>,
        to: &mut Vec<ScriptStep>,
    ) -> Result<(), String> {
        match self {
            Self::Send(message) => {
                let messages = message.encoded(of)?;
                to.extend(messages.iter().map(|message| ScriptStep::Send(hex::encode(message))));
            }
            Self::Receive(count) => to.push(ScriptStep::Receive(*count)),
            Self::PauseMs(pause) => to.push(ScriptStep::PauseMs(*pause)),
            Self::HalfClose(true) => to.push(ScriptStep::HalfClose(True)),
            Self::Cancel(true) => to.push(ScriptStep::Cancel(True)),
            Self::HalfClose(false) | Self::Cancel(false) => {
                return Err("`half_close` and `cancel` are true, or left out".to_owned());
            }
            Self::Repeat(Repeat { times, script }) => {
                let mut once = Vec::new();
                script.iter().try_for_each(|step| step.write(of, &mut once))?;
                to.extend(std::iter::repeat_n(once, *times).flatten());
            }
        }
        Ok(())
    }

    /// Whether it waits for nothing but time.
    pub(crate) fn pauses(&self) -> bool {
        match self {
            Self::PauseMs(_) => true,
            Self::Repeat(Repeat { script, .. }) => script.iter().any(Self::pauses),
            _ => false,
        }
    }

    /// Whether it sends a message that is given by its bytes.
    pub(crate) fn is_raw(&self) -> bool {
        match self {
            Self::Send(message) => message.is_raw(),
            Self::Repeat(Repeat { script, .. }) => script.iter().any(Self::is_raw),
            _ => false,
        }
    }
}

/// What is wrong with a script for a call of this kind.
pub(crate) fn check(script: &[ScriptStep], kind: Kind) -> Result<(), String> {
    let sends = script.iter().filter(|step| matches!(step, ScriptStep::Send(_))).count();
    if !kind.has_many_requests()
        && (sends != 1 || !matches!(script.first(), Some(ScriptStep::Send(_))))
    {
        return Err("a call with one request begins by sending it, and sends no other".to_owned());
    }
    let receives = script.iter().any(|step| matches!(step, ScriptStep::Receive(_)));
    if receives && !kind.has_many_replies() {
        return Err("`receive` is for a call with many replies".to_owned());
    }
    let closed = script.iter().position(|step| matches!(step, ScriptStep::HalfClose(_)));
    let sends_after =
        |end: usize| script[end..].iter().any(|step| matches!(step, ScriptStep::Send(_)));
    if closed.is_some_and(sends_after) {
        return Err("nothing can be sent after `half_close`".to_owned());
    }
    let cancelled = script.iter().position(|step| matches!(step, ScriptStep::Cancel(_)));
    if cancelled.is_some_and(|at| at + 1 != script.len()) {
        return Err("`cancel` ends a script".to_owned());
    }
    Ok(())
}
