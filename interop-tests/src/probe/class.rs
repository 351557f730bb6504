//! Classes of requests that no conforming client sends, or that servers treat as an attack.
//!
//! Whether a request belongs to a class depends only on the request and RFC 9113, not on the response. So a random
//! request, which has no entry in a table, has a grade, too.

use http::{HeaderName, HeaderValue};

use crate::http2::{Action, End, Field, body, frame::kind, header_block};
use crate::probe::table::Probe;

/// The default size of the fragments of a header block.
const LARGEST_FRAGMENT: usize = 16_000;

/// How many CONTINUATION frames every server accepts.
const FEW_CONTINUATIONS: usize = 3;

/// How many DATA frames every server accepts, however small.
const FEW_FRAMES: usize = 90;

/// How many PINGs every server accepts.
const FEW_PINGS: usize = 2;

/// A class of requests to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray)]
pub(crate) enum Class {
    /// Malformed requests: pseudo-header fields, connection-specific fields, `te` or `content-length` that
    /// HTTP/2 forbids (RFC 9113, sections 8.1.1 to 8.3.1).
    Malformed,
    /// Field names and values with characters that HTTP/2 forbids (section 8.2.1).
    IllegalCharacters,
    /// A fragment (`#…`) in the path, which no client sends.
    Fragment,
    /// A header block in many CONTINUATION frames, which is legal but is also used in attacks.
    ManyContinuations,
    /// A message in very many small DATA frames, which is legal but is also used in attacks.
    ManySmallFrames,
    /// Padding, which is legal, but which grpcio fails to read.
    Padding,
    /// More than two PINGs without DATA in between.
    FastPings,
    /// The client closes its direction before its request is complete.
    EarlyHalfClose,
    /// Frames where HTTP/2 forbids them.
    ForbiddenFrames,
}

impl Class {
    /// Whether the requests of `probe` belong to this class.
    pub(crate) fn contains(self, probe: &Probe) -> bool {
        let (fields, trailers) = (probe.header_list(), probe.trailer_list());
        match self {
            Self::Malformed => {
                !is_well_formed(&fields)
                    || trailers.iter().any(|field| is_pseudo(field) || is_of_a_connection(field))
                    || has_wrong_content_length(probe, &fields)
            }
            Self::IllegalCharacters => !fields.iter().chain(&trailers).all(has_legal_characters),
            Self::Fragment => values(&fields, b":path").any(|path| path.contains(&b'#')),
            Self::ManyContinuations => {
                let size = probe.fragments.unwrap_or(LARGEST_FRAGMENT).max(1);
                let frames = |fields| header_block::encode(fields).len().div_ceil(size);
                frames(&fields).max(frames(&trailers)) > 1 + FEW_CONTINUATIONS
            }
            Self::ManySmallFrames => {
                probe.times * probe.cut.apply(&body::bytes(&probe.body)).len() > FEW_FRAMES
            }
            Self::Padding => probe.pad.is_some() || probe.pad_headers.is_some(),
            Self::FastPings => {
                let pings = |action: &Action| if let Action::Ping(n) = action { *n } else { 0 };
                probe.times * probe.actions.iter().map(pings).sum::<usize>() > FEW_PINGS
            }
            Self::EarlyHalfClose => {
                let mut parts = probe.actions.split(|action| matches!(action, Action::HalfClose));
                let waits = parts.next().is_some_and(|before| {
                    before.iter().any(|action| matches!(action, Action::Answer))
                });
                let closes = parts.next().is_some();
                closes && !waits && probe.has(|action| matches!(action, Action::Headers))
            }
            Self::ForbiddenFrames => has_forbidden_frames(probe),
        }
    }
}

fn has_forbidden_frames(probe: &Probe) -> bool {
    // Whether the current stream is open.
    let mut is_open = false;
    let is_forbidden = |action: &Action| match action {
        Action::NextStream => {
            is_open = false;
            false
        }
        Action::Headers => std::mem::replace(&mut is_open, true),
        Action::BodyTo(_) | Action::End => !is_open || probe.end == End::Headers,
        Action::Body | Action::Reset(_) => !is_open,
        Action::Frame(frame) => {
            frame.r#type <= kind::CONTINUATION
                && !matches!(frame.r#type, kind::PRIORITY | kind::WINDOW_UPDATE)
        }
        _ => false,
    };
    // Stream numbers of the next round are assigned before a round skips to another stream.
    let skips = probe.times > 1 && probe.has(|action| matches!(action, Action::NextStream));
    skips || probe.actions.iter().any(is_forbidden)
}

fn values<'a>(fields: &'a [Field], name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter(move |field| field.0 == name).map(|field| &field.1[..])
}

fn is_pseudo(field: &Field) -> bool {
    field.0.starts_with(b":")
}

fn is_of_a_connection((name, value): &Field) -> bool {
    const NAMES: [&[u8]; 5] =
        [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];
    NAMES.contains(&&name[..]) || (name == b"te" && value != b"trailers")
}

fn is_well_formed(fields: &[Field]) -> bool {
    let only = |name: &[u8]| {
        let mut found = values(fields, name);
        found.next().filter(|_| found.next().is_none())
    };
    let pseudo = fields.iter().take_while(|field| is_pseudo(field)).count();
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let authority = values(fields, b":authority").collect::<Vec<_>>();
    let host = values(fields, b"host").collect::<Vec<_>>();
    only(b":method").is_some_and(|method| !method.is_empty() && method != b"CONNECT")
        && only(b":scheme").is_some_and(|s| s.iter().all(is_scheme) && !s.is_empty())
        && only(b":path").is_some_and(is_path)
        && authority.len() <= 1
        && host.len() <= 1
        && authority.iter().chain(&host).all(|host| is_host(host))
        && (authority.is_empty() || host.is_empty() || authority == host)
        && pseudo == 3 + authority.len()
        && fields.iter().skip(pseudo).all(|field| !is_pseudo(field) && !is_of_a_connection(field))
}

/// Whether `host` is a name with an optional port. IPv6 addresses do not count.
fn is_host(host: &[u8]) -> bool {
    let host = String::from_utf8_lossy(host);
    let (name, port) = host.split_once(':').unwrap_or((&host, "0"));
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let is_port = port.parse::<u16>().is_ok() && port.bytes().all(|digit| digit.is_ascii_digit());
    !name.is_empty() && name.bytes().all(is_legal) && is_port
}

/// Whether `path` is a legal path with an optional query by RFC 3986.
fn is_path(path: &[u8]) -> bool {
    let is_legal =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(byte);
    let mut encoded = path.split(|byte| *byte == b'%').skip(1);
    path.first() == Some(&b'/')
        && path.iter().all(is_legal)
        && encoded.all(|text| text.get(..2).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)))
}

fn has_wrong_content_length(probe: &Probe, fields: &[Field]) -> bool {
    let mut lengths = values(fields, b"content-length").peekable();
    if lengths.peek().is_none() {
        return false;
    }
    let sent = if probe.end == End::Headers { 0 } else { body::bytes(&probe.body).len() };
    let is_whole = probe.end != End::Never && probe.actions.len() == 2;
    !is_whole || lengths.any(|length| length != sent.to_string().as_bytes())
}

fn has_legal_characters((name, value): &Field) -> bool {
    let is_pseudo = [&b":method"[..], b":scheme", b":path", b":authority"].contains(&&name[..]);
    (is_pseudo || HeaderName::from_lowercase(name).is_ok())
        && HeaderValue::from_bytes(value).is_ok()
        && value.trim_ascii().len() == value.len()
        && (name != b":method" || value.iter().all(u8::is_ascii_alphabetic))
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::{Class, is_host, is_path};
    use crate::probe::table;

    fn classes(rest: &str) -> Vec<Class> {
        let entry = format!("[[probe]]\nname = 'x'\ngrade = 'edge'\n{rest}\n");
        let probe = table::from_entry(&entry).expect("the entry is invalid");
        Class::VARIANTS.iter().copied().filter(|class| class.contains(&probe)).collect()
    }

    #[test]
    fn a_request_of_a_legal_client_has_no_class() {
        for rest in [
            "",
            "headers = [{ add = 'x', value = 'a\tb' }, { add = 'content-length', value = '10' }]",
            "headers = [{ set = ':path', value = '/a/%2F?b=c' }, { set = ':scheme', value = 'https' }]",
            "end = 'trailers'\ntrailers = [{ add = 'x', value = '1' }]",
            "actions = ['headers', { ping = 2 }, 'body', 'answer', 'half-close']",
        ] {
            assert_eq!(classes(rest), [], "{rest}");
        }
    }

    #[test]
    fn other_requests_have_classes() {
        for (rest, class) in [
            ("headers = [{ remove = ':method' }]", Class::Malformed),
            ("headers = [{ add = ':path', value = '/' }]", Class::Malformed),
            ("headers = [{ set = 'te', value = 'gzip' }]", Class::Malformed),
            ("headers = [{ add = 'host', value = 'elsewhere' }]", Class::Malformed),
            ("headers = [{ add = 'content-length', value = '9' }]", Class::Malformed),
            ("headers = [{ add = 'connection', value = 'close' }]", Class::Malformed),
            ("headers = [{ add = 'X', value = '1' }]", Class::IllegalCharacters),
            ("headers = [{ add = 'x', value = ' 1' }]", Class::IllegalCharacters),
            ("headers = [{ add = 'x', value = '1\\x00' }]", Class::IllegalCharacters),
            ("fragments = 20", Class::ManyContinuations),
            ("cut = 'every-byte'\ntimes = 10", Class::ManySmallFrames),
            ("pad = 0", Class::Padding),
            ("actions = ['headers', { ping = 3 }, 'body']", Class::FastPings),
            ("actions = ['headers', 'half-close']", Class::EarlyHalfClose),
            ("actions = ['headers', 'headers']", Class::ForbiddenFrames),
            ("actions = ['body']", Class::ForbiddenFrames),
        ] {
            assert_eq!(classes(rest), [class], "{rest}");
        }
        let fragment = "headers = [{ set = ':path', value = '/a#b' }]";
        assert_eq!(classes(fragment), [Class::Malformed, Class::Fragment]);
    }

    #[test]
    fn hosts_and_paths_are_checked() {
        for (host, is_legal) in [
            ("localhost:50051", true),
            ("a-b.c", true),
            ("", false),
            (":1", false),
            ("a:", false),
            ("a:65536", false),
            ("a:+1", false),
            ("a:1:2", false),
            ("[::1]:1", false),
            ("a b", false),
        ] {
            assert_eq!(is_host(host.as_bytes()), is_legal, "{host}");
        }
        for (path, is_legal) in [
            ("/", true),
            ("/%2f", true),
            ("/%2", false),
            ("/%%41", false),
            ("a", false),
            ("/\"", false),
        ] {
            assert_eq!(is_path(path.as_bytes()), is_legal, "{path}");
        }
    }
}
