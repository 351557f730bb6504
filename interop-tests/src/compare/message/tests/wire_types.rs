//! Fields with another wire type than declared, and unknown fields of map entries.

use super::*;
use crate::compare::message::{canonical, decode, rewrite};

fn legacy(reference: &[Vec<u8>], candidate: &[Vec<u8>]) -> String {
    compared_as("legacy.Record", &reference.concat(), &candidate.concat())
}

/// Whether messages of the type `of` with these fields are rewritten.
fn is_rewritten(of: &str, fields: &[u8]) -> bool {
    rewrite::rewritten(&message_type(of), fields).expect("it is well-formed").is_some()
}

mod fields {
    use super::*;

    #[test]
    fn a_field_with_another_wire_type_is_an_unknown_field() {
        assert_eq!(
            differ(varint(14, 5), Vec::new()),
            "missing-unknown-field at (field 14 with another wire type): varint 5 / (absent)"
        );
        assert_eq!(
            differ(Vec::new(), double(2, 1)),
            "additional-unknown-field at (field 2 with another wire type): (absent) / fixed 0x0000000000000001"
        );
        assert_eq!(
            differ(float(3, 1), float(3, 2)),
            "changed-unknown-field at (field 3 with another wire type): fixed 0x00000001 / fixed 0x00000002"
        );
        assert_eq!(
            differ(group(1, &varint(1, 2)), varint(1, 2)),
            "value at id: 0 / 2; \
             missing-unknown-field at (field 1 with another wire type): group h'0802' / (absent)"
        );
    }

    #[test]
    fn every_type_refuses_the_other_wire_types() {
        let all = |number| {
            [
                ("varint", varint(number, 1)),
                ("fixed32", float(number, 1)),
                ("fixed64", double(number, 1)),
                ("length-delimited", part(number, [])),
                ("group", group(number, &[])),
            ]
        };
        let accepted = |of: &str, number| {
            let is_accepted = |field: &Vec<u8>| !is_rewritten(of, field);
            let accepted = all(number).into_iter().filter(|(_, field)| is_accepted(field));
            accepted.map(|(name, _)| name).collect::<Vec<_>>().join(" ")
        };
        for number in [1, 4, 5, 12, 16] {
            assert_eq!(accepted("shop.Order", number), "varint", "{number}");
        }
        assert_eq!(accepted("shop.Order", 2), "fixed32");
        assert_eq!(accepted("shop.Order", 3), "fixed64");
        for number in [6, 7, 9, 10, 11, 13, 14, 15, 19, 22] {
            assert_eq!(accepted("shop.Order", number), "length-delimited", "{number}");
        }
        assert_eq!(accepted("shop.Order", 8), "varint length-delimited");
        assert_eq!(accepted("shop.Order", 18), "fixed64 length-delimited");
        assert_eq!(accepted("shop.Order", 99), "varint fixed32 fixed64 length-delimited group");
        for number in [4, 5] {
            assert_eq!(accepted("legacy.Record", number), "group", "{number}");
        }
        // Not declared as packed.
        for number in [3, 101] {
            assert_eq!(accepted("legacy.Record", number), "varint length-delimited", "{number}");
        }
        assert_eq!(accepted("legacy.Record", 100), "fixed32");
    }

    #[test]
    fn it_does_not_replace_the_value_or_the_branch() {
        let [id, wrong] = [|| varint(1, 2), || part(1, "a")];
        assert_eq!(
            compared(&[id(), wrong()], &[id()]),
            "missing-unknown-field at (field 1 with another wire type): h'61' / (absent)"
        );
        assert_eq!(compared(&[id(), wrong()], &[wrong(), id()]), "same value: field-order at ");
        assert_eq!(
            compared(&[part(11, "a"), part(12, "b")], &[part(11, "a")]),
            "missing-unknown-field at (field 12 with another wire type): h'62' / (absent)"
        );
    }

    #[test]
    fn a_packed_field_keeps_its_other_elements() {
        assert_eq!(
            compared(&[part(8, [1, 2]), float(8, 7), varint(8, 3)], &[part(8, [1, 2, 3])]),
            "missing-unknown-field at (field 8 with another wire type): fixed 0x00000007 / (absent)"
        );
        assert_eq!(
            compared(&[part(8, [1, 2]), float(8, 7)], &[varint(8, 1), varint(8, 2), float(8, 7)]),
            "same value: packing at codes"
        );
    }

    #[test]
    fn the_order_matters_within_a_number() {
        let [one, other] = [|| varint(14, 1), || varint(14, 2)];
        assert_eq!(
            compared(&[one(), other()], &[other(), one()]),
            "changed-unknown-field at (field 14 with another wire type): varint 1, varint 2 / varint 2, varint 1"
        );
        assert_eq!(
            compared(&[one(), varint(15, 1)], &[varint(15, 1), one()]),
            "same value: field-order at "
        );
    }

    #[test]
    fn nested_messages_are_rewritten() {
        assert_eq!(
            differ(part(17, part(17, varint(14, 1))), part(17, part(17, []))),
            "missing-unknown-field at parent.parent.(field 14 with another wire type): varint 1 / (absent)"
        );
        assert_eq!(
            differ(part(7, varint(1, 1)), part(7, varint(1, 2))),
            "changed-unknown-field at items[0].(field 1 with another wire type): varint 1 / varint 2"
        );
        assert_eq!(
            legacy(&[group(4, &varint(1, 1))], &[group(4, &[])]),
            "missing-unknown-field at part.(field 1 with another wire type): varint 1 / (absent)"
        );
        assert_eq!(
            legacy(&[group(5, &[]), group(5, &varint(1, 1))], &[group(5, &[]), group(5, &[])]),
            "missing-unknown-field at piece[1].(field 1 with another wire type): varint 1 / (absent)"
        );
        assert_eq!(
            legacy(&[part(4, "a")], &[]),
            "missing-unknown-field at (field 4 with another wire type): h'61' / (absent)"
        );
        let content = |content| any(NOTE_URL, content);
        assert_eq!(
            differ(content(&varint(1, 1)), content(&[])),
            "missing-unknown-field at detail[shop.Note].(field 1 with another wire type): varint 1 / (absent)"
        );
        assert_eq!(
            differ(part(13, varint(1, 1)), part(13, [])),
            "missing-unknown-field at detail.(field 1 with another wire type): varint 1 / (absent)"
        );
    }

    #[test]
    fn it_is_shown_in_its_message() {
        assert_eq!(
            differ(part(6, [part(1, "a"), varint(1, 5), varint(9, 6)].concat()), Vec::new()),
            r#"presence at note: {text: "a", (unknown field 9): varint 6, (field 1 with another wire type): varint 5} / (absent)"#
        );
        let entry = [part(1, "k"), varint(7, 8)].concat();
        assert_eq!(
            differ(part(6, part(3, entry)), Vec::new()),
            r#"presence at note: {counts: {"k": 0}, counts["k"].(unknown field 7): varint 8} / (absent)"#
        );
    }

    #[test]
    fn encodings_are_still_compared() {
        let [wrong, id] = [|| varint(14, 1), || varint(1, 0)];
        assert_eq!(compared(&[wrong(), id()], &[wrong()]), "same value: written-defaults at id");
        assert_eq!(
            differ(wrong(), [tag(14, WireType::Varint), vec![0x81, 0]].concat()),
            "same value: varint-length at (field 14 with another wire type)"
        );
        let detail = |content: &[Vec<u8>]| part(13, content.concat());
        assert_eq!(
            differ(
                detail(&[part(1, NOTE_URL), varint(1, 1), part(2, part(1, ""))]),
                detail(&[part(1, NOTE_URL), varint(1, 1)])
            ),
            "same value: written-defaults at detail[shop.Note].text"
        );
        assert_eq!(
            compared(
                &[part(9, [part(1, "a"), varint(1, 1)].concat()), part(9, part(1, "b"))],
                &[part(9, part(1, "b")), part(9, [part(1, "a"), varint(1, 1)].concat())]
            ),
            "same value: map-order at labels"
        );
    }

    #[test]
    fn an_unknown_field_with_a_reserved_number_is_not_misread() {
        for number in [19_000, 19_001] {
            let missing =
                format!("missing-unknown-field at (unknown field {number}): h'0801' / (absent)");
            assert_eq!(differ(part(number, varint(1, 1)), Vec::new()), missing);
            // This would be the rewritten form of the field 1 with another wire type, and of a map entry.
            let text = differ(part(number, part(1, "a")), part(1, ""));
            assert!(text.contains(&format!("(unknown field {number}): h'0a0161'")), "{text}");
            let text = differ(part(number, [&[9][..], &varint(7, 1)].concat()), Vec::new());
            assert!(text.contains(&format!("(unknown field {number}): h'093801'")), "{text}");
        }
    }
}

mod entries {
    use super::*;

    fn label(key: &str, others: &[u8]) -> Vec<u8> {
        part(9, [&part(1, key)[..], &float(2, 0x3f80_0000), others].concat())
    }

    #[test]
    fn unknown_fields_of_an_entry_are_compared() {
        let other = |value| label("a", &varint(7, value));
        assert_eq!(
            differ(other(1), label("a", &[])),
            r#"missing-unknown-field at labels["a"].(unknown field 7): varint 1 / (absent)"#
        );
        assert_eq!(
            differ(other(1), other(2)),
            r#"changed-unknown-field at labels["a"].(unknown field 7): varint 1 / varint 2"#
        );
        assert_eq!(
            differ(part(17, label("a", &[])), part(17, other(1))),
            r#"additional-unknown-field at parent.labels["a"].(unknown field 7): (absent) / varint 1"#
        );
        assert_eq!(
            differ(other(1), label("a", &[0xb8, 0, 1])),
            r#"same value: varint-length at labels["a"].(unknown field 7)"#
        );
    }

    #[test]
    fn they_have_one_pattern() {
        let of = message_type("shop.Order");
        let labels = |others: &[u8]| [label("a", others), label("b", others)].concat();
        let comparison = compare(&of, &labels(&varint(7, 1)), &labels(&[]));
        let MessageComparison::Different(found) = comparison else { panic!("they differ") };
        let patterns: Vec<_> = found.listed.iter().map(|it| it.path.pattern()).collect();
        assert_eq!(patterns, ["labels[].(unknown field 7)"; 2]);
    }

    #[test]
    fn a_key_or_a_value_may_have_another_wire_type() {
        let wrong = |bytes: &[u8]| part(9, [&part(1, "a")[..], bytes].concat());
        assert_eq!(
            differ(wrong(&part(2, "b")), wrong(&[])),
            r#"missing-unknown-field at labels["a"].(field 2 with another wire type): h'62' / (absent)"#
        );
        assert_eq!(
            differ(part(9, varint(1, 5)), part(9, varint(1, 6))),
            r#"changed-unknown-field at labels[""].(field 1 with another wire type): varint 5 / varint 6"#
        );
        let note = |content: &[u8]| part(10, [varint(1, 5), part(2, content)].concat());
        assert_eq!(
            differ(note(&varint(1, 1)), note(&[])),
            "missing-unknown-field at notes[5].(field 1 with another wire type): varint 1 / (absent)"
        );
    }

    #[test]
    fn a_map_may_have_another_wire_type() {
        assert_eq!(
            differ(part(9, Vec::new()), varint(9, 0)),
            r#"missing-map-entry at labels[""]: 0.0 / (absent); additional-unknown-field at (field 9 with another wire type): (absent) / varint 0"#
        );
        assert_eq!(
            differ(part(17, group(9, &part(1, "a"))), part(17, [])),
            "missing-unknown-field at parent.(field 9 with another wire type): group h'0a0161' / (absent)"
        );
    }

    #[test]
    fn a_missing_entry_is_one_difference() {
        assert_eq!(
            differ(label("a", &varint(7, 1)), Vec::new()),
            r#"missing-map-entry at labels["a"]: 1.0 / (absent)"#
        );
    }

    #[test]
    fn the_last_entry_with_a_key_counts() {
        let [with, without] = [|| label("a", &varint(7, 1)), || label("a", &[])];
        assert_eq!(
            compared(&[with(), without()], &[without()]),
            "same value: duplicates at labels"
        );
        assert_eq!(
            compared(&[without(), with()], &[without()]),
            r#"missing-unknown-field at labels["a"].(unknown field 7): varint 1 / (absent)"#
        );
        // Also if the entries are in two parts of a message.
        assert_eq!(
            compared(&[part(17, with()), part(17, without())], &[part(17, without())]),
            "same value: duplicates at parent"
        );
    }

    #[test]
    fn the_order_of_entries_does_not_matter() {
        let labels: Vec<_> =
            (0..20).map(|index| label(&index.to_string(), &varint(7, index))).collect();
        let reversed: Vec<_> = labels.iter().rev().cloned().collect();
        assert_eq!(compared(&labels, &reversed), "same value: map-order at labels");
    }
}

mod undecodable {
    use super::*;

    /// An order with this number of parents.
    fn nested(depth: usize, content: Vec<u8>) -> Vec<u8> {
        (0..depth).fold(content, |content, _| part(17, content))
    }

    /// This number of groups in each other.
    fn groups(number: u32, depth: usize) -> Vec<u8> {
        (0..depth).fold(Vec::new(), |content, _| group(number, &content))
    }

    #[test]
    fn other_faults_are_not_hidden() {
        let faults = [
            vec![0x08],
            vec![0x0a, 5],
            vec![0x0f],
            vec![0x0c],
            vec![0x00, 1],
            vec![0x0b],
            part(14, [0xff]),
            part(8, [0x80]),
            part(18, [1, 2, 3]),
            part(17, [0x08]),
            part(9, [0x0a]),
            part(9, part(1, [0xff])),
        ];
        for fault in faults {
            for wrong in [Vec::new(), varint(14, 1), label_with_unknown()] {
                let text = differ([&wrong[..], &fault].concat(), wrong);
                assert!(text.starts_with("undecodable: "), "{fault:x?}: {text}");
                assert!(text.ends_with(" / decoded"), "{fault:x?}: {text}");
            }
        }
    }

    fn label_with_unknown() -> Vec<u8> {
        part(9, [part(1, "a"), varint(7, 1)].concat())
    }

    #[test]
    fn the_depth_is_limited() {
        let check = || {
            for (depth, wrong) in [
                (100, varint(14, 1)),
                (0, groups(14, 100)),
                (60, groups(14, 40)),
                (100, label_with_unknown()),
                (99, part(9, [part(1, "a"), group(7, &[])].concat())),
            ] {
                let text = differ(nested(depth, wrong), nested(depth, Vec::new()));
                assert!(!text.starts_with("undecodable"), "{depth}: {text}");
                assert!(!text.starts_with("same"), "{depth}: {text}");
            }
            for (depth, wrong) in [
                (101, varint(14, 1)),
                (100_000, varint(14, 1)),
                (0, groups(14, 101)),
                (60, groups(14, 41)),
                (101, label_with_unknown()),
                (100, part(9, [part(1, "a"), group(7, &[])].concat())),
                (0, vec![0x73; 100_000]),
            ] {
                let text = differ(nested(depth, wrong), Vec::new());
                assert_eq!(text, "undecodable: recursion limit reached / decoded", "{depth}");
            }
        };
        // A smaller stack than that of any thread of the tool.
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(check);
        thread.expect("cannot start a thread").join().expect("it failed");
    }
}

mod random {
    use super::*;

    /// Some fields of a record, most of which can be decoded.
    fn record(random: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..random.usize(1..6) {
            let value = random.u64(0..4);
            bytes.extend(match random.u8(0..24) {
                0 => varint(4, value),
                1 => float(3, 1),
                2 => part(1, "a"),
                3 => varint(1, value),
                4..8 => varint(3, value),
                8..11 => part(3, [1, 2]),
                11..14 => group(4, &part(1, "a")),
                14..16 => group(5, &float(1, 1)),
                16..19 => float(100, 1),
                19..21 => part(101, [1, 0x80, 1]),
                _ => varint(50, value),
            });
        }
        for _ in 0..random.usize(0..3) {
            if let Some(byte) = random.choice(&mut bytes) {
                *byte = random.u8(..);
            }
        }
        bytes
    }

    /// A record has no maps, whose unknown fields the decoder drops, and whose wire type it does not check.
    #[test]
    fn a_message_is_rewritten_exactly_if_the_decoder_refuses_a_wire_type() {
        let of = message_type("legacy.Record");
        let mut random = fastrand::Rng::with_seed(2);
        let mut counts = [0; 3];
        for _ in 0..50_000 {
            let bytes = record(&mut random);
            let strict = prost_reflect::DynamicMessage::decode(of.clone(), &bytes[..]);
            let rewritten = rewrite::rewritten(&of, &bytes);
            let decoded = decode::decode(&of, &bytes);
            match strict {
                Ok(_) => {
                    assert_eq!(rewritten, Ok(None), "{bytes:x?}");
                    decoded.expect("the decoder accepts it");
                    counts[0] += 1;
                }
                Err(error) if error.to_string().contains("invalid wire type:") => {
                    assert_ne!(rewritten, Ok(None), "{bytes:x?}: {error}");
                    counts[1] += usize::from(decoded.is_ok());
                }
                Err(error) => {
                    // Another fault, perhaps after a field with another wire type.
                    assert!(decoded.is_err(), "{bytes:x?}: {error}");
                    counts[2] += 1;
                }
            }
        }
        assert!(counts.iter().all(|count| *count > 2_000), "{counts:?}");
    }

    #[test]
    fn rewriting_does_not_change_other_fields() {
        let of = message_type("shop.Order");
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..5_000 {
            let fields = super::super::random::fields(&mut random, 2).concat();
            assert_eq!(rewrite::rewritten(&of, &fields), Ok(None), "{fields:x?}");
            let strict = prost_reflect::DynamicMessage::decode(of.clone(), &fields[..]);
            let strict = canonical::of_message(&strict.expect("it can be decoded"), 0);
            assert_eq!(
                canonical::of_message(&decode::decode(&of, &fields).expect("it can be decoded"), 0),
                strict
            );
            // An additional entry with an unknown field, so that everything is rewritten.
            let entry = |others: &[u8]| part(21, [&varint(1, 1)[..], others].concat());
            let with = |others: &[u8]| [&fields[..], &entry(others)].concat();
            let rewritten = rewrite::rewritten(&of, &with(&varint(7, 1)));
            let rewritten = rewritten.expect("it is well-formed").expect("an entry has more");
            let mut decoded =
                prost_reflect::DynamicMessage::decode(of.clone(), &rewritten[..]).expect("valid");
            drop_rewritten(&mut decoded);
            let expected = decode::decode(&of, &with(&[])).expect("it can be decoded");
            assert_eq!(
                canonical::of_message(&decoded, 0),
                canonical::of_message(&expected, 0),
                "{fields:x?}"
            );
        }
    }

    /// Removes what the rewriting added, except in the content of an Any, which it leaves alone.
    fn drop_rewritten(message: &mut prost_reflect::DynamicMessage) {
        let others: Vec<_> = message.take_unknown_fields().collect();
        let mut kept = Vec::new();
        for field in others.iter().filter(|field| field.number() < 19_000) {
            field.encode(&mut kept);
        }
        for (_, value) in message.fields_mut() {
            drop_in(value);
        }
        prost::Message::merge(message, &kept[..]).expect("they are unknown fields");
    }

    fn drop_in(value: &mut prost_reflect::Value) {
        use prost_reflect::Value;
        match value {
            Value::Message(message) => drop_rewritten(message),
            Value::List(values) => values.iter_mut().for_each(drop_in),
            Value::Map(entries) => entries.values_mut().for_each(drop_in),
            _ => {}
        }
    }
}

/// Rewriting relies on this.
#[test]
fn no_field_or_extension_can_have_a_reserved_number() {
    let compiles = |number: u32| {
        let field = format!("syntax = 'proto3'; message Odd {{ bytes odd = {number}; }}");
        let extension = format!(
            "syntax = 'proto2'; message Odd {{ extensions 10 to max; }} \
             extend Odd {{ optional bytes odd = {number}; }}"
        );
        [field, extension].map(|text| {
            let folder = tempfile::tempdir().expect("cannot create a folder");
            let file = folder.path().join("odd.proto");
            std::fs::write(&file, text).expect("cannot write a file");
            let mut compiler = protox::Compiler::new([folder.path()]).expect("it is a folder");
            compiler.open_file(file).is_ok()
        })
    };
    assert_eq!(compiles(18_999), [true; 2]);
    assert_eq!([19_000, 19_001].map(compiles), [[false; 2]; 2]);
}
