//! Converts the requests of a client on all its connections to lines of an observation.
//!
//! Only the first request is observed in full, because the others are equal.

use std::time::Duration;

use crate::http2::{Endpoint, Field, Stream, body, value::shown};
use crate::outcome::Observation;
use crate::parity::client::table::Behaviour;

/// The requests of a client on one connection.
#[derive(Debug, Default)]
pub(crate) struct RequestsOfConnection {
    requests: Vec<Stream>,
    /// The maximum number of requests that were open at once.
    most_open: usize,
    /// The number of PINGs that the client has not acknowledged.
    pings: usize,
}

impl RequestsOfConnection {
    /// The requests that `endpoint` has received.
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        let requests = endpoint.received().map(|(_, stream)| stream.clone()).collect();
        Self { requests, most_open: endpoint.most_open, pings: endpoint.pings }
    }
}

/// Adds what the client sent on all `connections` in `behaviour`, with this deadline.
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

/// Fields that always have their own line.
const OWN_LINES: [&str; 6] =
    [":method", ":scheme", ":path", "te", "content-type", "grpc-accept-encoding"];

/// Fields of which only the presence is compared, because their values depend on the client or the run.
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
        observation.add("sent grpc-timeout", normalised(&timeout, timeout_ms));
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
    observation.add("sent messages", body::shown(&request.data));
    observation.add("sent end", if request.received_end { "END_STREAM" } else { "none" });
}

/// How long after its deadline a call may end on a busy machine.
const GRACE: Duration = Duration::from_secs(2);

/// How much of the time until the deadline may have passed before the request was sent.
const PASSED_MS: f64 = 500.0;

/// The value of `grpc-timeout` in a call with this deadline: a fixed text if it is correct, otherwise the value as it
/// was sent.
pub(crate) fn normalised(sent: &str, timeout_ms: Option<f64>) -> String {
    let is_correct = milliseconds(sent).zip(timeout_ms).is_some_and(|(sent, timeout)| {
        // Senders round up, relatively more for short timeouts.
        let least = (timeout - PASSED_MS).max(0.0);
        let most = timeout * 1.02 + 1.0;
        sent > least && sent <= most
    });
    if is_correct { "the deadline in a legal form".to_owned() } else { sent.to_owned() }
}

/// The milliseconds of a legal `grpc-timeout`: up to eight digits and a unit.
fn milliseconds(sent: &str) -> Option<f64> {
    const MOST_DIGITS: usize = 8;
    const UNITS: [(char, f64); 6] =
        [('H', 3.6e6), ('M', 6e4), ('S', 1e3), ('m', 1.0), ('u', 1e-3), ('n', 1e-6)];
    let with_unit = |(name, unit)| Some((sent.strip_suffix(name)?, unit));
    let (digits, unit) = UNITS.into_iter().find_map(with_unit)?;
    let is_legal = (1..=MOST_DIGITS).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: u32 = digits.parse().ok().filter(|_| is_legal)?;
    Some(f64::from(number) * unit)
}

/// When a call with this deadline ended: after `reported_ms` by the clock of the agent, and `measured` by the clock
/// of the tool.
pub(crate) fn end(timeout_ms: Option<f64>, reported_ms: f64, measured: Duration) -> String {
    /// The tolerance for differences and rounding of clocks.
    const EARLY_MS: f64 = 5.0;
    let Some(timeout) = timeout_ms else { return "without a deadline".to_owned() };
    if measured > Duration::try_from_secs_f64(timeout / 1000.0).unwrap_or_default() + GRACE {
        format!("more than {GRACE:?} after its deadline")
    } else if reported_ms < timeout - EARLY_MS {
        "before its deadline".to_owned()
    } else {
        "at its deadline".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{end, milliseconds, normalised};

    #[test]
    fn legal_timeouts_are_parsed() {
        for (text, expected) in [("1H", 3_600_000.0), ("99999999m", 99_999_999.0), ("1500u", 1.5)] {
            assert_eq!(milliseconds(text), Some(expected), "{text}");
        }
        for text in ["", "m", "123456789m", "1x", "-1m", "+1m", "1.5S", "1 m", "1ä"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_timeout_may_be_shorter_and_is_rounded_up_a_little() {
        for (text, is_right) in
            [("5S", true), ("4501m", true), ("4500m", false), ("5101m", true), ("5102m", false)]
        {
            let normalised = normalised(text, Some(5_000.0));
            assert_eq!(normalised == "the deadline in a legal form", is_right, "{text}");
        }
        assert_eq!(normalised("5S", None), "5S");
    }

    #[test]
    fn a_call_ends_before_its_deadline_at_it_or_after_it() {
        let at = |reported, measured| end(Some(1_000.0), reported, Duration::from_millis(measured));
        assert_eq!(at(990.0, 990), "before its deadline");
        assert_eq!(at(996.0, 2_900), "at its deadline");
        assert_eq!(at(996.0, 3_001), "more than 2s after its deadline");
        assert_eq!(end(None, 1.0, Duration::ZERO), "without a deadline");
    }
}
