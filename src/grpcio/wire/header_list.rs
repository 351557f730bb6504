//! Checks a list of header fields in order, as grpcio does: the first invalid field decides.
//!
//! Requests, responses and trailers follow the same rules. Besides the values of the fields, grpcio
//! limits their size to 16 KiB, counted as HTTP/2 counts a header list. From 8 KiB it rejects a
//! growing share of calls at random; a caller can rely on neither outcome, so only the limit that
//! always holds is implemented.

use std::fmt::Write;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use tonic::Status;

use super::header_field;

/// The largest list that is accepted, in bytes.
const HARD_LIMIT: usize = 16_384;

/// What HTTP/2 counts for a field in addition to its name and value (RFC 9113, section 6.5.2).
const OVERHEAD: usize = 32;

/// The names of the pseudo-header fields and the lengths of their values, in the order of grpcio.
pub(crate) type PseudoFields<'a> = [Option<(&'a str, usize)>; 4];

/// Checks all fields, and returns the size of the list in bytes. The error contains the index of the
/// field that is invalid or exceeds the limit.
///
/// If not `limited`, any size is accepted.
pub(crate) fn check(
    pseudo: PseudoFields<'_>,
    headers: &HeaderMap,
    limited: bool,
) -> Result<usize, (usize, Status)> {
    let mut size = ListSize::new(pseudo, headers, limited).map_err(|status| (0, status))?;
    for (index, (name, value)) in headers.iter().enumerate() {
        let at = |status| (index, status);
        let text = name.as_str();
        size.check_field(text, value.len()).map_err(at)?;
        header_field::check_text(name, text, value).map_err(at)?;
        size.add(index, text, value.len()).map_err(at)?;
    }
    Ok(size.total)
}

/// Sums the sizes of the fields up to the limit.
struct ListSize<'a> {
    pseudo: PseudoFields<'a>,
    headers: &'a HeaderMap,
    total: usize,
    limit: usize,
}

impl<'a> ListSize<'a> {
    /// Starts with the pseudo-header fields.
    fn new(
        pseudo: PseudoFields<'a>,
        headers: &'a HeaderMap,
        limited: bool,
    ) -> Result<Self, Status> {
        let limit = if limited { HARD_LIMIT } else { usize::MAX };
        let total = pseudo.iter().flatten().map(|(name, length)| entry(name, *length)).sum();
        let size = Self { pseudo, headers, total, limit };
        size.check(0)?;
        Ok(size)
    }

    /// Checks the lengths of a name and its value on their own, which precedes parsing.
    fn check_field(&self, name: &str, length: usize) -> Result<(), Status> {
        let (what, length) = match name.len() {
            key if key > self.limit => ("key", key),
            _ if length > self.limit => ("value", length),
            _ => return Ok(()),
        };
        Err(Status::resource_exhausted(format!(
            "received metadata size exceeds hard limit ({what} length {length} vs. {})",
            self.limit
        )))
    }

    /// Adds the field at `index`. Probes: `metadata-*`.
    fn add(&mut self, index: usize, name: &str, length: usize) -> Result<(), Status> {
        self.total += entry(name, length);
        self.check(index + 1)
    }

    fn check(&self, fields: usize) -> Result<(), Status> {
        if self.total <= self.limit {
            return Ok(());
        }
        let mut message = format!(
            "received metadata size exceeds hard limit ({} vs. {}); ",
            self.total, self.limit
        );
        let mut sent: Vec<_> = self.headers.iter().take(fields).collect();
        sent.sort_by_key(|(name, _)| {
            LISTED_FIRST.iter().position(|first| name == first).unwrap_or(LISTED_FIRST.len())
        });
        let sent =
            sent.into_iter().map(|(name, value)| (name.as_str(), listed_length(name, value)));
        for (name, length) in self.pseudo.into_iter().flatten().chain(sent) {
            // Writing to a String cannot fail.
            let _ = write!(message, " {name}:{}B", entry(name, length));
        }
        if message.len() > MAX_MESSAGE_LENGTH {
            message.clear();
        }
        Err(Status::resource_exhausted(message))
    }
}

/// The longest message; grpcio omits a longer one.
const MAX_MESSAGE_LENGTH: usize = 2_048;

/// The fields that grpcio lists before all others.
const LISTED_FIRST: [&str; 20] = [
    "content-type",
    "te",
    "grpc-encoding",
    "grpc-internal-encoding-request",
    "grpc-accept-encoding",
    "grpc-status",
    "grpc-timeout",
    "grpc-previous-rpc-attempts",
    "grpc-retry-pushback-ms",
    "user-agent",
    "grpc-message",
    "host",
    "endpoint-load-metrics-bin",
    "grpc-server-stats-bin",
    "grpc-trace-bin",
    "grpc-tags-bin",
    "lb-cost-bin",
    "lb-token",
    "x-envoy-peer-metadata",
    "traceparent",
];

fn entry(name: &str, length: usize) -> usize {
    name.len() + length + OVERHEAD
}

/// The length that grpcio lists for the value of a field. For some fields grpcio keeps only the
/// meaning of the value, so it lists the length of its own spelling.
fn listed_length(name: &HeaderName, value: &HeaderValue) -> usize {
    const GRPC: &[u8] = b"application/grpc";
    const OTHER: &[u8] = b"application/grpc+unknown";
    if name == CONTENT_TYPE {
        return match value.as_bytes().strip_prefix(GRPC) {
            Some([] | [b'+' | b';', ..]) => GRPC.len(),
            None if value.is_empty() => 0,
            _ => OTHER.len(),
        };
    }
    if name == "grpc-accept-encoding" {
        let named = |encoding: &[u8]| {
            value.as_bytes().split(|byte| *byte == b',').any(|part| part.trim_ascii() == encoding)
        };
        let others = ["deflate", "gzip"].into_iter().filter(|other| named(other.as_bytes()));
        return "identity".len() + others.map(|other| ", ".len() + other.len()).sum::<usize>();
    }
    header_field::check(name, value).unwrap_or(value.len())
}

#[cfg(test)]
mod tests {
    use super::{HARD_LIMIT, ListSize, OVERHEAD, PseudoFields, listed_length};
    use http::{HeaderMap, HeaderName, HeaderValue};

    const PATH: PseudoFields<'_> = [Some((":path", 2)), None, None, None];

    /// The message for one field in addition to [`PATH`].
    fn rejection(name: &'static str, length: usize, limited: bool) -> Option<String> {
        let value = HeaderValue::from_str(&"v".repeat(length)).expect("valid");
        let fields: HeaderMap = [(HeaderName::from_static(name), value)].into_iter().collect();
        let mut size = ListSize::new(PATH, &fields, limited).expect("a small path");
        size.add(0, name, length).err().map(|status| status.message().to_owned())
    }

    #[test]
    fn names_values_and_overhead_count_up_to_the_limit() {
        let others = ":path".len() + 2 + OVERHEAD + "x-name".len() + OVERHEAD;
        let most = HARD_LIMIT - others;
        assert_eq!(rejection("x-name", most, true), None);
        let text = format!(
            "received metadata size exceeds hard limit (16385 vs. 16384);  :path:39B x-name:{}B",
            "x-name".len() + most + 1 + OVERHEAD
        );
        assert_eq!(rejection("x-name", most + 1, true), Some(text));
        assert_eq!(rejection("x-name", 10 * HARD_LIMIT, false), None);
    }

    #[test]
    fn some_fields_are_listed_with_the_length_of_their_meaning() {
        let cases = [
            ("content-type", "application/grpc+proto", "application/grpc"),
            ("content-type", "application/grpcx", "application/grpc+unknown"),
            ("content-type", "text/html", "application/grpc+unknown"),
            ("content-type", "", ""),
            ("grpc-accept-encoding", "gzip ,br", "identity, gzip"),
            ("x-bin", "AAECAw==", "\0\x01\x02\x03"),
            ("x-text", "text", "text"),
        ];
        for (name, value, kept) in cases {
            let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
            assert_eq!(listed_length(&name, &value), kept.len(), "{name}: {value:?}");
        }
    }
}
