//! The outcome of a behaviour at a client, as the lines of an observation.
//!
//! It has what a caller sees and, by [`requests`], what a server sees.
//!
//! This is the only place where a status message is not compared. Callers can rely on a message that the
//! reference takes from the server, and on one that it always words alike. A message of its own about a broken
//! connection describes its implementation: such a text contains a part of [`INTERNAL`], and then any other text
//! is equal. `docs/behaviours.md` has the same list for people.

use std::time::Duration;

use grpc_interop_protocol::CallOutcome;

use crate::http2::Value;
use crate::http2::body::checksum;
use crate::http2::value::shown;
use crate::outcome::Observation;
use crate::outcome::finding::ANY;
use crate::parity::client::requests::{self, RequestsOfConnection};
use crate::parity::client::table::Behaviour;

/// How a call ended, and how long the tool waited for it.
pub(crate) type Ended = (CallOutcome, Duration);

/// The observation of `calls`; where there are several, each line names its call. `message` is how a status
/// message is written: [`full`] or [`masked`].
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

/// Metadata sorted by name; values of the same name stay in their order.
fn metadata(entries: &[(String, String)]) -> String {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    let entry =
        |(key, value): &&(String, String)| format!("{}: {}", shown(key.as_bytes()), full(value));
    entries.iter().map(entry).collect::<Vec<_>>().join("; ")
}

/// Parts of texts that no caller can rely on.
const INTERNAL: [&str; 9] = [
    // An address: of the server, or of the connection that is gone.
    "ipv4:",
    "ipv6:",
    // How the socket ended, in the words of grpcio or of the operating system.
    "Socket closed",
    "Connection reset by peer",
    "Broken pipe",
    "recvmsg",
    "sendmsg",
    // What a parser of frames thinks of the bytes.
    "Failed parsing HTTP/2",
    // A debug text of the server.
    "GOAWAY received",
];

/// What grpcio puts around the reason why it gave up a stream: the reason alone is compared.
const WRAPPER: (&str, &str) = ("Stream removed (", ")");

/// `message` as a line of an expected outcome, where [`ANY`] stands for any text.
pub(crate) fn masked(message: &str) -> String {
    let is_internal = INTERNAL.iter().any(|part| message.contains(part));
    if is_internal { ANY.to_owned() } else { full(message) }
}

/// All of `message` but the wrapper; a long one as its beginning and its checksum.
pub(crate) fn full(message: &str) -> String {
    let inner = message.strip_prefix(WRAPPER.0).and_then(|rest| rest.strip_suffix(WRAPPER.1));
    let message = inner.unwrap_or(message);
    let text = shown(message.as_bytes());
    if text.ends_with(" bytes)") {
        return format!("{text}, checksum {:016x}", checksum(message.as_bytes()));
    }
    text
}
