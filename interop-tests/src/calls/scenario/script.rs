//! What one call of any kind does, entry by entry.
//!
//! The entries are the steps that an agent knows, and one more that repeats some of them, so that a
//! thousand pings and pongs are two lines in a table.

use prost_reflect::MessageDescriptor;
use serde::Deserialize;

use crate::calls::message::Message;
use grpc_interop_protocol::{Kind, ScriptStep, True};

/// One entry of a `script`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScriptEntry {
    Send(Message),
    /// Waits until this many more responses have arrived, or the call has ended.
    Receive(usize),
    PauseMs(u64),
    HalfClose(True),
    Cancel(True),
    Repeat(Repeat),
}

/// Entries that are repeated.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repeat {
    times: usize,
    script: Vec<ScriptEntry>,
}

/// The steps of the agent for these entries, whose messages are of the type `of`.
pub(crate) fn steps(
    entries: &[ScriptEntry],
    of: Option<&MessageDescriptor>,
) -> Result<Vec<ScriptStep>, String> {
    let mut script = Vec::new();
    for entry in entries {
        match entry {
            ScriptEntry::Send(message) => {
                let messages = message.encoded(of)?;
                script.extend(messages.iter().map(|bytes| ScriptStep::Send(hex::encode(bytes))));
            }
            ScriptEntry::Receive(count) => script.push(ScriptStep::Receive(*count)),
            ScriptEntry::PauseMs(pause) => script.push(ScriptStep::PauseMs(*pause)),
            ScriptEntry::HalfClose(True) => script.push(ScriptStep::HalfClose(True)),
            ScriptEntry::Cancel(True) => script.push(ScriptStep::Cancel(True)),
            ScriptEntry::Repeat(Repeat { times, script: repeated }) => {
                let once = steps(repeated, of)?;
                script.extend(std::iter::repeat_n(once, *times).flatten());
            }
        }
    }
    Ok(script)
}

impl ScriptEntry {
    /// Whether it pauses.
    pub(crate) fn pauses(&self) -> bool {
        self.any(&|entry| matches!(entry, Self::PauseMs(_)))
    }

    /// Whether it sends a message whose bytes the table states.
    pub(crate) fn is_raw(&self) -> bool {
        self.any(&|entry| matches!(entry, Self::Send(message) if message.is_raw()))
    }

    /// Whether the condition is true of this entry or of one that it repeats.
    fn any(&self, condition: &dyn Fn(&Self) -> bool) -> bool {
        match self {
            Self::Repeat(Repeat { script, .. }) => script.iter().any(|it| it.any(condition)),
            entry => condition(entry),
        }
    }
}

/// Checks that a call of this kind can run `script`.
pub(crate) fn check(script: &[ScriptStep], kind: Kind) -> Result<(), String> {
    let is_send = |step: &ScriptStep| matches!(step, ScriptStep::Send(_));
    let sends = script.iter().filter(|step| is_send(step)).count();
    let position = |is_meant: fn(&ScriptStep) -> bool| script.iter().position(is_meant);
    let closed = position(|step| matches!(step, ScriptStep::HalfClose(_)));
    let cancelled = position(|step| matches!(step, ScriptStep::Cancel(_)));
    let receives = position(|step| matches!(step, ScriptStep::Receive(_))).is_some();
    let wrong = if !kind.has_many_requests() && (sends != 1 || !script.first().is_some_and(is_send))
    {
        "a call with one request begins by sending it, and sends no other"
    } else if receives && !kind.has_many_replies() {
        "`receive` is for a call with many replies"
    } else if closed.is_some_and(|at| script[at..].iter().any(is_send)) {
        "nothing can be sent after `half_close`"
    } else if cancelled.is_some_and(|at| at + 1 != script.len()) {
        "`cancel` ends a script"
    } else {
        return Ok(());
    };
    Err(wrong.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(script: &str) -> Result<Vec<ScriptStep>, String> {
        #[derive(Deserialize)]
        struct Table {
            script: Vec<ScriptEntry>,
        }
        let table: Table =
            toml::from_str(&format!("script = {script}")).map_err(|it| it.message().to_owned())?;
        steps(&table.script, None)
    }

    #[test]
    fn repeated_entries_are_written_out() {
        let script =
            read("[{ repeat = { times = 2, script = [{ send = \"0d\" }, { receive = 1 }] } }]");
        let once = [ScriptStep::Send("0d".to_owned()), ScriptStep::Receive(1)];
        assert_eq!(script.unwrap(), [once.clone(), once].concat());
        assert!(read("[{ cancel = false }]").unwrap_err().contains("is left out"));
    }

    #[test]
    fn a_script_has_to_fit_the_kind() {
        let check = |script, kind| check(&read(script).unwrap(), kind);
        let one = "[{ send = \"\" }]";
        assert_eq!(check(one, Kind::Unary), Ok(()));
        let late = "[{ pause_ms = 1 }, { send = \"\" }]";
        assert!(check(late, Kind::ServerStreaming).unwrap_err().starts_with("a call with one"));
        assert_eq!(check(late, Kind::ClientStreaming), Ok(()));
        let receiving = "[{ send = \"\" }, { receive = 1 }]";
        assert!(check(receiving, Kind::ClientStreaming).unwrap_err().starts_with("`receive`"));
        assert_eq!(check(receiving, Kind::Bidirectional), Ok(()));
        let closed = "[{ half_close = true }, { send = \"\" }]";
        assert!(check(closed, Kind::Bidirectional).unwrap_err().starts_with("nothing can"));
        let cancelled = "[{ cancel = true }, { receive = 1 }]";
        assert!(check(cancelled, Kind::Bidirectional).unwrap_err().starts_with("`cancel` ends"));
    }
}
