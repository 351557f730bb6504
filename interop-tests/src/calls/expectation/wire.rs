//! The expectation of a scenario about what its calls do on the wire.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Deserialize;

use crate::calls::expectation::range::Range;
use crate::capture::recorder::WireStats;
use crate::config::connection::Variant;
use crate::outcome::finding::Mismatch;

/// The `wire` table of a scenario; what is left out is not compared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    /// Each message has one of these compressed flags, and there is at least one message.
    request_flags: Option<Vec<u8>>,
    response_flags: Option<Vec<u8>>,
    /// The `grpc-encoding` of every stream; `{compression}` stands for the compression axis.
    request_encoding: Option<String>,
    response_encoding: Option<String>,
    /// How many PINGs the client sent, without acknowledgements.
    pings: Option<Range>,
    connections: Option<Range>,
    /// How many GOAWAYs the server sent before the client ended the connection.
    goaways: Option<Range>,
    /// How many RST_STREAMs the client sent.
    client_resets: Option<Range>,
    /// The most streams that were open at once on one connection.
    streams_at_once: Option<Range>,
}

impl Wire {
    pub(crate) fn check(&self) -> Result<(), String> {
        let flags = [&self.request_flags, &self.response_flags];
        if flags.into_iter().flatten().any(Vec::is_empty) {
            return Err("wire: flags are a list of those that messages may have".to_owned());
        }
        Ok(())
    }

    /// How `stats` differ from this expectation.
    pub(crate) fn mismatches(&self, stats: &WireStats, variant: Variant) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        for (who, side, flags, encoding) in [
            ("request", &stats.requests, &self.request_flags, &self.request_encoding),
            ("response", &stats.responses, &self.response_flags, &self.response_encoding),
        ] {
            let what = format!("wire: compressed flags of {who} messages");
            mismatches.extend(flags.as_ref().and_then(|flags| mismatch(&what, flags, &side.flags)));
            let what = format!("wire: grpc-encoding of {who}s");
            let compression = variant.compression.name();
            let encoding =
                encoding.as_ref().map(|name| vec![name.replace("{compression}", compression)]);
            mismatches.extend(encoding.and_then(|name| mismatch(&what, &name, &side.encodings)));
        }
        for (what, range, seen) in [
            ("wire: PINGs of the client", self.pings, stats.pings),
            ("wire: connections", self.connections, stats.connections()),
            ("wire: GOAWAYs of the server", self.goaways, stats.goaways),
            ("wire: RST_STREAMs of the client", self.client_resets, stats.client_resets),
            ("wire: streams at once", self.streams_at_once, stats.streams_at_once),
        ] {
            let missed = range.filter(|range| !range.contains(&seen));
            mismatches.extend(missed.map(|range| Mismatch::new(what, range, seen)));
        }
        if !stats.faults.is_empty() {
            mismatches.push(Mismatch::new("wire: faults", "none", stats.faults.join("; ")));
        }
        mismatches
    }
}

/// A mismatch unless something was seen and all of it is `expected`.
fn mismatch<T: Ord + Display>(
    what: &str,
    expected: &[T],
    seen: &BTreeMap<T, usize>,
) -> Option<Mismatch> {
    if !seen.is_empty() && seen.keys().all(|key| expected.contains(key)) {
        return None;
    }
    let expected: Vec<_> = expected.iter().map(T::to_string).collect();
    let seen: Vec<_> = seen.iter().map(|(key, count)| format!("{key} ({count} times)")).collect();
    let seen = if seen.is_empty() { "none".to_owned() } else { seen.join(", ") };
    Some(Mismatch::new(what, expected.join(" or "), seen))
}
