//! Messages that are not valid protobuf.
//!
//! Parsers agree on most of them, but not on a wrong wire type, which some treat as an unknown field, and not on the
//! limits of tags.

use std::collections::HashSet;
use std::sync::Arc;

use prost::encoding::WireType;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::compare::case::{Case, CaseGroup};
use crate::compare::generated::paths::Path;
use crate::compare::generated::sample::{self, Branch, Sample};
use crate::compare::generated::unknown::unused;
use crate::compare::generated::variation::Variation;
use crate::compare::generated::wire::{self, LAST_NUMBER, delimited, tag, tagged};

/// A message that no parser reads, of any type: a truncated tag.
pub(super) const MESSAGE: &[u8] = &[0xff, 0xff];

/// Strings that are not valid UTF-8.
const NOT_UTF_8: [(&str, &[u8]); 6] = [
    ("invalid-utf-8", b"a\xff"),
    ("utf-8-continuation", b"a\x80"),
    ("utf-8-truncated", b"a\xe2\x82"),
    ("utf-8-overlong", b"a\xc0\x80"),
    ("utf-8-surrogate", b"a\xed\xa0\x80"),
    ("utf-8-above-maximum", b"a\xf4\x90\x80\x80"),
];

/// Malformed requests, in general and for each field.
pub(super) fn group(name: String, of: &MessageDescriptor, paths: Arc<[Path]>) -> CaseGroup {
    let of = of.clone();
    CaseGroup::new(name, move || {
        let general = general(&of).into_iter().map(|variation| Case {
            name: variation.name.to_string(),
            messages: vec![variation.bytes().into()],
            ..Case::default()
        });
        let paths = Arc::clone(&paths);
        let mut kinds = HashSet::new();
        let fields =
            (0..paths.len()).filter_map(move |at| paths.get(at).cloned()).flat_map(move |path| {
                let field = &path.field;
                // The first field of each type has all cases, the others only one of each.
                let is_first = kinds.insert((format!("{:?}", field.kind()), field.is_list()));
                let variations = of_field(field, is_first).into_iter();
                variations.map(move |variation| Case {
                    name: sample::joined(&path.name(), &variation.name),
                    messages: vec![path.request(&variation.bytes()).into()],
                    fields: vec![path.name()],
                    ..Case::default()
                })
            });
        general.chain(fields)
    })
}

/// Malformed messages of a type, which do not depend on its fields.
fn general(of: &MessageDescriptor) -> Vec<Variation> {
    let number = unused(of);
    let of = of.clone();
    let [varint, fixed32, fixed64, length, start, end] = [
        WireType::Varint,
        WireType::ThirtyTwoBit,
        WireType::SixtyFourBit,
        WireType::LengthDelimited,
        WireType::StartGroup,
        WireType::EndGroup,
    ]
    .map(|wire_type| tag(number, wire_type));
    let raw_tag = |value: u64| [wire::varint(value), vec![0]].concat();
    let after = |tag: &[u8], bytes: &[u8]| [tag, bytes].concat();
    let other = if number == LAST_NUMBER { 1 } else { number + 1 };
    let too_large = [&[0xff; 9][..], &[2]].concat();
    let key = u64::from(number) << 3;
    vec![
        Variation::new("truncated-tag", MESSAGE),
        Variation::new("truncated-varint", after(&varint, &[0x80])),
        Variation::new("truncated-fixed32", after(&fixed32, &[1, 2, 3])),
        Variation::new("truncated-fixed64", after(&fixed64, &[1, 2, 3, 4, 5, 6, 7])),
        Variation::new("truncated-length", after(&length, &[0x80])),
        Variation::new("length-beyond-end", after(&length, &[2, 0])),
        Variation::new("length-2-to-31", after(&length, &wire::varint(1 << 31))),
        Variation::new("length-maximum", after(&length, &wire::varint(u64::MAX))),
        Variation::new("varint-above-64-bits", after(&varint, &too_large)),
        Variation::new("varint-of-11-bytes", after(&varint, &wire::overlong_varint(1, 11))),
        Variation::new("field-number-0", raw_tag(0)),
        Variation::new("field-number-0-delimited", raw_tag(2)),
        Variation::new("wire-type-6", raw_tag(key | 6)),
        Variation::new("wire-type-7", raw_tag(key | 7)),
        Variation::new("tag-above-32-bits", raw_tag((1 << 32) | key)),
        Variation::new("overlong-tag", after(&wire::overlong_varint(key, 6), &[0])),
        Variation::new("group-end", end.clone()),
        Variation::new("group-without-end", start.clone()),
        Variation::new("group-with-other-end", after(&start, &tag(other, WireType::EndGroup))),
        Variation::new("group-with-malformed-content", [&start, MESSAGE, &end].concat()),
        Variation::lazy("after-known-fields", move || {
            [&Sample::new(&of, Branch::First).bytes(), MESSAGE].concat()
        }),
    ]
}

/// Malformed contents of the message with `field`.
fn of_field(field: &FieldDescriptor, is_first: bool) -> Vec<Variation> {
    let number = field.number();
    let kind = field.kind();
    let mut whole = wire::field(field, &sample::value(field, 0));
    whole.pop();
    let mut variations = vec![Variation::new("truncated", whole)];
    let is_packable = field.is_list() && wire::is_packable(&kind);
    let most = if is_first { usize::MAX } else { 1 };
    variations.extend(wrong_wire_types(field, is_packable).into_iter().take(most));
    match &kind {
        Kind::String => {
            let texts = NOT_UTF_8.iter().take(most);
            variations
                .extend(texts.map(|(name, text)| Variation::new(*name, delimited(number, text))));
        }
        Kind::Message(_) => {
            variations.push(Variation::new("malformed-content", wire::field(field, MESSAGE)));
        }
        _ if is_packable => {
            let partial =
                if kind.wire_type() == WireType::Varint { [0x80].as_slice() } else { &[0, 0, 0] };
            variations.push(Variation::new("packed-partial-element", delimited(number, partial)));
        }
        Kind::Bytes | Kind::Enum(_) | Kind::Bool => {}
        kind if kind.wire_type() == WireType::Varint && is_first => {
            let too_large = [&[0xff; 9][..], &[2]].concat();
            let too_large = tagged(number, WireType::Varint, &too_large);
            variations.push(Variation::new("varint-above-64-bits", too_large));
        }
        _ => {}
    }
    variations
}

/// The field with each wire type that is not its own.
fn wrong_wire_types(field: &FieldDescriptor, is_packable: bool) -> Vec<Variation> {
    let number = field.number();
    let own = if field.is_group() { WireType::StartGroup } else { field.kind().wire_type() };
    let all = [
        (WireType::Varint, "as-varint", vec![1]),
        (WireType::SixtyFourBit, "as-fixed64", 1_u64.to_le_bytes().to_vec()),
        (WireType::LengthDelimited, "as-length-delimited", vec![1]),
        (WireType::StartGroup, "as-group", Vec::new()),
        (WireType::ThirtyTwoBit, "as-fixed32", 1_u32.to_le_bytes().to_vec()),
    ];
    let wrong = all.into_iter().filter(|(wire_type, ..)| {
        *wire_type != own && !(is_packable && *wire_type == WireType::LengthDelimited)
    });
    let variations = wrong.map(|(wire_type, name, value)| {
        let bytes = match wire_type {
            WireType::StartGroup => wire::group(number, &value),
            _ => tagged(number, wire_type, &value),
        };
        Variation::new(name, bytes)
    });
    variations.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::DynamicMessage;

    use super::*;
    use crate::compare::generated::{Bounds, paths, test_protos};

    fn cases(of: &MessageDescriptor) -> Vec<Case> {
        let paths = paths::of(of, Bounds::default()).kept;
        group("malformed".to_owned(), of, paths.into()).cases().collect()
    }

    #[test]
    fn a_parser_rejects_them() {
        for of in test_protos::all() {
            for case in cases(&of) {
                let read = DynamicMessage::decode(of.clone(), &case.messages[0][..]);
                // This parser accepts tags that others do not.
                assert_eq!(
                    read.is_ok(),
                    case.name == "overlong-tag",
                    "{} {}",
                    of.full_name(),
                    case.name
                );
            }
        }
    }

    #[test]
    fn each_field_has_a_wrong_wire_type_and_a_truncation() {
        let request =
            test_protos::request("int32 a = 1; int32 b = 2; string c = 3; repeated int32 d = 4;");
        let cases = cases(&request);
        let names: BTreeSet<_> =
            cases.iter().map(|case| &case.name[..]).filter(|name| name.contains('.')).collect();
        let expected = [
            "a.as-fixed32",
            "a.as-fixed64",
            "a.as-group",
            "a.as-length-delimited",
            "a.truncated",
            "a.varint-above-64-bits",
            "b.as-fixed64",
            "b.truncated",
            "c.as-fixed32",
            "c.as-fixed64",
            "c.as-group",
            "c.as-varint",
            "c.invalid-utf-8",
            "c.truncated",
            "c.utf-8-above-maximum",
            "c.utf-8-continuation",
            "c.utf-8-overlong",
            "c.utf-8-surrogate",
            "c.utf-8-truncated",
            "d.as-fixed32",
            "d.as-fixed64",
            "d.as-group",
            "d.packed-partial-element",
            "d.truncated",
        ];
        assert_eq!(names, expected.into());
    }
}
