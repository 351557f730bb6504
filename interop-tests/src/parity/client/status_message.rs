//! Which status messages are compared. This is the only place where one is not.
//!
//! Callers can rely on a message that the reference takes from the server, and on one that it always
//! words alike. A message of its own about a broken connection describes its implementation: such a text
//! contains a part of [`INTERNAL`], and then any other text is equal. `docs/behaviours.md` has the same list
//! for people.

use crate::http2::message::checksum;
use crate::http2::text::shown;
use crate::outcome::finding::ANY;

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
    // The server's own words to whoever looks into the connection.
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
