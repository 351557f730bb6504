//! How much metadata grpcio takes with a call: 16 KiB, counted as HTTP/2 counts a header list.
//!
//! grpcio refuses a growing share of calls from 8 KiB on, at random; a caller can rely on neither
//! outcome, so only the limit that always holds is kept.

use std::fmt::Write;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use tonic::Status;

use super::header_fields;

/// The most that is taken, in bytes.
const HARD_LIMIT: usize = 16_384;

/// What HTTP/2 counts for a field beside its name and value (RFC 9113, section 6.5.2).
const OVERHEAD: usize = 32;

/// The names with a leading colon and the lengths of their values, in grpcio's order.
pub(crate) type PseudoFields<'a> = [Option<(&'a str, usize)>; 4];

/// Adds up fields until there are too many.
pub(super) struct MetadataSize<'a> {
    pseudo: PseudoFields<'a>,
    headers: &'a HeaderMap,
    total: usize,
    limit: usize,
}

impl<'a> MetadataSize<'a> {
    /// Begins with the pseudo fields. Without `limited` nothing is too much.
    pub(super) fn new(
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

    /// Checks the lengths of one name and its value, which comes before anything is parsed.
    pub(super) fn check_field(&self, name: &str, length: usize) -> Result<(), Status> {
        let raw = [("key", name.len()), ("value", length)];
        if let Some((what, length)) = raw.into_iter().find(|(_, length)| *length > self.limit) {
            return Err(Status::resource_exhausted(format!(
                "received metadata size exceeds hard limit ({what} length {length} vs. {})",
                self.limit
            )));
        }
        Ok(())
    }

    /// Adds the field with this index, name and length of value. Probes: `metadata-*`.
    pub(super) fn add(&mut self, index: usize, name: &str, length: usize) -> Result<(), Status> {
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
        if message.len() > LONGEST_MESSAGE {
            message.clear();
        }
        Err(Status::resource_exhausted(message))
    }
}

/// grpcio leaves a longer text out.
const LONGEST_MESSAGE: usize = 2_048;

/// grpcio lists the fields that it knows before the others.
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

/// The length that grpcio lists for a field's value: it has forgotten what was sent where it only
/// keeps what that means.
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
    header_fields::check(name, value).unwrap_or(value.len())
}

#[cfg(test)]
mod tests {
    use super::{HARD_LIMIT, MetadataSize, OVERHEAD, PseudoFields, listed_length};
    use http::{HeaderMap, HeaderName, HeaderValue};

    const PATH: PseudoFields<'_> = [Some((":path", 2)), None, None, None];

    /// What is said of one field beside [`PATH`].
    fn refusal(name: &'static str, length: usize, limited: bool) -> Option<String> {
        let value = HeaderValue::from_str(&"v".repeat(length)).expect("legal");
        let fields: HeaderMap = [(HeaderName::from_static(name), value)].into_iter().collect();
        let mut size = MetadataSize::new(PATH, &fields, limited).expect("a small path");
        size.add(0, name, length).err().map(|status| status.message().to_owned())
    }

    #[test]
    fn names_values_and_overhead_count_up_to_the_limit() {
        let others = ":path".len() + 2 + OVERHEAD + "x-name".len() + OVERHEAD;
        let most = HARD_LIMIT - others;
        assert_eq!(refusal("x-name", most, true), None);
        let text = format!(
            "received metadata size exceeds hard limit (16385 vs. 16384);  :path:39B x-name:{}B",
            "x-name".len() + most + 1 + OVERHEAD
        );
        assert_eq!(refusal("x-name", most + 1, true), Some(text));
        assert_eq!(refusal("x-name", 10 * HARD_LIMIT, false), None);
    }

    #[test]
    fn a_field_that_is_kept_by_its_meaning_is_listed_by_it() {
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
