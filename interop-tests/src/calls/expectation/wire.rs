//! The expectation of a scenario about the frames of its calls.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Deserialize;

use crate::calls::expectation::comparison::Range;
use crate::capture::recorder::WireStats;
use crate::config::Variant;
use crate::outcome::Mismatch;

/// The `wire` table of a scenario. Missing keys are not compared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wire {
    /// The compressed flags that messages may have. At least one message is required.
    request_flags: Option<Vec<u8>>,
    response_flags: Option<Vec<u8>>,
    /// The `grpc-encoding` of every stream. `{compression}` stands for the compression of the trial.
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
            return Err("wire: the list of flags is empty; list the compressed flags that messages may have".to_owned());
        }
        Ok(())
    }

    /// Whether it counts frames that the server exchanges with its client, which may be a proxy.
    pub(crate) fn is_about_server_connections(&self) -> bool {
        self.pings.is_some() || self.goaways.is_some()
    }

    /// The differences between `stats` and this expectation.
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
        for (what, range, observed) in [
            ("wire: PINGs of the client", self.pings, stats.pings),
            ("wire: connections", self.connections, stats.connections()),
            ("wire: GOAWAYs of the server", self.goaways, stats.goaways),
            ("wire: RST_STREAMs of the client", self.client_resets, stats.client_resets),
            ("wire: streams at once", self.streams_at_once, stats.streams_at_once),
        ] {
            let missed = range.filter(|range| !range.contains(&observed));
            mismatches.extend(missed.map(|range| Mismatch::new(what, range, observed)));
        }
        if !stats.faults.is_empty() {
            mismatches.push(Mismatch::new("wire: faults", "none", stats.faults.join("; ")));
        }
        mismatches
    }
}

/// A mismatch unless something was observed and all of it is `expected`.
fn mismatch<T: Ord + Display>(
    what: &str,
    expected: &[T],
    observed: &BTreeMap<T, usize>,
) -> Option<Mismatch> {
    if !observed.is_empty() && observed.keys().all(|key| expected.contains(key)) {
        return None;
    }
    let expected: Vec<_> = expected.iter().map(T::to_string).collect();
    let counted = |(key, count): (&T, &usize)| format!("{key} ({count} times)");
    let observed: Vec<_> = observed.iter().map(counted).collect();
    let observed = if observed.is_empty() { "none".to_owned() } else { observed.join(", ") };
    Some(Mismatch::new(what, expected.join(" or "), observed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::connection::Compression;

    /// What differs between `table` and `stats`, at the point of the axes with gzip.
    fn differing(table: &str, stats: &WireStats) -> Vec<String> {
        let wire: Wire = toml::from_str(table).unwrap();
        assert_eq!(wire.check(), Ok(()));
        let variant = Variant { compression: Compression::Gzip, ..Variant::default() };
        let line = |it: Mismatch| format!("{}: {} / {}", it.what, it.expected, it.observed);
        wire.mismatches(stats, variant).into_iter().map(line).collect()
    }

    #[test]
    fn only_stated_counts_and_faults_are_compared() {
        let mut stats = WireStats::default();
        stats.pings = 3;
        assert_eq!(differing("", &stats), [""; 0]);
        stats.faults = vec!["DATA on stream 0".to_owned(), "no preface".to_owned()];
        assert_eq!(differing("", &stats), ["wire: faults: none / DATA on stream 0; no preface"]);
    }

    #[test]
    fn all_messages_have_one_of_the_flags_and_there_is_one() {
        let mut stats = WireStats::default();
        let what = "wire: compressed flags of request messages";
        assert_eq!(differing("request_flags = [0]", &stats), [format!("{what}: 0 / none")]);
        stats.requests.flags = BTreeMap::from([(0, 2), (1, 1)]);
        assert_eq!(differing("request_flags = [0, 1]", &stats), [""; 0]);
        let expected = [format!("{what}: 1 / 0 (2 times), 1 (1 times)")];
        assert_eq!(differing("request_flags = [1]", &stats), expected);
        let empty: Wire = toml::from_str("response_flags = []").unwrap();
        assert!(empty.check().unwrap_err().starts_with("wire: the list of flags is empty"));
    }

    #[test]
    fn an_encoding_may_be_that_of_the_axis() {
        let mut stats = WireStats::default();
        stats.responses.encodings.insert("gzip".to_owned(), 1);
        assert_eq!(differing("response_encoding = \"{compression}\"", &stats), [""; 0]);
        let expected = ["wire: grpc-encoding of responses: identity / gzip (1 times)"];
        assert_eq!(differing("response_encoding = \"identity\"", &stats), expected);
    }

    #[test]
    fn counts_are_numbers_or_ranges() {
        let mut stats = WireStats::default();
        (stats.pings, stats.goaways, stats.streams_at_once) = (3, 1, 9);
        assert_eq!(differing("pings = [2, 4]\ngoaways = 1\nconnections = 0", &stats), [""; 0]);
        let table = "pings = [4, 5]\ngoaways = 0\nclient_resets = 1\nstreams_at_once = 8";
        let expected = [
            "wire: PINGs of the client: 4 to 5 / 3",
            "wire: GOAWAYs of the server: 0 / 1",
            "wire: RST_STREAMs of the client: 1 / 0",
            "wire: streams at once: 8 / 9",
        ];
        assert_eq!(differing(table, &stats), expected);
    }
}
