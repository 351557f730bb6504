//! What a client sent: the requests of all its connections, in the order in which they came.
//!
//! Shared by the threads of all connections. Only the first request is looked at in full: later ones
//! are repetitions.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::http2::header_block::Field;
use crate::http2::message;
use crate::http2::text::shown;
use crate::outcome::observation::Observation;
use crate::parity::client::deadline;
use crate::parity::client::table::Behaviour;

/// One request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) fields: Vec<Field>,
    pub(crate) malformed: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) ended: bool,
    /// Which of the stage's connections it came over.
    pub(crate) connection: usize,
}

/// All requests; clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    requests: Mutex<Vec<Request>>,
    /// The most requests of one connection that waited for their answer at the same time.
    most_open: AtomicUsize,
    /// PINGs that have not been acknowledged.
    pings: AtomicUsize,
}

impl Sent {
    pub(crate) fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.0.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many requests of one connection wait for their answer.
    pub(crate) fn count_open(&self, requests: usize) {
        self.0.most_open.fetch_max(requests, Ordering::SeqCst);
    }

    /// The server has sent a PING.
    pub(crate) fn count_ping(&self) {
        self.0.pings.fetch_add(1, Ordering::SeqCst);
    }

    /// The client has acknowledged one of those.
    pub(crate) fn count_acknowledgement(&self) {
        self.0.pings.fetch_sub(1, Ordering::SeqCst);
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
        if behaviour.call.is_repeated() {
            let mut connections = BTreeMap::<usize, usize>::new();
            for request in &*requests {
                *connections.entry(request.connection).or_default() += 1;
            }
            let counts: Vec<_> = connections.values().map(usize::to_string).collect();
            observation.add("requests of each connection", counts.join(", "));
            let most = self.0.most_open.load(Ordering::SeqCst);
            observation.add("requests open at once", most.to_string());
        }
        if behaviour.waits_for_pings() {
            let pings = self.0.pings.load(Ordering::SeqCst);
            observation.add("pings without acknowledgement", pings.to_string());
        }
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
