//! The requests that a client has sent over all its connections, as lines of an observation.
//!
//! Only the first request is observed in full: the others repeat it.

use crate::http2::endpoint::{Endpoint, Stream};
use crate::http2::header_block::Field;
use crate::http2::message;
use crate::http2::text::shown;
use crate::outcome::finding::Observation;
use crate::parity::client::deadline;
use crate::parity::client::table::Behaviour;

/// What a client has sent over one connection.
#[derive(Debug, Default)]
pub(crate) struct RequestsOfConnection {
    requests: Vec<Stream>,
    /// The most requests that waited for their response at the same time.
    most_open: usize,
    /// PINGs that have not been acknowledged.
    pings: usize,
}

impl RequestsOfConnection {
    /// What has arrived at `endpoint`.
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        let requests = endpoint.received().map(|(_, stream)| stream.clone()).collect();
        Self { requests, most_open: endpoint.most_open, pings: endpoint.pings }
    }
}

/// Adds what was sent over all `connections` by the call of `behaviour`, with this deadline.
pub(crate) fn observe(
    connections: &[RequestsOfConnection],
    behaviour: &Behaviour,
    timeout_ms: Option<f64>,
    observation: &mut Observation,
) {
    let used = || connections.iter().filter(|connection| !connection.requests.is_empty());
    let first = used().map(|connection| &connection.requests[0]).min_by_key(|it| it.began);
    if let Some(request) = first.filter(|_| behaviour.sent) {
        observe_request(request, timeout_ms, observation);
    }
    let count: usize = used().map(|connection| connection.requests.len()).sum();
    observation.add("requests", count.to_string());
    if behaviour.call.is_repeated() {
        let counts: Vec<_> = used().map(|it| it.requests.len().to_string()).collect();
        observation.add("requests of each connection", counts.join(", "));
        let most = used().map(|connection| connection.most_open).max().unwrap_or(0);
        observation.add("requests open at once", most.to_string());
    }
    if behaviour.waits_for_pings() {
        let pings: usize = connections.iter().map(|connection| connection.pings).sum();
        observation.add("pings without acknowledgement", pings.to_string());
    }
}

/// Fields with a line of their own, whether they are there or not.
const OWN_LINES: [&str; 6] =
    [":method", ":scheme", ":path", "te", "content-type", "grpc-accept-encoding"];

/// Fields whose values depend on the client or on the run.
const PRESENCE: [&str; 2] = [":authority", "user-agent"];

const TIMEOUT: &str = "grpc-timeout";

fn observe_request(request: &Stream, timeout_ms: Option<f64>, observation: &mut Observation) {
    let fields = request.blocks.first().map(Vec::as_slice).unwrap_or_default();
    let values = |name: &str| {
        let values = fields.iter().filter(|field| field.0 == name.as_bytes());
        values.map(|(_, value)| shown(value)).collect::<Vec<_>>().join("; ")
    };
    for name in OWN_LINES {
        observation.add(format!("sent {name}"), values(name));
    }
    for name in PRESENCE {
        let presence = if values(name).is_empty() { "missing" } else { "there" };
        observation.add(format!("sent {name}"), presence);
    }
    let timeout = values(TIMEOUT);
    if !timeout.is_empty() {
        observation.add("sent grpc-timeout", deadline::normalised(&timeout, timeout_ms));
    }
    let observed = || OWN_LINES.iter().chain(&PRESENCE).chain([&TIMEOUT]);
    let is_metadata = |(name, _): &&Field| observed().all(|other| other.as_bytes() != name);
    let mut metadata: Vec<_> = fields.iter().filter(is_metadata).collect();
    metadata.sort_by(|one, other| one.0.cmp(&other.0));
    if !metadata.is_empty() {
        let field = |(name, value): &&Field| format!("{}: {}", shown(name), shown(value));
        let metadata: Vec<_> = metadata.iter().map(field).collect();
        observation.add("sent metadata", metadata.join("; "));
    }
    if let Some(malformed) = &request.malformed {
        observation.add("sent malformed", malformed);
    }
    observation.add("sent messages", message::shown(&request.data));
    observation.add("sent end", if request.received_end { "END_STREAM" } else { "none" });
}
