//! Mutations of header fields.
//!
//! Values are drawn near those that servers parse, because nothing is learnt from a value that
//! every server passes on unread.

use crate::http2::header_list::Change;
use crate::http2::text::Text;
use crate::parity::fuzz::random::Random;

/// Characters of what servers parse.
const PARSED: &[u8] = b"0123456789012345678901nmuSMHs,;=-_+/ .:AaBbZz\t";

/// What a value may consist of.
const VISIBLE: &[u8] =
    b" !\"#$%&'()*+,-./0123456789:;<=>?@ABCXYZ[\\]^_`abcxyz{|}~\t\x80\xc3\xbc\xff";

/// What a name may consist of; only HTTP allows all of them. Without `%`: grpcio quotes an illegal
/// name in a grpc-message and does not encode it, which makes any byte of it, or none of UTF-8.
const NAME: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-_.-_.!#$&'*+^`|~";

const BASE64: &[u8] = b"ABCDwxyz0189+/AAAAAAAA=";

/// Names that servers may know.
const KNOWN: [&[u8]; 16] = [
    b"grpc-timeout",
    b"grpc-encoding",
    b"grpc-accept-encoding",
    b"grpc-internal-encoding-request",
    b"grpc-status",
    b"grpc-message",
    b"grpc-previous-rpc-attempts",
    b"grpc-retry-pushback-ms",
    b"grpc-tags-bin",
    b"grpc-trace-bin",
    b"grpc-server-stats-bin",
    b"lb-token",
    b"lb-cost-bin",
    b"user-agent",
    b"content-encoding",
    b"x-bin",
];

/// Changes `headers` in one way; `others` are the header fields of another probe.
pub(crate) fn mutate(headers: &mut Vec<Change>, others: &[Change], random: &mut Random) {
    match random.below(16) {
        0 | 1 => headers.push(add(b"grpc-timeout", timeout(random))),
        2 => headers.push(add(b"grpc-encoding", encoding(random))),
        3 | 4 => headers.push(binary(random)),
        5 => headers.push(metadata(random)),
        6 => headers.push(known(random)),
        7 => headers.push(large(random)),
        8 => path(headers, random),
        9 => content_type(headers, random),
        10 => pseudo(headers, random),
        11 | 12 => edit(headers, random),
        13 => rearrange(headers, random),
        _ => headers.extend_from_slice(others),
    }
}

pub(crate) fn add(name: &[u8], value: Vec<u8>) -> Change {
    Change { add: Some(Text(name.to_vec())), value: Text(value), ..Change::default() }
}

/// Header fields that a body may come with afterwards.
pub(crate) fn trailer(random: &mut Random) -> Change {
    match random.below(4) {
        0 => binary(random),
        1 => known(random),
        _ => metadata(random),
    }
}

/// Replaces the header of a legal request called `name`.
fn set(headers: &mut Vec<Change>, name: &[u8], value: Vec<u8>) {
    let name = Some(Text(name.to_vec()));
    headers.retain(|change| change.set != name && change.remove != name);
    headers.push(Change { set: name, value: Text(value), ..Change::default() });
}

fn timeout(random: &mut Random) -> Vec<u8> {
    let digits = match random.below(4) {
        0 => "0".repeat(random.below(4)) + &random.size(100_000).to_string(),
        1 => "0".to_owned(),
        2 => {
            // Where the number of digits begins to matter, and beyond any integer.
            let nines = random.below(24);
            random.pick(&["1", "9", ""]).to_owned() + &random.pick(&["0", "9"]).repeat(nines)
        }
        _ => random.size(999_999_999).to_string(),
    };
    let unit = random.pick(&["n", "u", "m", "S", "M", "H", "H", "H", "s", ""]);
    let mut value = [digits.as_bytes(), unit.as_bytes()].concat();
    if random.one_in(3) {
        random.edit(&mut value, PARSED);
    }
    value
}

fn encoding(random: &mut Random) -> Vec<u8> {
    let mut value = random.pick(&["gzip", "deflate", "identity", "br", "zstd"]).as_bytes().to_vec();
    if random.one_in(4) {
        random.edit(&mut value, PARSED);
    }
    value
}

fn binary(random: &mut Random) -> Change {
    let mut value = random.text(BASE64, 12);
    match random.below(3) {
        0 => value.resize(value.len().next_multiple_of(4), b'='),
        1 => random.edit(&mut value, PARSED),
        _ => {}
    }
    let name = random.pick(&[&b"x-bin"[..], b"y-bin", b"grpc-trace-bin", b"lb-cost-bin", b"-bin"]);
    add(name, value)
}

fn metadata(random: &mut Random) -> Change {
    let mut name = b"x".to_vec();
    // Only some names shall have what gRPC does not allow.
    let alphabet = if random.one_in(4) { NAME } else { &NAME[..39] };
    name.extend(random.text(alphabet, 10));
    add(&name, random.text(VISIBLE, 20))
}

fn known(random: &mut Random) -> Change {
    let name = random.pick(&KNOWN);
    let value = match random.below(4) {
        0 => random.text(VISIBLE, 8),
        1 => random.text(b"0123456789", 22),
        2 => random.text(b"0123456789+- ", 6),
        _ => encoding(random),
    };
    add(name, value)
}

fn large(random: &mut Random) -> Change {
    let mut change = metadata(random);
    if random.one_in(2) {
        change.size = Some(random.size(60_000));
    } else {
        change.times = Some(1 + random.size(200));
        change.add = Some(Text(random.pick(&[&b"x-many"[..], b"x-{n}"]).to_vec()));
    }
    change
}

fn path(headers: &mut Vec<Change>, random: &mut Random) {
    const PATH: &[u8] = b"/?=&.:@CalculatorSquareRoot0%2-_~!$'()*+,;#";
    let mut path = random
        .pick(&[
            &b"/Calculator/SquareRoot"[..],
            b"/Calculator/SquareRoot",
            b"/Calculator/CubeRoot",
            b"/",
            b"/Calculator/Square%52oot",
            b"/grpc.health.v1.Health/Check",
        ])
        .to_vec();
    for _ in 0..random.below(3) {
        random.edit(&mut path, PATH);
    }
    set(headers, b":path", path);
}

fn content_type(headers: &mut Vec<Change>, random: &mut Random) {
    let mut value = b"application/grpc".to_vec();
    match random.below(4) {
        0 => value.extend(random.pick(&[&b"+proto"[..], b";x=1", b"-web", b"+"])),
        1 => value = random.text(VISIBLE, 12),
        _ => random.edit(&mut value, VISIBLE),
    }
    set(headers, b"content-type", value);
}

fn pseudo(headers: &mut Vec<Change>, random: &mut Random) {
    match random.below(5) {
        0 => {
            let method = random.pick(&["GET", "PUT", "DELETE", "OPTIONS", "BREW", "Post", "POSt"]);
            set(headers, b":method", method.as_bytes().to_vec());
        }
        1 => {
            let mut scheme = random.pick(&["http", "https"]).as_bytes().to_vec();
            if random.one_in(3) {
                random.edit(&mut scheme, b"stp+-.HS0");
            }
            set(headers, b":scheme", scheme);
        }
        2 => {
            let mut authority = b"localhost:50051".to_vec();
            for _ in 0..random.below(4) {
                random.edit(&mut authority, b"abcXYZ019.-:");
            }
            set(headers, b":authority", authority);
        }
        3 => headers.push(Change { remove: Some(Text(b"te".to_vec())), ..Change::default() }),
        _ => {
            let remove = Some(Text(random.pick(&[&b"content-type"[..], b":authority"]).to_vec()));
            headers.push(Change { remove, ..Change::default() });
            if random.one_in(2) {
                headers.push(add(b"host", b"localhost:50051".to_vec()));
            }
        }
    }
}

fn edit(headers: &mut [Change], random: &mut Random) {
    let at = random.below(headers.len());
    if let Some(change) = headers.get_mut(at).filter(|change| change.remove.is_none()) {
        let alphabet = if random.one_in(4) { VISIBLE } else { PARSED };
        random.edit(&mut change.value.0, alphabet);
    }
}

fn rearrange(headers: &mut Vec<Change>, random: &mut Random) {
    let (one, other) = (random.below(headers.len()), random.below(headers.len()));
    if headers.is_empty() {
        return;
    }
    match random.below(3) {
        0 => drop(headers.remove(one)),
        1 => headers.swap(one, other),
        _ => headers.push(headers[one].clone()),
    }
}
