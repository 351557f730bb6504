//! Tests of the comparison with messages that are written as bytes.

mod collections;
mod encodings;
mod fields;
mod wire_types;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{DescriptorPool, MessageDescriptor};

use super::*;

const SHOP: &str = r#"
    syntax = "proto3";
    package shop;
    import "google/protobuf/any.proto";
    import "google/protobuf/timestamp.proto";
    import "google/protobuf/wrappers.proto";
    enum Size { SMALL = 0; LARGE = 3; }
    message Note { string text = 1; float weight = 2; map<string, int32> counts = 3; }
    message Item { string name = 1; float price = 2; }
    message Order {
        int32 id = 1;
        float price = 2;
        double total = 3;
        Size size = 4;
        optional int32 tip = 5;
        Note note = 6;
        repeated Item items = 7;
        repeated int32 codes = 8;
        map<string, float> labels = 9;
        map<int32, Note> notes = 10;
        oneof payment { string card = 11; int32 cash = 12; }
        google.protobuf.Any detail = 13;
        string text = 14;
        bytes data = 15;
        bool gift = 16;
        Order parent = 17;
        repeated double weights = 18;
        google.protobuf.Timestamp time = 19;
        google.protobuf.StringValue comment = 20;
        map<bool, sint64> flags = 21;
        repeated string tags = 22;
    }
"#;

const LEGACY: &str = r#"
    syntax = "proto2";
    package legacy;
    message Record {
        required int32 id = 1;
        optional int32 count = 2 [default = 7];
        repeated int32 codes = 3;
        optional group Part = 4 { optional string name = 1; }
        repeated group Piece = 5 { optional float size = 1; }
        extensions 100 to 199;
    }
    extend Record {
        optional float weight = 100;
        repeated int32 marks = 101;
    }
"#;

fn message_type(name: &str) -> MessageDescriptor {
    let folder = tempfile::tempdir().expect("cannot create a folder");
    let mut compiler = protox::Compiler::new([folder.path()]).expect("there is no folder");
    for (file, text) in [("shop.proto", SHOP), ("legacy.proto", LEGACY)] {
        let path = folder.path().join(file);
        std::fs::write(&path, text).expect("cannot write a file");
        compiler.open_file(path).expect("it does not compile");
    }
    let pool: DescriptorPool = compiler.descriptor_pool();
    pool.get_message_by_name(name).expect("there is no such message")
}

fn tag(number: u32, wire_type: WireType) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_key(number, wire_type, &mut bytes);
    bytes
}

/// A field with a varint.
fn varint(number: u32, value: u64) -> Vec<u8> {
    let mut bytes = tag(number, WireType::Varint);
    encode_varint(value, &mut bytes);
    bytes
}

/// A length-delimited field.
fn part(number: u32, content: impl AsRef<[u8]>) -> Vec<u8> {
    let mut bytes = tag(number, WireType::LengthDelimited);
    encode_varint(content.as_ref().len() as u64, &mut bytes);
    bytes.extend(content.as_ref());
    bytes
}

/// A float32 with these bits.
fn float(number: u32, bits: u32) -> Vec<u8> {
    [tag(number, WireType::ThirtyTwoBit), bits.to_le_bytes().to_vec()].concat()
}

/// A float64 with these bits.
fn double(number: u32, bits: u64) -> Vec<u8> {
    [tag(number, WireType::SixtyFourBit), bits.to_le_bytes().to_vec()].concat()
}

fn group(number: u32, content: &[u8]) -> Vec<u8> {
    [&tag(number, WireType::StartGroup), content, &tag(number, WireType::EndGroup)].concat()
}

fn any(type_url: &str, content: &[u8]) -> Vec<u8> {
    part(13, [part(1, type_url), part(2, content)].concat())
}

const NOTE_URL: &str = "type.googleapis.com/shop.Note";

/// The comparison of two messages as text.
fn compared_as(of: &str, reference: &[u8], candidate: &[u8]) -> String {
    match compare(&message_type(of), reference, candidate) {
        MessageComparison::Same => "same".to_owned(),
        MessageComparison::SameValue(differences) => {
            assert!(!differences.is_empty(), "different bytes differ in some way");
            let shown = |EncodingDifference { encoding, path }: &EncodingDifference| {
                format!("{encoding} at {path}")
            };
            format!("same value: {}", differences.iter().map(shown).collect::<Vec<_>>().join("; "))
        }
        MessageComparison::Different(Differences { listed, omitted }) => {
            assert!(!listed.is_empty(), "different messages differ in some field");
            let shown = |FieldDifference { path, kind, reference, candidate }: &FieldDifference| {
                format!("{kind} at {path}: {reference} / {candidate}")
            };
            let mut text = listed.iter().map(shown).collect::<Vec<_>>().join("; ");
            if omitted > 0 {
                let _ = write!(text, "; and {omitted}");
            }
            text
        }
        MessageComparison::Undecodable { reference, candidate } => {
            let [reference, candidate] = [reference, candidate].map(|error| {
                error.map_or("decoded".to_owned(), |error| {
                    error.replace("failed to decode Protobuf message: ", "")
                })
            });
            format!("undecodable: {reference} / {candidate}")
        }
    }
}

/// The comparison of two orders.
fn compared(reference: &[Vec<u8>], candidate: &[Vec<u8>]) -> String {
    compared_as("shop.Order", &reference.concat(), &candidate.concat())
}

/// The comparison of the same field in two orders.
fn differ(reference: Vec<u8>, candidate: Vec<u8>) -> String {
    compared(&[reference], &[candidate])
}

mod verdicts {
    use super::*;

    #[test]
    fn equal_bytes_are_the_same_even_if_they_cannot_be_decoded() {
        assert_eq!(differ(varint(1, 2), varint(1, 2)), "same");
        assert_eq!(differ(vec![0x0f], vec![0x0f]), "same");
    }

    #[test]
    fn a_message_that_cannot_be_decoded_is_never_equal() {
        assert_eq!(
            differ(part(14, [0xff]), part(14, "a")),
            "undecodable: invalid string value: data is not UTF-8 encoded / decoded"
        );
        assert_eq!(
            differ(Vec::new(), part(14, [0xff])),
            "undecodable: decoded / invalid string value: data is not UTF-8 encoded"
        );
        let both = differ(vec![0x08], vec![0x0f]);
        assert!(both.starts_with("undecodable: ") && !both.contains("decoded /"), "{both}");
        assert!(!both.ends_with("/ decoded"), "{both}");
    }
}

mod proto2 {
    use super::*;

    fn differ(reference: &[Vec<u8>], candidate: &[Vec<u8>]) -> String {
        compared_as("legacy.Record", &reference.concat(), &candidate.concat())
    }

    #[test]
    fn a_default_is_not_an_absent_field() {
        assert_eq!(differ(&[varint(2, 7)], &[]), "presence at count: 7 / (absent)");
        assert_eq!(differ(&[varint(1, 0)], &[]), "presence at id: 0 / (absent)");
    }

    #[test]
    fn groups_are_messages() {
        assert_eq!(
            differ(&[group(4, &part(1, "a"))], &[group(4, &part(1, "b"))]),
            r#"value at part.name: "a" / "b""#
        );
        assert_eq!(
            differ(
                &[group(5, &[]), group(5, &float(1, 0x8000_0000))],
                &[group(5, &[]), group(5, &float(1, 0))]
            ),
            "sign-of-zero at piece[1].size: -0.0 (0x80000000) / 0.0 (0x00000000)"
        );
        assert_eq!(
            differ(&[group(4, &[0x0a, 1, b'a'])], &[group(4, &[0x8a, 0, 1, b'a'])]),
            "same value: varint-length at part.name"
        );
    }

    #[test]
    fn repeated_numbers_may_be_packed() {
        assert_eq!(
            differ(&[varint(3, 1), varint(3, 2)], &[part(3, [1, 2])]),
            "same value: packing at codes"
        );
    }

    #[test]
    fn extensions_are_fields() {
        assert_eq!(
            differ(&[float(100, 0x8000_0000)], &[float(100, 0)]),
            "sign-of-zero at [legacy.weight]: -0.0 (0x80000000) / 0.0 (0x00000000)"
        );
        assert_eq!(differ(&[float(100, 0)], &[]), "presence at [legacy.weight]: 0.0 / (absent)");
        assert_eq!(
            differ(&[varint(101, 1), varint(101, 2)], &[varint(101, 1)]),
            "length at [legacy.marks]: 2 elements, [1]: 2 / 1 element"
        );
        assert_eq!(
            differ(&[varint(101, 1), varint(101, 2)], &[part(101, [1, 2])]),
            "same value: packing at [legacy.marks]"
        );
    }
}

mod depth {
    use super::*;

    /// An order with this number of parents.
    fn nested(depth: usize, content: Vec<u8>) -> Vec<u8> {
        (0..depth).fold(content, |content, _| part(17, content))
    }

    #[test]
    fn deep_messages_are_compared() {
        let compare = || {
            let text = differ(nested(100, varint(1, 1)), nested(100, varint(1, 2)));
            let path = "parent.".repeat(100);
            assert_eq!(text, format!("value at {path}id: 1 / 2"));
            let text = differ(nested(100, varint(1, 0)), nested(100, Vec::new()));
            assert_eq!(text, format!("same value: written-defaults at {path}id"));
            let text = differ(nested(100, varint(1, 1)), Vec::new());
            assert!(text.contains("\u{2026} (checksum "), "{text}");
        };
        // A smaller stack than that of any thread of the tool.
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(compare);
        thread.expect("cannot start a thread").join().expect("it failed");
    }

    #[test]
    fn a_message_that_is_too_deep_for_the_decoder_is_not_equal() {
        let [one, other] = [varint(1, 0), Vec::new()].map(|content| nested(101, content));
        let text = differ(one, other);
        assert_eq!(text, "undecodable: recursion limit reached / recursion limit reached");
    }
}

mod random {
    use super::*;

    /// Some fields of an order, each of which can be decoded.
    pub(super) fn fields(random: &mut fastrand::Rng, depth: usize) -> Vec<Vec<u8>> {
        let bits = [0, 0x8000_0000, 0x7fc0_0000, 0x7fc0_0001, 0x3f80_0000];
        let count = random.usize(0..6);
        let mut field = |_| {
            let number = random.u64(0..3);
            let bits = random.choice(bits).unwrap_or_default();
            let nested = |random: &mut fastrand::Rng| match depth {
                0 => Vec::new(),
                _ => fields(random, depth - 1).concat(),
            };
            match random.u8(0..17) {
                0 => varint(1, number),
                1 => float(2, bits),
                2 => double(3, u64::from(bits) << 32),
                3 => varint(4, number),
                4 => varint(5, number),
                5 => part(6, [part(1, "a"), float(2, bits)].concat()),
                6 => part(7, float(2, bits)),
                7 => part(8, [1, 2]),
                8 => varint(8, number),
                9 => part(9, [part(1, number.to_string()), float(2, bits)].concat()),
                10 => part(10, [varint(1, number), part(2, float(2, bits))].concat()),
                11 => part(11, ""),
                12 => varint(12, number),
                13 => any("a/shop.Order", &nested(random)),
                14 => vec![0x80, 1, u8::from(number > 0)],
                15 => part(17, nested(random)),
                _ => varint(99, number),
            }
        };
        (0..count).map(&mut field).collect()
    }

    #[test]
    fn every_comparison_is_explained_and_symmetric() {
        let of = message_type("shop.Order");
        let mut random = fastrand::Rng::with_seed(1);
        let mut counts = [0; 3];
        for _ in 0..20_000 {
            let mut candidate = fields(&mut random, 2);
            let reference = candidate.concat();
            match random.u8(0..4) {
                0 => random.shuffle(&mut candidate),
                1 => candidate.extend(fields(&mut random, 1)),
                2 => drop(candidate.pop()),
                _ => candidate = fields(&mut random, 2),
            }
            let candidate = candidate.concat();
            let comparison = compare(&of, &reference, &candidate);
            let reversed = compare(&of, &candidate, &reference);
            match (comparison, reversed) {
                (MessageComparison::Same, MessageComparison::Same) => counts[0] += 1,
                (MessageComparison::SameValue(found), MessageComparison::SameValue(reversed)) => {
                    let ways = |found: Vec<EncodingDifference>| {
                        let ways = found.into_iter().map(|found| found.encoding);
                        ways.collect::<std::collections::BTreeSet<_>>()
                    };
                    let found = ways(found);
                    assert!(!found.is_empty(), "{reference:x?} / {candidate:x?}");
                    assert!(
                        !found.contains(&encoding::Encoding::Other),
                        "{reference:x?} / {candidate:x?}"
                    );
                    assert_eq!(found, ways(reversed), "{reference:x?} / {candidate:x?}");
                    counts[1] += 1;
                }
                (MessageComparison::Different(found), MessageComparison::Different(reversed)) => {
                    let places = |found: &Differences| {
                        found.listed.iter().map(|found| found.path.clone()).collect::<Vec<_>>()
                    };
                    assert_eq!(
                        places(&found),
                        places(&reversed),
                        "{reference:x?} / {candidate:x?}"
                    );
                    for FieldDifference { path, reference, candidate, .. } in found.listed {
                        assert_ne!(path, FieldPath::default());
                        assert_ne!(reference, candidate, "{path}");
                    }
                    counts[2] += 1;
                }
                (one, other) => panic!("{one:?} / {other:?}: {reference:x?} / {candidate:x?}"),
            }
        }
        assert!(counts.iter().all(|count| *count > 500), "{counts:?}");
    }
}
