//! Adapts probes, which are written for the calculator, to any other method.
//!
//! Only the content of a probe decides whether and how it can be adapted, so a new probe needs no key in its table. A
//! probe whose messages are neither the root of 16, nor empty, nor malformed for every type is about the values of the
//! calculator, and cannot be adapted.

use std::cell::LazyCell;

use crate::http2::body::{self, padded_message};
use crate::http2::{Action, Change, Coding, Hex, Piece, Text, Value};
use crate::probe::table::Probe;
use crate::probe::target::{DEFAULT_SIZE_LIMIT, Target};

/// Why a probe cannot be sent to another method.
type Unsuitable = &'static str;

const OTHER_VALUE: Unsuitable = "it is about the values of the calculator";
const OTHER_ENCODING: Unsuitable = "it is about the encoding of the calculator's messages";
const OTHER_SERVICE: Unsuitable = "it calls a service that the server may have in addition";
const OTHER_LENGTH: Unsuitable = "the request of the method has an unsuitable length";

/// `probe` as a request to the method `to`.
pub(crate) fn adapted(probe: &Probe, to: &Target) -> Result<Probe, Unsuitable> {
    let adaptation = Adaptation { from: &Target::calculator(), to };
    let mut adapted = probe.clone();
    adapted.body = probe.body.iter().map(|it| adaptation.piece(it)).collect::<Result<_, _>>()?;
    if let Some(Text(preface)) = &mut adapted.preface {
        *preface = adaptation.path(preface);
    }
    // Few probes need the lengths, and some bodies have megabytes.
    let bodies = [&probe.body, &adapted.body];
    let lengths = LazyCell::new(|| bodies.map(|body| body::bytes(body).len()));
    for change in &mut adapted.headers {
        adaptation.header(change, &|| *lengths)?;
    }
    for action in &mut adapted.actions {
        if let Action::BodyTo(end) = action {
            // It ends before the body does.
            *end = (*end).min(lengths[1].saturating_sub(1));
        }
    }
    Ok(adapted)
}

/// The calculator's method, and the one that probes are adapted to.
struct Adaptation<'a> {
    from: &'a Target,
    to: &'a Target,
}

impl Adaptation<'_> {
    fn piece(&self, piece: &Piece) -> Result<Piece, Unsuitable> {
        let mut adapted = Piece { value: None, size: None, ..piece.clone() };
        let root_of_16 = &self.from.message[..];
        let is_ordinary = match (piece.value.map(Value::message), &piece.message, &piece.raw) {
            (Some(value), ..) => {
                let is_ordinary = value == root_of_16;
                if !is_ordinary && !value.is_empty() {
                    return Err(OTHER_VALUE);
                }
                is_ordinary
            }
            (_, Some(Hex(message)), _) => {
                let is_malformed = message.iter().all(|byte| *byte == 0xff);
                if message != root_of_16 && !is_malformed {
                    return Err(OTHER_ENCODING);
                }
                message == root_of_16
            }
            (.., Some(Hex(raw))) if contains(raw, root_of_16) => return Err(OTHER_ENCODING),
            _ => false,
        };
        if piece.append.is_some() {
            return Err(OTHER_ENCODING);
        }
        if is_ordinary {
            let message = match piece.size {
                Some(size) => {
                    padded_message(&self.to.message, self.to.unknown_field, self.size(size))
                        .map_err(|_| OTHER_LENGTH)?
                }
                None => self.to.message.clone(),
            };
            adapted.message = Some(Hex(message));
        } else if piece.value.is_some() {
            adapted.message = Some(Hex(Vec::new()));
        }
        adapted.zeros = piece.zeros.map(|zeros| self.size(zeros));
        adapted.length = piece.length.map(|it| self.length(it, is_ordinary)).transpose()?;
        if let Some(coding) = piece.compressed.filter(|_| is_ordinary) {
            adapted.keep = piece.keep.map(|at| self.offset(at, coding));
            adapted.corrupt = piece.corrupt.map(|at| self.offset(at, coding));
        }
        Ok(adapted)
    }

    /// The size of a message that compares with the limit of the method like `size` with the default limit.
    fn size(&self, size: usize) -> usize {
        let is_about_limit = size + 1 >= DEFAULT_SIZE_LIMIT;
        let Self { to: Target { size_limit, .. }, .. } = self;
        if is_about_limit { (size + size_limit).saturating_sub(DEFAULT_SIZE_LIMIT) } else { size }
    }

    /// The length in the prefix of a message, which `is_ordinary` or not.
    fn length(&self, length: u32, is_ordinary: bool) -> Result<u32, Unsuitable> {
        /// Longer lengths are about the range of integers.
        const LONGEST: usize = 2 * DEFAULT_SIZE_LIMIT;
        let number = length as usize;
        let [from, to] = [self.from, self.to].map(|it| it.message.len());
        let adapted = if is_ordinary && number.abs_diff(from) <= 1 {
            (number + to).checked_sub(from)
        } else if number <= LONGEST {
            Some(self.size(number))
        } else {
            return Ok(length);
        };
        adapted.and_then(|it| u32::try_from(it).ok()).ok_or(OTHER_LENGTH)
    }

    /// The offset in the compressed ordinary message that is in the same part as `offset` in the calculator's.
    fn offset(&self, offset: usize, coding: Coding) -> usize {
        let checksum = match coding {
            Coding::Gzip => 8,
            Coding::Deflate => 4,
            Coding::RawDeflate => 0,
        };
        let [from, to] = [self.from, self.to].map(|it| coding.compress(&it.message).len());
        let is_in_checksum = offset + checksum >= from;
        if is_in_checksum { (offset + to).saturating_sub(from) } else { offset }
    }

    /// Adapts a change of a header. `lengths` are those of the bodies for the calculator and for the other method.
    fn header(
        &self,
        change: &mut Change,
        lengths: &dyn Fn() -> [usize; 2],
    ) -> Result<(), Unsuitable> {
        let Some(name) = change.name().map(<[u8]>::to_vec) else { return Ok(()) };
        let Text(value) = &mut change.value;
        if name == b":path" {
            if value.starts_with(b"/grpc.") {
                return Err(OTHER_SERVICE);
            }
            *value = self.path(value);
        } else if name == b"content-length" {
            let length = std::str::from_utf8(value).ok().and_then(|it| it.parse::<usize>().ok());
            if let Some(length) = length {
                let [from, to] = lengths();
                *value = (length + to).saturating_sub(from).to_string().into_bytes();
            }
        } else if let (Some(size), None) = (&mut change.size, change.times) {
            // The size of all metadata, which a server may limit, stays the same.
            *size = (*size + self.from.path.len()).saturating_sub(self.to.path.len());
        }
        Ok(())
    }

    /// `path` with the service and the method in place of the calculator's, in the same spelling.
    fn path(&self, path: &[u8]) -> Vec<u8> {
        let (service, method) = self.to.service_and_method();
        let (package, simple) = match service.rsplit_once('.') {
            Some((package, simple)) => (format!("{package}."), simple),
            None => (String::new(), service),
        };
        let spellings = [
            ("Calculator", service.to_owned()),
            ("calculator", format!("{package}{}", in_other_case(simple))),
            ("SquareRoot", method.to_owned()),
            ("squareRoot", in_other_case(method)),
            ("CubeRoot", format!("NoSuch{method}")),
            ("Square Root", with_space(method)),
            ("Square%52oot", percent_encoded(method)),
        ];
        let (mut adapted, mut rest) = (Vec::new(), path);
        while let Some((first, after)) = rest.split_first() {
            let spelling = spellings.iter().find(|(text, _)| rest.starts_with(text.as_bytes()));
            if let Some((text, replacement)) = spelling {
                adapted.extend(replacement.as_bytes());
                rest = rest.get(text.len()..).unwrap_or_default();
            } else {
                adapted.push(*first);
                rest = after;
            }
        }
        adapted
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// `name` with its first letter in the other case.
fn in_other_case(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|first| {
        if first.is_ascii_uppercase() {
            first.to_ascii_lowercase()
        } else {
            first.to_ascii_uppercase()
        }
    });
    first.into_iter().chain(chars).collect()
}

/// `name` with a space behind its first letter.
fn with_space(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().into_iter().chain([' ']).chain(chars).collect()
}

/// `name` with its first byte percent-encoded.
pub(crate) fn percent_encoded(name: &str) -> String {
    match name.split_at_checked(1) {
        Some((first, rest)) => format!("%{:02X}{rest}", first.bytes().next().unwrap_or_default()),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Places;
    use crate::probe::table::{from_entry, read_all};

    fn shop(message: &[u8]) -> Target {
        Target {
            path: "/shop.Shop/Get".to_owned(),
            message: message.to_vec(),
            unknown_field: 15,
            size_limit: DEFAULT_SIZE_LIMIT,
            status: b"5".to_vec(),
        }
    }

    fn adapted_to(entry: &str, to: &Target) -> Result<Probe, Unsuitable> {
        let entry = format!("[[probe]]\nname = 'x'\ngrade = 'edge'\n{entry}\n");
        adapted(&from_entry(&entry).expect("the entry is invalid"), to)
    }

    fn body(entry: &str, to: &Target) -> Vec<u8> {
        body::bytes(&adapted_to(entry, to).expect("it can be adapted").body)
    }

    #[test]
    fn the_message_of_the_method_replaces_the_root_of_16() {
        let pen = &shop(b"\x0a\x03pen");
        assert_eq!(body("", pen), b"\0\0\0\0\x05\x0a\x03pen");
        assert_eq!(
            body("body = [{ value = 16.0, size = 8 }]", pen),
            b"\0\0\0\0\x08\x0a\x03penz\x01\0"
        );
        assert_eq!(body("body = [{ value = 0.0, flag = 2 }]", pen), b"\x02\0\0\0\0");
        assert_eq!(body("body = [{ message = 'ffff' }]", pen), b"\0\0\0\0\x02\xff\xff");
        let short = &shop(b"\x08\x01");
        assert_eq!(body("body = [{ value = 16.0, length = 6 }]", short), b"\0\0\0\0\x03\x08\x01");
        for (entry, why) in [
            ("body = [{ value = 9.0 }]", OTHER_VALUE),
            ("body = [{ message = '0d 00001041' }]", OTHER_ENCODING),
            ("body = [{ raw = '00 00000005 0d 00008041' }]", OTHER_ENCODING),
            ("body = [{ value = 16.0, size = 7 }]", OTHER_LENGTH),
            (
                "headers = [{ set = ':path', value = '/grpc.health.v1.Health/Check' }]",
                OTHER_SERVICE,
            ),
        ] {
            let long = shop(b"\x0a\x09ball-pens");
            assert_eq!(adapted_to(entry, &long).err(), Some(why), "{entry}");
        }
        assert_eq!(
            adapted_to("body = [{ value = 16.0, length = 4 }]", &shop(b"")).err(),
            Some(OTHER_LENGTH)
        );
    }

    #[test]
    fn sizes_follow_the_limit_and_offsets_the_length() {
        let small = &Target { size_limit: 1000, ..shop(b"\x0a\x14a message of twenty b") };
        let length = |entry: &str| {
            let probe = adapted_to(entry, small).expect("it can be adapted");
            (body::bytes(&probe.body).len(), probe.body[0].length)
        };
        assert_eq!(length("body = [{ value = 16.0, size = 4194305 }]"), (1006, None));
        assert_eq!(length("body = [{ message = '', length = 4194305 }]"), (5, Some(1001)));
        assert_eq!(length("body = [{ message = '', length = 4294967295 }]"), (5, Some(u32::MAX)));
        let whole = length("body = [{ value = 16.0, compressed = 'gzip' }]").0;
        let without_checksum =
            length("body = [{ value = 16.0, compressed = 'gzip', keep = 17 }]").0;
        assert_eq!(whole - without_checksum, 8);
        let probe =
            adapted_to("actions = ['headers', { body-to = 7 }]", &shop(b"")).expect("it can");
        assert!(matches!(probe.actions[1], Action::BodyTo(4)));
    }

    #[test]
    fn headers_name_the_method_and_the_length_of_its_request() {
        let to = &shop(b"\x08\x01");
        let value = |entry: &str| {
            let probe = adapted_to(&format!("headers = [{entry}]"), to).expect("it can be adapted");
            let header = probe.request(&to.path).headers.pop().expect("there are headers").1;
            let path = probe.request(&to.path).headers.swap_remove(2).1;
            (String::from_utf8(path).expect("UTF-8"), String::from_utf8(header).expect("UTF-8"))
        };
        for (path, expected) in [
            ("/Calculator/CubeRoot", "/shop.Shop/NoSuchGet"),
            ("/calculator/SquareRoot?x=1", "/shop.shop/Get?x=1"),
            ("/Calculator/squareRoot/", "/shop.Shop/get/"),
            ("/Calculator/Square%52oot", "/shop.Shop/%47et"),
            ("/Calculator/Square Root", "/shop.Shop/G et"),
            ("/Nobody/SquareRoot", "/Nobody/Get"),
        ] {
            let entry = format!("{{ set = ':path', value = '{path}' }}");
            assert_eq!(value(&entry).0, expected);
        }
        assert_eq!(value("{ add = 'x', value = '1' }").0, to.path);
        assert_eq!(value("{ add = 'content-length', value = '9' }").1, "6");
        assert_eq!(value("{ add = 'x-large', size = 1000 }").1.len(), 1008);
    }

    #[test]
    fn the_calculator_itself_needs_no_adaptation() {
        let entries = ["", "body = [{ value = 16.0, size = 4194305 }]", "preface = '/Calculator'"];
        let calculator = Target::calculator();
        for entry in entries {
            let text = format!("[[probe]]\nname = 'x'\ngrade = 'edge'\n{entry}\n");
            let probe = from_entry(&text).expect("the entry is invalid");
            let (one, other) = (
                probe.request(&calculator.path),
                adapted(&probe, &calculator).expect("it can be adapted").request(&calculator.path),
            );
            assert_eq!(format!("{one:?}"), format!("{other:?}"));
        }
    }

    #[test]
    fn no_adapted_probe_has_a_trace_of_the_calculator() {
        let places = Places::find(None, None).expect("the tests run in the project");
        let probes = read_all(&places.project_file("scenarios").join("server-parity"));
        let probes = probes.expect("the tables are valid");
        let to = shop(b"\x0a\x03pen");
        let suitable: Vec<_> = probes.iter().filter_map(|it| adapted(it, &to).ok()).collect();
        assert_eq!((probes.len(), suitable.len()), (466, 388));
        let calculator = Target::calculator();
        for probe in suitable {
            let mut plain = probe.clone();
            plain.body.iter_mut().for_each(|piece| piece.compressed = None);
            let request = plain.request(&to.path);
            let mut sent = request.body;
            sent.extend(request.headers.into_iter().flat_map(|(_, value)| value));
            sent.extend(request.preface.into_iter().flat_map(|Text(preface)| preface));
            sent.extend(format!("{:?}", probe.actions).into_bytes());
            for trace in [b"Calculator", b"SquareRoot", &b"CubeRoot"[..], &calculator.message[..3]]
            {
                assert!(!contains(&sent, trace), "{}: {}", probe.name(), trace.escape_ascii());
            }
        }
    }
}
