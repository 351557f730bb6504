//! The messages in the body of an answer.
//!
//! Cut out as a server cuts them out of a request; only the words for what is too large differ.

use super::codec::OfClient;

/// Bytes that go in, messages that come out.
pub(super) type Messages = crate::parity::messages::Messages<OfClient>;
