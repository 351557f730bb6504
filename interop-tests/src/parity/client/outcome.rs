//! The outcome of a behaviour at a client, as the lines of an observation.
//!
//! It has what a caller sees and, by [`Sent`], what a server sees.

use std::time::Duration;

use crate::http2::text::shown;
use crate::http2::value::Value;
use crate::outcome::observation::Observation;
use crate::parity::client::deadline;
use crate::parity::client::requests::Requests;
use crate::parity::client::status_message;
use crate::parity::client::table::Behaviour;
use grpc_interop_protocol::CallOutcome;

/// What an observation is for: the text of a status message that callers cannot rely on is not expected,
/// but worth showing where it was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Expected,
    Observed,
}

/// How a call ended, and how long the tool waited for it.
pub(crate) type Ended = (CallOutcome, Duration);

/// The observation of `calls`; where there are several, each line names its call.
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
            Side::Expected => status_message::masked(&call.message),
            Side::Observed => status_message::full(&call.message),
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

/// Metadata sorted by name; values of the same name stay in their order.
fn metadata(entries: &[(String, String)]) -> String {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    let entry = |(key, value): &&(String, String)| {
        format!("{}: {}", shown(key.as_bytes()), status_message::full(value))
    };
    entries.iter().map(entry).collect::<Vec<_>>().join("; ")
}
