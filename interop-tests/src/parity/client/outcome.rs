//! The outcome of a behaviour at a client, as the lines of an observation.
//!
//! It has what a caller sees and, by [`requests`], what a server sees.

use std::time::Duration;

use grpc_interop_protocol::CallOutcome;

use crate::http2::text::shown;
use crate::http2::value::Value;
use crate::outcome::finding::Observation;
use crate::parity::client::deadline;
use crate::parity::client::requests;
use crate::parity::client::requests::RequestsOfConnection;
use crate::parity::client::status_message;
use crate::parity::client::table::Behaviour;

/// How a call ended, and how long the tool waited for it.
pub(crate) type Ended = (CallOutcome, Duration);

/// The observation of `calls`; where there are several, each line names its call. `message` is how a status
/// message is written: [`status_message::full`] or [`status_message::masked`].
pub(crate) fn observation(
    behaviour: &Behaviour,
    calls: &[Ended],
    sent: &[RequestsOfConnection],
    message: fn(&str) -> String,
) -> Observation {
    let mut observation = Observation::default();
    let timeout_ms = behaviour.call.timeout_ms();
    for (index, (call, took)) in calls.iter().enumerate() {
        let label = format!("call {}: ", index + 1);
        let label = if calls.len() > 1 { &label } else { "" };
        let mut add = |what: &str, value: String| observation.add(format!("{label}{what}"), value);
        add("status", call.status.clone());
        add("message", message(&call.message));
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
        add("ended", deadline::end(timeout_ms, call.elapsed_ms, *took));
    }
    if behaviour.waits_for_request() {
        requests::observe(sent, behaviour, timeout_ms, &mut observation);
    }
    observation
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
