//! Which requests belong to a class that a known deviation excuses as a whole.
//!
//! A random request has no name that an entry of `deviations.toml` could list, so an entry may name a
//! class of requests. Whether a request belongs to one is decided by RFC 9113 alone, without a look at any
//! answer. A request of no class is one that a legal client can send.

use crate::http2::action::Action;
use crate::http2::body;
use crate::http2::frame::kind;
use crate::http2::header_block;
use crate::http2::header_block::Field;
use crate::http2::script::End;
use crate::outcome::request_class::Class;
use crate::parity::server::probe::Probe;

impl Class {
    pub(crate) const ALL: [Self; 9] = [
        Self::Malformed,
        Self::IllegalCharacters,
        Self::Fragment,
        Self::ManyContinuations,
        Self::ManySmallFrames,
        Self::Padding,
        Self::FastPings,
        Self::EarlyHalfClose,
        Self::ForbiddenFrames,
    ];

    pub(crate) fn contains(self, probe: &Probe) -> bool {
        let (fields, trailers) = (probe.header_list(), probe.trailer_list());
        match self {
            Self::Malformed => {
                !is_well_formed(&fields)
                    || trailers.iter().any(|field| is_pseudo(field) || is_of_a_connection(field))
                    || content_length_lies(probe, &fields)
            }
            Self::IllegalCharacters => {
                fields.iter().chain(&trailers).any(|field| !has_legal_characters(field))
            }
            Self::Fragment => values(&fields, b":path").any(|path| path.contains(&b'#')),
            Self::ManyContinuations => {
                /// What fits into any server's patience.
                const FEW: usize = 3;
                let lengths = [&fields, &trailers].map(|fields| header_block::encode(fields).len());
                let size = probe.fragments.unwrap_or(LARGEST_FRAGMENT).max(1);
                lengths.into_iter().any(|length| length.div_ceil(size) > 1 + FEW)
            }
            Self::ManySmallFrames => {
                /// What fits into any server's patience.
                const FEW: usize = 90;
                let body = body::bytes(&probe.body);
                probe.times * probe.cut.apply(&body).len() > FEW
            }
            Self::Padding => probe.pad.is_some() || probe.pad_headers.is_some(),
            Self::FastPings => {
                let pings = |action: &Action| if let Action::Ping(n) = action { *n } else { 0 };
                probe.times * probe.actions.iter().map(pings).sum::<usize>() > 2
            }
            Self::EarlyHalfClose => {
                let place = |wanted: fn(&Action) -> bool| probe.actions.iter().position(wanted);
                place(|action| matches!(action, Action::HalfClose))
                    .zip(place(|action| matches!(action, Action::Headers)))
                    .is_some_and(|(close, _)| {
                        let before = &probe.actions[..close];
                        !before.iter().any(|action| matches!(action, Action::Answer))
                    })
            }
            Self::ForbiddenFrames => {
                // Whether the stream has been opened that the actions are at.
                let mut is_open = false;
                let mut skips = false;
                let is_wrong = probe.actions.iter().any(|action| match action {
                    Action::NextStream => {
                        is_open = false;
                        skips = true;
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
                });
                // ConnectionRecorder of the next round are numbered already.
                is_wrong || (skips && probe.times > 1)
            }
        }
    }
}

/// How a header block is cut that says nothing else.
const LARGEST_FRAGMENT: usize = 16_000;

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
    let is_authority = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(byte);
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let authority = values(fields, b":authority").collect::<Vec<_>>();
    let host = values(fields, b"host").collect::<Vec<_>>();
    only(b":method").is_some_and(|method| !method.is_empty() && method != b"CONNECT")
        && only(b":scheme").is_some_and(|s| s.iter().all(is_scheme) && !s.is_empty())
        && only(b":path").is_some_and(is_path)
        && authority.len() <= 1
        && host.len() <= 1
        && authority
            .iter()
            .chain(&host)
            .all(|name| !name.is_empty() && name.iter().all(is_authority) && is_host(name))
        && (authority.is_empty() || host.is_empty() || authority == host)
        && pseudo == 3 + authority.len()
        && fields.iter().skip(pseudo).all(|field| !is_pseudo(field) && !is_of_a_connection(field))
}

/// A name with a port at the most; addresses of IPv6 are left out.
fn is_host(host: &[u8]) -> bool {
    let mut parts = host.split(|byte| *byte == b':');
    parts.next().is_some_and(|name| {
        !name.is_empty()
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(byte))
    }) && parts
        .next()
        .is_none_or(|port| std::str::from_utf8(port).is_ok_and(|port| port.parse::<u16>().is_ok()))
        && parts.next().is_none()
}

/// What RFC 3986 allows in a path and a query, where `%` comes before two hex digits.
fn is_path(path: &[u8]) -> bool {
    let is_legal =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(byte);
    let digits = |at: usize| path.get(at + 1..at + 3);
    path.first() == Some(&b'/')
        && path.iter().all(is_legal)
        && (0..path.len())
            .filter(|at| path[*at] == b'%')
            .all(|at| digits(at).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

fn content_length_lies(probe: &Probe, fields: &[Field]) -> bool {
    let mut lengths = values(fields, b"content-length").peekable();
    if lengths.peek().is_none() {
        return false;
    }
    let sent = if probe.end == End::Headers { 0 } else { body::bytes(&probe.body).len() };
    let is_whole = probe.end != End::Never && probe.actions.len() == 2;
    !is_whole || lengths.any(|length| length != sent.to_string().as_bytes())
}

fn has_legal_characters((name, value): &Field) -> bool {
    let is_token = |byte: &u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(byte)
    };
    let known = [&b":method"[..], b":scheme", b":path", b":authority"].contains(&&name[..]);
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    (known || (!name.is_empty() && name.iter().all(is_token)))
        && value.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f))
        && !is_space(value.first())
        && !is_space(value.last())
        && (name != b":method" || value.iter().all(u8::is_ascii_alphabetic))
}
