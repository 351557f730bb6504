//! What a client made of a behaviour, as the lines of an observation.
//!
//! The outcome is what a caller sees; what was sent is what a server sees.

use std::time::Duration;

use super::deadline;
use super::details;
use super::sent::Sent;
use super::table::Behaviour;
use crate::harness::oracle::observation::Observation;
use crate::harness::protocol::CallOutcome;
use crate::harness::value::Value;
use crate::harness::wire::text::shown;

/// Whose outcome it is: the text of a status message that nobody can rely on is no part of what is
/// right, but worth showing where it was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Right,
    Observed,
}

/// The observation of `call`, which took this long.
pub(crate) fn observation(
    behaviour: &Behaviour,
    call: &CallOutcome,
    took: Duration,
    sent: &Sent,
    side: Side,
) -> Observation {
    let mut observation = Observation::default();
    observation.add("status", &call.status);
    observation.add(
        "message",
        match side {
            Side::Right => details::right(&call.message),
            Side::Observed => details::whole(&call.message),
        },
    );
    if let Some(value) = &call.value {
        let shown = Value::from_hex(value).map(|value| value.to_string());
        observation.add("value", shown.unwrap_or_else(|| format!("{value:?}")));
    }
    for (what, entries) in [
        ("initial metadata", &call.initial_metadata),
        ("trailing metadata", &call.trailing_metadata),
    ] {
        if !entries.is_empty() {
            observation.add(what, metadata(entries));
        }
    }
    let timeout = behaviour.call.timeout_ms();
    observation.add("ended", deadline::end(timeout, call.elapsed_ms, took));
    if behaviour.waits_for_request() {
        sent.observe(behaviour, timeout, &mut observation);
    }
    observation
}

/// Metadata in the order of its names; values of the same name stay in theirs.
fn metadata(entries: &[(String, String)]) -> String {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    let entry = |(key, value): &&(String, String)| {
        format!("{}: {}", shown(key.as_bytes()), details::whole(value))
    };
    entries.iter().map(entry).collect::<Vec<_>>().join("; ")
}
