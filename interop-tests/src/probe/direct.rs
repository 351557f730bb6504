//! Which probes need a direct connection to the server.
//!
//! A proxy ends the client's connection and opens others to the server. So it forwards only complete, conforming
//! requests, and makes frames of its own. The response to anything else is that of the proxy.

use crate::http2::{Action, End};
use crate::outcome::Grade;
use crate::probe::table::{Acknowledge, Probe};

/// Why `probe` says nothing about a server behind a proxy; `None` if a proxy forwards it.
pub(crate) fn needs_direct_connection(probe: &Probe) -> Option<&'static str> {
    let is_forwarded = |action: &Action| {
        matches!(
            action,
            Action::Headers
                | Action::Body
                | Action::BodyTo(_)
                | Action::Trailers
                | Action::End
                | Action::Answer
                | Action::NextStream
                | Action::WaitMs(_)
        )
    };
    let is_framed = probe.pad.is_some()
        || probe.pad_headers.is_some()
        || probe.priority
        || probe.fragments.is_some();
    let reasons = [
        (
            probe.grade == Grade::Edge,
            "no conforming client sends it, so a proxy responds itself, or repairs it",
        ),
        (
            probe.preface.is_some() || probe.acknowledge_settings != Acknowledge::Before,
            "a proxy reads the preface and the SETTINGS of the client itself",
        ),
        (is_framed, "a proxy sends frames of its own"),
        (probe.end == End::Trailers, "many proxies do not forward the trailers of requests"),
        (probe.is_burst(), "a proxy limits the calls of a connection itself"),
        (has_much_metadata(probe), "a proxy limits the metadata of a request itself"),
        (
            probe.has(|action| !is_forwarded(action)),
            "a proxy handles the frames of the client's connection itself, and the end of a stream",
        ),
    ];
    reasons.into_iter().find(|(applies, _)| *applies).map(|(_, reason)| reason)
}

/// Whether the request has more metadata than proxies accept by default: nginx has the lowest limit for the size of a
/// value, HAProxy for the number of fields.
fn has_much_metadata(probe: &Probe) -> bool {
    const BYTES: usize = 8 << 10;
    const FIELDS: usize = 100;
    let fields = probe.header_list();
    let bytes: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    bytes > BYTES || fields.len() > FIELDS
}

#[cfg(test)]
mod tests {
    use super::needs_direct_connection;
    use crate::probe::table::from_entry;

    fn reason(grade: &str, more: &str) -> &'static str {
        let entry = format!("[[probe]]\nname = 'mine'\ngrade = '{grade}'\n{more}\n");
        let probe = from_entry(&entry).expect("the probe is invalid");
        needs_direct_connection(&probe).unwrap_or_default()
    }

    #[test]
    fn a_proxy_forwards_only_complete_conforming_requests() {
        let visible = |more| reason("client-visible", more);
        assert_eq!(visible(""), "");
        assert_eq!(visible("actions = ['headers', { body-to = 3 }, 'body', 'answer']"), "");
        assert!(reason("edge", "").starts_with("no conforming client sends it"));
        assert!(visible("acknowledge-settings = 'after'").starts_with("a proxy reads the preface"));
        assert!(visible("fragments = 10").starts_with("a proxy sends frames of its own"));
        let much = visible("headers = [{ add = 'x', size = 9000 }]");
        assert!(much.starts_with("a proxy limits the metadata"), "{much}");
        let many = visible("headers = [{ add = 'x', value = 'a', times = 100 }]");
        assert!(many.starts_with("a proxy limits the metadata"), "{many}");
        let trailers = "end = 'trailers'\ntrailers = [{ add = 'x' }]";
        assert!(visible(trailers).starts_with("many proxies do not forward"));
        assert!(visible("times = 100").starts_with("a proxy limits the calls"));
        assert!(visible("pad = 1").starts_with("a proxy sends frames of its own"));
        let pings = visible("actions = ['headers', 'body', { ping = 1 }]");
        assert!(pings.starts_with("a proxy handles the frames"), "{pings}");
    }
}
