//! What a client made of a behaviour, as the lines of an observation.
//!
//! The outcome is what a caller sees; what was sent is what a server sees.

use std::time::Duration;

use crate::http2::text::shown;
use crate::http2::value::Value;
use crate::outcome::observation::Observation;
use crate::parity::client::deadline;
use crate::parity::client::requests::Requests;
use crate::parity::client::status_message;
use crate::parity::client::table::Behaviour;
use grpc_interop_protocol::CallOutcome;

/// Whose outcome it is: the text of a status message that nobody can rely on is no part of what is
/// right, but worth showing where it was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Expected,
    Observed,
}

/// How a call ended, and how long it took as the harness saw it.
pub(crate) type Ended = (CallOutcome, Duration);

/// The observation of `calls`; each line says of which, where there are several.
pub(crate) fn observation(
    behaviour: &Behaviour,
    calls: &[Ended],
    sent: &Requests,
    side: Side,
) -> Observation {
    let mut observation = Observation::default();
    for (index, ended) in calls.iter().enumerate() {
        let of = if calls.len() > 1 { format!("call {}: ", index + 1) } else { String::new() };
        observe(behaviour, ended, &of, side, &mut observation);
    }
    if behaviour.waits_for_request() {
        sent.observe(behaviour, behaviour.call.timeout_ms(), &mut observation);
    }
    observation
}

fn observe(
    behaviour: &Behaviour,
    (call, took): &Ended,
    of: &str,
    side: Side,
    observation: &mut Observation,
) {
    let mut add = |what: &str, value: String| observation.add(format!("{of}{what}"), value);
    add("status", call.status.clone());
    add(
        "message",
        match side {
            Side::Expected => status_message::right(&call.message),
            Side::Observed => status_message::whole(&call.message),
        },
    );
    if let Some(value) = &call.value {
        let shown = Value::from_hex(value).map(|value| value.to_string());
        add("value", shown.unwrap_or_else(|| format!("{value:?}")));
    }
    for (what, entries) in [
        ("initial metadata", &call.initial_metadata),
        ("trailing metadata", &call.trailing_metadata),
    ] {
        if !entries.is_empty() {
            add(what, metadata(entries));
        }
    }
    add("ended", deadline::end(behaviour.call.timeout_ms(), call.elapsed_ms, *took));
}

/// Metadata in the order of its names; values of the same name stay in theirs.
fn metadata(entries: &[(String, String)]) -> String {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    let entry = |(key, value): &&(String, String)| {
        format!("{}: {}", shown(key.as_bytes()), status_message::whole(value))
    };
    entries.iter().map(entry).collect::<Vec<_>>().join("; ")
}
