//! Converts the outcome of a behaviour at a client to the lines of an observation.
//!
//! The observation contains what the caller sees and, from [`requests`], what the server sees.
//!
//! This is the only place where a status message is ignored. Callers can rely on a message from the server, and on
//! messages of the reference that are always the same. But the message about a broken connection describes the
//! implementation of the client. Such a message contains one of the texts in `INTERNAL`, and is equal to any other
//! text. `docs/behaviours.md` documents the same list.

use std::time::Duration;

use grpc_interop_protocol::CallOutcome;

use crate::http2::{Value, body::checksum, value::shown};
use crate::outcome::{Observation, finding::ANY};
use crate::parity::client::requests::{self, RequestsOfConnection};
use crate::parity::client::table::Behaviour;

/// The outcome of a call, and how long the tool waited for it.
pub(crate) type Ended = (CallOutcome, Duration);

/// The observation of `calls`. If there is more than one, each line names its call. `message` formats status
/// messages: [`full`] or [`masked`].
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
        add("ended", requests::end(timeout_ms, call.elapsed_ms, *took));
    }
    if behaviour.waits_for_request() {
        requests::observe(sent, behaviour, timeout_ms, &mut observation);
    }
    observation
}

/// Metadata sorted by name. Values of the same name keep their order.
fn metadata(entries: &[(String, String)]) -> String {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    let entry =
        |(key, value): &&(String, String)| format!("{}: {}", shown(key.as_bytes()), full(value));
    entries.iter().map(entry).collect::<Vec<_>>().join("; ")
}

/// Parts of messages that no caller can rely on.
const INTERNAL: [&str; 9] = [
    // The address of the server or of the broken connection.
    "ipv4:",
    "ipv6:",
    // How the socket failed, reported by grpcio or the operating system.
    "Socket closed",
    "Connection reset by peer",
    "Broken pipe",
    "recvmsg",
    "sendmsg",
    // An error of the frame parser.
    "Failed parsing HTTP/2",
    // A debug text of the server.
    "GOAWAY received",
];

/// The text that grpcio adds around the reason for removing a stream. Only the reason is compared.
const WRAPPER: (&str, &str) = ("Stream removed (", ")");

/// `message` for an expected outcome, in which [`ANY`] equals any text.
pub(crate) fn masked(message: &str) -> String {
    let is_internal = INTERNAL.iter().any(|part| message.contains(part));
    if is_internal { ANY.to_owned() } else { full(message) }
}

/// `message` without the wrapper. A long message is shortened, with its checksum.
pub(crate) fn full(message: &str) -> String {
    let inner = message.strip_prefix(WRAPPER.0).and_then(|rest| rest.strip_suffix(WRAPPER.1));
    let message = inner.unwrap_or(message);
    let text = shown(message.as_bytes());
    if text.ends_with(" bytes)") {
        return format!("{text}, checksum {:016x}", checksum(message.as_bytes()));
    }
    text
}
