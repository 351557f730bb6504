//! The metadata of responses that the calculator's suites do not compare: what a proxy adds, and what an `[[ignore]]`
//! entry names.

use crate::config::comparison::{Ignore, IgnoredPart};
use crate::config::glob;

/// What proxies and load balancers add to responses: the metadata of `preset = "proxy"`. Nothing in a call depends on it.
pub(crate) const OF_PROXIES: [&str; 8] = [
    "alt-svc",
    // A proxy knows that a response without messages has no body.
    "content-length",
    "date",
    "server",
    "via",
    "x-amzn-*",
    "x-cloud-trace-context",
    "x-envoy-*",
];

/// The names of metadata that is not compared, with `*` for any text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IgnoredMetadata {
    names: Vec<String>,
    /// Whether an entry states that the server is behind a proxy.
    pub(crate) is_behind_proxy: bool,
}

impl IgnoredMetadata {
    /// The metadata that `entries` name for the server of `peer`.
    pub(crate) fn of_peer(entries: &[Ignore], peer: &str) -> Self {
        let mut ignored = Self::default();
        for entry in entries {
            if entry.peer.as_ref().is_some_and(|pattern| !glob(pattern, peer)) {
                continue;
            }
            match &entry.what {
                IgnoredPart::OfProxy => {
                    ignored.is_behind_proxy = true;
                    ignored.names.extend(OF_PROXIES.map(str::to_owned));
                }
                IgnoredPart::Metadata(name) if entry.is_unconditional() => {
                    ignored.names.push(name.clone());
                }
                _ => {}
            }
        }
        ignored
    }

    /// The same, and what a proxy `adds`.
    pub(crate) fn with(&self, adds: &[String]) -> Self {
        let names = self.names.iter().chain(adds).cloned().collect();
        Self { names, is_behind_proxy: self.is_behind_proxy }
    }

    /// Whether the metadata called `name` is not compared.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|pattern| glob(pattern, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::comparison::IgnoreEntry;
    use crate::config::source::Source;

    fn of_peer(entry: &str, peer: &str) -> IgnoredMetadata {
        let source = Source::new("peers.toml", entry);
        let entry: IgnoreEntry = source.parse().unwrap();
        IgnoredMetadata::of_peer(&[entry.check(&source).unwrap()], peer)
    }

    #[test]
    fn a_preset_names_what_proxies_add() {
        let ignored = of_peer("preset = 'proxy'\npeer = 'mine'", "mine");
        assert!(ignored.is_behind_proxy);
        assert!(ignored.has("server") && ignored.has("x-envoy-upstream-service-time"));
        assert!(!ignored.has("x-mine") && !ignored.has("content-type"));
        assert_eq!(of_peer("preset = 'proxy'\npeer = 'mine'", "rust"), IgnoredMetadata::default());
    }

    #[test]
    fn an_entry_names_metadata() {
        let ignored = of_peer("metadata = 'X-Trace'\nreason = 'of the gateway'", "mine");
        assert!(ignored.has("x-trace") && !ignored.is_behind_proxy);
        assert!(ignored.with(&["via".to_owned()]).has("via"));
        let of_one_method = "metadata = 'x-trace'\nmethod = 'a.B.C'\nreason = 'x'";
        assert!(!of_peer(of_one_method, "mine").has("x-trace"));
    }
}
