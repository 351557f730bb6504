//! The line with which a server reports that it is ready.
//!
//! Servers print such a line in the format of their logger, often after a timestamp. So the text of a peers file may be
//! anywhere in the line.

use std::collections::BTreeSet;

use regex_lite::{Captures, Regex, escape};

use crate::config::Template;
use crate::config::template::Piece;

/// A host: an IPv6 address in brackets, or any other address or name.
const HOST: &str = r"\[[^\]\s]+\]|[^\s:\[\]]+";

/// A pattern for lines.
#[derive(Debug)]
pub(crate) struct ReadyLine(Regex);

impl ReadyLine {
    /// The pattern for lines that contain the text `ready`, in which `{address}`, `{host}` and `{port}` stand for
    /// values.
    pub(crate) fn new(ready: &Template) -> Result<Self, regex_lite::Error> {
        let mut seen = BTreeSet::new();
        let patterns = ready.pieces().iter().map(|piece| match piece {
            Piece::Text(text) => escape(text),
            Piece::Placeholder(name) => {
                let value = match &name[..] {
                    "address" => format!(r"unix:.+|(?:{HOST}):\d+"),
                    "host" => HOST.to_owned(),
                    "port" => r"\d+".to_owned(),
                    _ => escape(&format!("{{{name}}}")),
                };
                // A name can be used only once in a pattern.
                let group = if seen.insert(name) { format!("?<{name}>") } else { "?:".to_owned() };
                format!("({group}{value})")
            }
        });
        let pattern: String = patterns.collect();
        Regex::new(&pattern).map(Self)
    }

    /// The address in `line`, as a client on this machine must use it, if the line matches. What the pattern does not
    /// contain is taken from `requested`, the address that the server was given.
    pub(crate) fn address_in(&self, line: &str, requested: &str) -> Option<String> {
        self.0.captures_iter(line.trim_end()).find_map(|captures| address(&captures, requested))
    }
}

fn address(captures: &Captures<'_>, requested: &str) -> Option<String> {
    let value = |name| captures.name(name).map(|value| value.as_str());
    let address = value("address").unwrap_or(requested);
    if address.starts_with("unix:") {
        return Some(address.to_owned());
    }
    let (host, port) = address.rsplit_once(':')?;
    let (host, port) = (value("host").unwrap_or(host), value("port").unwrap_or(port));
    port.parse::<u16>().ok()?;
    let host = if ["[::]", "0.0.0.0", "*"].contains(&host) { "127.0.0.1" } else { host };
    Some(format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_in(line: &str, ready: &str) -> Option<String> {
        let ready = ReadyLine::new(&Template::parse(ready)).expect("the pattern is invalid");
        ready.address_in(line, "127.0.0.1:5")
    }

    #[test]
    fn the_ready_line_contains_the_address_or_parts_of_it() {
        let cases = [
            ("listening on [::]:50051", "listening on {address}", Some("127.0.0.1:50051")),
            ("listening on 127.0.0.1:1 now", "listening on {address} now", Some("127.0.0.1:1")),
            ("12:00 INFO port 7, go\r\n", "port {port}", Some("127.0.0.1:7")),
            ("on localhost, port 7", "on {host}, port {port}", Some("localhost:7")),
            ("{\"addr\":\"[::1]:7\"}", "\"{address}\"", Some("[::1]:7")),
            ("port 70000 port 7", "port {port}", Some("127.0.0.1:7")),
            ("port 7 = 7", "port {port} = {port}", Some("127.0.0.1:7")),
            ("at unix:/tmp/a b.sock", "at {address}", Some("unix:/tmp/a b.sock")),
            ("at unix:/tmp/a.sock (x)", "at {address} (x)", Some("unix:/tmp/a.sock")),
            ("12:00 ready.", "ready.", Some("127.0.0.1:5")),
            ("12:00 ready!", "ready.", None),
            ("starting", "port {port}", None),
            ("port seven", "port {port}", None),
            ("at nowhere", "at {address}", None),
        ];
        for (line, ready, address) in cases {
            assert_eq!(address_in(line, ready).as_deref(), address, "{line}");
        }
    }
}
