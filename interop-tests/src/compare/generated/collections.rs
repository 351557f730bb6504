//! The boundary values of lists and maps.
//!
//! Every library reads a list of numbers packed and unpacked, whichever is declared.

use prost_reflect::FieldDescriptor;

use crate::compare::generated::bounds::Bounds;
use crate::compare::generated::variation::Variation;
use crate::compare::generated::wire::{self, delimited};
use crate::compare::generated::{sample, values};

/// The boundary values of a list, with tags.
pub(super) fn list(field: &FieldDescriptor, bounds: Bounds) -> Vec<Variation> {
    let elements =
        |number| (0..number).map(|index| sample::value(field, index)).collect::<Vec<_>>();
    let natural = wire::is_packed(field);
    let two = elements(2);
    let many = {
        let field = field.clone();
        move || {
            let elements: Vec<_> = (0..bounds.many).map(|n| sample::value(&field, n)).collect();
            wire::list(&field, &elements, natural)
        }
    };
    let mut variations = vec![
        Variation::new("one-element", wire::list(field, &elements(1), natural)),
        Variation::new("two-elements", wire::list(field, &two, natural)),
        Variation::lazy("many-elements", many),
    ];
    if wire::is_packable(&field.kind()) {
        let name = if natural { "unpacked" } else { "packed" };
        let (packed, unpacked) = (wire::list(field, &two, true), wire::list(field, &two, false));
        variations.extend([
            Variation::new(name, wire::list(field, &two, !natural)),
            Variation::new("empty-packed", wire::list(field, &[], true)),
            Variation::new("packed-twice", packed.repeat(2)),
            Variation::new("packed-and-unpacked", [packed, unpacked].concat()),
        ]);
    }
    // An ordinary element is that of `one-element`.
    let values = values::of(field, bounds).into_iter().filter(|value| value.name != "ordinary");
    variations.extend(values.map(|value| {
        let (name, field) = (format!("element-{}", value.name), field.clone());
        value.named(name).map(move |bytes| wire::list(&field, &[bytes], natural))
    }));
    variations
}

/// The boundary values of a map, with tags. Those of its keys and values are in groups of their own.
pub(super) fn map(field: &FieldDescriptor, bounds: Bounds) -> Vec<Variation> {
    let Some(of) = field.kind().as_message().cloned() else { return Vec::new() };
    let (key, value) = (of.map_entry_key_field(), of.map_entry_value_field());
    let number = field.number();
    let entry_key = |index| wire::field(&key, &sample::value(&key, index));
    let entry_value = |index| wire::field(&value, &sample::value(&value, index));
    let entry = |parts: &[Vec<u8>]| delimited(number, &parts.concat());
    let one = entry(&[entry_key(0), entry_value(0)]);
    let many = {
        let (key, value) = (key.clone(), value.clone());
        move || {
            let entries = (0..bounds.many).map(|index| {
                let key = wire::field(&key, &sample::value(&key, index));
                delimited(
                    number,
                    &[key, wire::field(&value, &sample::value(&value, index))].concat(),
                )
            });
            entries.collect::<Vec<_>>().concat()
        }
    };
    vec![
        Variation::new("one-entry", one.clone()),
        Variation::new(
            "two-entries",
            [one.clone(), entry(&[entry_key(1), entry_value(1)])].concat(),
        ),
        Variation::lazy("many-entries", many),
        Variation::new("duplicate-keys", [one, entry(&[entry_key(0), entry_value(1)])].concat()),
        Variation::new("empty-entry", entry(&[])),
        Variation::new("key-without-value", entry(&[entry_key(0)])),
        Variation::new("value-without-key", entry(&[entry_value(0)])),
        Variation::new("value-before-key", entry(&[entry_value(0), entry_key(0)])),
        Variation::new("two-keys-in-entry", entry(&[entry_key(0), entry_key(1), entry_value(0)])),
        Variation::new(
            "unknown-field-in-entry",
            entry(&[entry_key(0), delimited(3, b"unknown"), entry_value(0)]),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use prost_reflect::DynamicMessage;

    use super::*;
    use crate::compare::generated::test_protos;

    /// The variations of the field 1, and how many elements or entries each is read as.
    fn lengths(fields: &str) -> Vec<(String, usize)> {
        let request = test_protos::request(fields);
        let field = request.get_field(1).unwrap();
        let of = if field.is_map() { map } else { list };
        let variations = of(&field, Bounds { many: 50, ..Bounds::default() });
        let length = |variation: &Variation| {
            let message = DynamicMessage::decode(request.clone(), &variation.bytes()[..]).unwrap();
            let value = message.get_field(&field);
            let list = value.as_list().map(<[_]>::len);
            list.or(value.as_map().map(std::collections::HashMap::len)).unwrap()
        };
        variations.iter().map(|variation| (variation.name.to_string(), length(variation))).collect()
    }

    fn assert_length(lengths: &[(String, usize)], name: &str, length: usize) {
        let found = lengths.iter().find(|(found, _)| found == name);
        assert_eq!(found.map(|(_, length)| *length), Some(length), "{name}");
    }

    #[test]
    fn lists_have_as_many_elements_as_their_names_say() {
        for (fields, other) in [
            ("repeated int32 list = 1;", "unpacked"),
            ("repeated double list = 1 [packed = false];", "packed"),
        ] {
            let lengths = lengths(fields);
            assert_length(&lengths, "one-element", 1);
            assert_length(&lengths, "two-elements", 2);
            assert_length(&lengths, "many-elements", 50);
            assert_length(&lengths, other, 2);
            assert_length(&lengths, "empty-packed", 0);
            assert_length(&lengths, "packed-and-unpacked", 4);
            assert_length(&lengths, "element-default", 1);
        }
        let strings = lengths("repeated string list = 1;");
        assert!(strings.iter().all(|(name, _)| !name.contains("packed")));
        assert_length(&strings, "element-long", 1);
    }

    #[test]
    fn maps_have_as_many_entries_as_their_names_say() {
        for fields in
            ["map<string, int32> map = 1;", "map<int64, google.protobuf.Duration> map = 1;"]
        {
            let lengths = lengths(fields);
            assert_length(&lengths, "one-entry", 1);
            assert_length(&lengths, "two-entries", 2);
            assert_length(&lengths, "many-entries", 50);
            assert_length(&lengths, "duplicate-keys", 1);
            assert_length(&lengths, "empty-entry", 1);
            assert_length(&lengths, "unknown-field-in-entry", 1);
        }
    }
}
