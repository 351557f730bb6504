//! What a client sent: the requests of all its connections, in the order in which they came.
//!
//! Shared by the threads of all connections. Only the first request is looked at in full: later ones
//! are repetitions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::deadline;
use super::table::Behaviour;
use crate::harness::oracle::observation::Observation;
use crate::harness::wire::header_block::Field;
use crate::harness::wire::message;
use crate::harness::wire::text::shown;

/// One request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) fields: Vec<Field>,
    pub(crate) malformed: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) ended: bool,
}

/// All requests; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(Arc<Mutex<Vec<Request>>>);

impl Sent {
    pub(crate) fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what was sent by the call of `behaviour`, with this deadline, to `observation`.
    pub(crate) fn observe(
        &self,
        behaviour: &Behaviour,
        timeout_ms: Option<f64>,
        observation: &mut Observation,
    ) {
        let requests = self.requests();
        if let Some(first) = requests.first().filter(|_| behaviour.sent) {
            first.observe(timeout_ms, observation);
        }
        observation.add("requests", requests.len().to_string());
    }
}

/// Fields that have a line of their own, whether they are there or not.
const OWN_LINES: [&str; 6] =
    [":method", ":scheme", ":path", "te", "content-type", "grpc-accept-encoding"];

/// Fields that are looked at in another way.
const SPECIAL: [&[u8]; 3] = [b":authority", b"user-agent", b"grpc-timeout"];

impl Request {
    fn observe(&self, timeout_ms: Option<f64>, observation: &mut Observation) {
        let values = |name: &str| {
            let values = self.fields.iter().filter(|field| field.0 == name.as_bytes());
            values.map(|(_, value)| shown(value)).collect::<Vec<_>>().join("; ")
        };
        for name in OWN_LINES {
            observation.add(format!("sent {name}"), values(name));
        }
        let presence = |name: &str| if values(name).is_empty() { "missing" } else { "there" };
        for name in [":authority", "user-agent"] {
            observation.add(format!("sent {name}"), presence(name));
        }
        let timeout = values("grpc-timeout");
        if !timeout.is_empty() {
            observation.add("sent grpc-timeout", deadline::normalised(&timeout, timeout_ms));
        }
        let is_metadata = |field: &&Field| {
            let name = &field.0[..];
            !SPECIAL.contains(&name) && !OWN_LINES.iter().any(|own| own.as_bytes() == name)
        };
        let mut metadata: Vec<_> = self.fields.iter().filter(is_metadata).collect();
        metadata.sort_by(|one, other| one.0.cmp(&other.0));
        if !metadata.is_empty() {
            let field = |(name, value): &&Field| format!("{}: {}", shown(name), shown(value));
            let metadata: Vec<_> = metadata.iter().map(field).collect();
            observation.add("sent metadata", metadata.join("; "));
        }
        if let Some(malformed) = &self.malformed {
            observation.add("sent header block", malformed);
        }
        observation.add("sent messages", message::shown(&self.body));
        observation.add("sent end", if self.ended { "END_STREAM" } else { "none" });
    }
}
