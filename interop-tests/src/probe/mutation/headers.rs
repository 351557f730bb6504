//! Mutations of header fields.
//!
//! Most values are similar to values that servers parse, because a value that every server ignores causes no
//! difference.

use crate::http2::{Change, Text};
use crate::probe::mutation::random::Random;
use crate::probe::mutation::requests::Requests;

/// Characters in values that servers parse.
const PARSED: &[u8] = b"0123456789012345678901nmuSMHs,;=-_+/ .:AaBbZz\t";

/// Characters in other values.
const VISIBLE: &[u8] =
    b" !\"#$%&'()*+,-./0123456789:;<=>?@ABCXYZ[\\]^_`abcxyz{|}~\t\x80\xc3\xbc\xff";

/// Characters in names. HTTP allows all of them, gRPC only some. `%` is missing, because grpcio copies an illegal
/// name into `grpc-message` without encoding it, so that a client may decode `%XX` to invalid UTF-8.
const NAME: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-_.-_.!#$&'*+^`|~";

const BASE64: &[u8] = b"ABCDwxyz0189+/AAAAAAAA=";

/// Names that servers may know.
const NAMES: &str = "grpc-timeout grpc-encoding grpc-accept-encoding grpc-internal-encoding-request \
                     grpc-status grpc-message grpc-previous-rpc-attempts grpc-retry-pushback-ms \
                     grpc-tags-bin grpc-trace-bin grpc-server-stats-bin lb-token lb-cost-bin \
                     user-agent content-encoding x-bin";

/// Changes `headers` in one way; `others` are the header fields of another probe.
pub(crate) fn mutate(
    headers: &mut Vec<Change>,
    others: &[Change],
    requests: &Requests,
    random: &mut Random,
) {
    match random.below(16) {
        0 | 1 => headers.push(add("grpc-timeout", timeout(random))),
        2 => headers.push(add("grpc-encoding", encoding(random))),
        3 | 4 => headers.push(binary(random)),
        5 => headers.push(metadata(random)),
        6 => headers.push(known(random)),
        7 => headers.push(large(random)),
        8 | 9 => replace(headers, requests, random),
        10 => remove(headers, random),
        11 | 12 => edit(headers, random),
        13 => rearrange(headers, random),
        _ => headers.extend_from_slice(others),
    }
}

pub(crate) fn add(name: &str, value: Vec<u8>) -> Change {
    Change { add: Some(Text(name.into())), value: Text(value), ..Change::default() }
}

/// A header field for trailers.
pub(crate) fn trailer(random: &mut Random) -> Change {
    match random.below(4) {
        0 => binary(random),
        1 => known(random),
        _ => metadata(random),
    }
}

fn timeout(random: &mut Random) -> Vec<u8> {
    let digits = match random.below(4) {
        0 => "0".repeat(random.below(4)) + &random.size(100_000).to_string(),
        1 => "0".to_owned(),
        2 => {
            // Around the maximum number of digits, and beyond any integer.
            let length = random.below(24);
            random.pick(&["1", "9", ""]).to_owned() + &random.pick(&["0", "9"]).repeat(length)
        }
        _ => random.size(999_999_999).to_string(),
    };
    let unit = random.pick(&["n", "u", "m", "S", "M", "H", "H", "H", "s", ""]);
    let edits = usize::from(random.one_in(3));
    random.edited(&(digits + unit), edits, PARSED)
}

fn encoding(random: &mut Random) -> Vec<u8> {
    let (name, edits) = (random.word("gzip deflate identity br zstd"), random.one_in(4).into());
    random.edited(name, edits, PARSED)
}

fn binary(random: &mut Random) -> Change {
    let mut value = random.text(BASE64, 12);
    match random.below(3) {
        0 => value.resize(value.len().next_multiple_of(4), b'='),
        1 => random.edit(&mut value, PARSED),
        _ => {}
    }
    add(random.word("x-bin y-bin grpc-trace-bin lb-cost-bin -bin"), value)
}

fn metadata(random: &mut Random) -> Change {
    // Some names contain characters that gRPC does not allow.
    let alphabet = if random.one_in(4) { NAME } else { &NAME[..39] };
    let name = [&b"x"[..], &random.text(alphabet, 10)].concat();
    let value = Text(random.text(VISIBLE, 20));
    Change { add: Some(Text(name)), value, ..Change::default() }
}

fn known(random: &mut Random) -> Change {
    let name = random.word(NAMES);
    let value = match random.below(4) {
        0 => random.text(VISIBLE, 8),
        1 => random.text(b"0123456789", 22),
        2 => random.text(b"0123456789+- ", 6),
        _ => encoding(random),
    };
    add(name, value)
}

fn large(random: &mut Random) -> Change {
    if random.one_in(2) {
        return Change { size: Some(random.size(60_000)), ..metadata(random) };
    }
    let (times, name) = (1 + random.size(200), random.word("x-many x-{n}"));
    Change { times: Some(times), add: Some(Text(name.into())), ..metadata(random) }
}

/// Replaces the value of a required header.
fn replace(headers: &mut Vec<Change>, requests: &Requests, random: &mut Random) {
    let edits = random.below(4);
    let (name, value) = match random.below(10) {
        0..=4 => {
            let path = requests.path(random);
            (":path", random.edited(path, edits, b"/?=&.:@CalculatorSquareRoot0%2-_~!$'()*+,;#"))
        }
        5 => {
            let suffix = random.word("+proto ;x=1 -web +");
            ("content-type", format!("application/grpc{suffix}").into())
        }
        6 => ("content-type", random.text(VISIBLE, 12)),
        7 => ("content-type", random.edited("application/grpc", 1, VISIBLE)),
        8 => {
            let method = random.word("GET PUT DELETE OPTIONS BREW Post POSt");
            (":method", method.into())
        }
        _ if random.one_in(2) => {
            let scheme = random.word("http https");
            (":scheme", random.edited(scheme, edits / 3, b"stp+-.HS0"))
        }
        _ => (":authority", random.edited("localhost:50051", edits, b"abcXYZ019.-:")),
    };
    let set = Some(Text(name.into()));
    headers.retain(|change| change.set != set && change.remove != set);
    headers.push(Change { set, value: Text(value), ..Change::default() });
}

/// Removes a required header.
fn remove(headers: &mut Vec<Change>, random: &mut Random) {
    let name = random.word("te content-type :authority");
    headers.push(Change { remove: Some(Text(name.into())), ..Change::default() });
    if random.one_in(3) {
        headers.push(add("host", b"localhost:50051".to_vec()));
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
    if headers.is_empty() {
        return;
    }
    let (one, other) = (random.below(headers.len()), random.below(headers.len()));
    match random.below(3) {
        0 => drop(headers.remove(one)),
        1 => headers.swap(one, other),
        _ => headers.push(headers[one].clone()),
    }
}
