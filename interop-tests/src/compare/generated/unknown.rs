//! Fields that the .proto file does not declare, as a client with a newer version of it sends them.
//!
//! Programs that forward or store a message lose them, or not.

use std::sync::Arc;

use prost::encoding::WireType;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::compare::case::{Case, CaseGroup};
use crate::compare::generated::bounds::Bounds;
use crate::compare::generated::paths::{self, Path};
use crate::compare::generated::sample::{self, Branch, Sample, joined};
use crate::compare::generated::variation::Variation;
use crate::compare::generated::wire::{self, LAST_NUMBER, tagged};

/// The limit that parsers have, and one more.
const DEPTHS: [usize; 2] = [100, 101];

/// Requests with unknown fields, in the request itself and in one message of each type in it.
pub(super) fn group(
    name: String,
    of: &MessageDescriptor,
    paths: Arc<[Path]>,
    bounds: Bounds,
) -> CaseGroup {
    let of = of.clone();
    CaseGroup::new(name, move || {
        let top = Place { message: of.clone(), parents: Vec::new() };
        let others = places(&of, &paths);
        let top_level = top.more(bounds);
        let of_top_level = top_level.into_iter().map(move |variation| top.case(&variation));
        let nested = others.into_iter().flat_map(|place| {
            let variations = kinds(unused(&place.message));
            variations.into_iter().map(move |variation| place.case(&variation))
        });
        of_top_level.chain(nested)
    })
}

/// A message in the request.
struct Place {
    message: MessageDescriptor,
    /// The fields that contain it, from the outermost.
    parents: Vec<FieldDescriptor>,
}

impl Place {
    fn case(&self, variation: &Variation) -> Case {
        let path =
            self.parents.iter().fold(String::new(), |path, field| joined(&path, field.name()));
        let mut content = sample::required(&self.message, &[]);
        content.extend(variation.bytes());
        Case {
            name: joined(&path, &variation.name),
            messages: vec![paths::inside(&self.parents, content).into()],
            fields: if path.is_empty() { Vec::new() } else { vec![path] },
            ..Case::default()
        }
    }

    /// More kinds of unknown fields.
    fn more(&self, bounds: Bounds) -> Vec<Variation> {
        let number = unused(&self.message);
        let field = tagged(number, WireType::Varint, &[1]);
        let around = {
            let (of, field) = (self.message.clone(), field.clone());
            move || [&field, &Sample::new(&of, Branch::First).bytes()[..], &field].concat()
        };
        let mut variations = kinds(number);
        variations.extend([
            Variation::new("empty-group", wire::group(number, &[])),
            Variation::new("last-number", tagged(LAST_NUMBER, WireType::Varint, &[1])),
            Variation::lazy("around-known-fields", around),
            Variation::lazy("many", move || field.repeat(bounds.many)),
        ]);
        variations.extend(DEPTHS.map(|depth| {
            let nested =
                move || (0..depth).fold(Vec::new(), |content, _| wire::group(number, &content));
            Variation::lazy(format!("group-depth-{depth}"), nested)
        }));
        variations
    }
}

/// The first message of each type in the request, except maps, which have a case of their own.
fn places(of: &MessageDescriptor, paths: &[Path]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for path in paths {
        let Kind::Message(message) = path.field.kind() else { continue };
        let is_known = message == *of || places.iter().any(|place| place.message == message);
        if !is_known && !message.is_map_entry() {
            let parents = [&path.parents[..], std::slice::from_ref(&path.field)].concat();
            places.push(Place { message, parents });
        }
    }
    places
}

/// A field of each wire type.
fn kinds(number: u32) -> Vec<Variation> {
    let inner = [tagged(1, WireType::Varint, &[1]), wire::delimited(2, b"text")].concat();
    vec![
        Variation::new("varint", tagged(number, WireType::Varint, &wire::varint(u64::MAX))),
        Variation::new("fixed32", tagged(number, WireType::ThirtyTwoBit, &[1, 2, 3, 4])),
        Variation::new(
            "fixed64",
            tagged(number, WireType::SixtyFourBit, &[1, 2, 3, 4, 5, 6, 7, 8]),
        ),
        Variation::new("length-delimited", wire::delimited(number, b"unknown")),
        Variation::new("group", wire::group(number, &inner)),
    ]
}

/// The smallest number that no field of a message has.
pub(super) fn unused(of: &MessageDescriptor) -> u32 {
    let is_used = |number| {
        // The second part is reserved for implementations.
        of.get_field(number).is_some()
            || of.get_extension(number).is_some()
            || (19_000..20_000).contains(&number)
    };
    (1..LAST_NUMBER).find(|number| !is_used(*number)).unwrap_or(LAST_NUMBER)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::DynamicMessage;

    use super::*;
    use crate::compare::generated::test_protos;

    fn cases(of: &MessageDescriptor) -> Vec<Case> {
        let paths = paths::of(of, Bounds::default()).kept;
        group("unknown-fields".to_owned(), of, paths.into(), Bounds::default()).cases().collect()
    }

    #[test]
    fn every_wire_type_is_unknown_at_the_top_level() {
        let request = test_protos::request("int32 a = 1; int32 c = 3;");
        let mut types = BTreeSet::new();
        for case in cases(&request).iter().filter(|case| case.name != "group-depth-101") {
            let message = DynamicMessage::decode(request.clone(), &case.messages[0][..]).unwrap();
            let unknown: Vec<_> = message.unknown_fields().collect();
            assert!(!unknown.is_empty(), "{}", case.name);
            types.extend(unknown.iter().map(|field| format!("{:?}", field.wire_type())));
        }
        assert_eq!(types.len(), 5);
    }

    #[test]
    fn one_message_of_each_type_has_unknown_fields() {
        let fields = "message Item { int32 price = 1; } Item first = 1; Item second = 2;\
                      map<string, google.protobuf.Timestamp> times = 3;";
        let request = test_protos::request(fields);
        let cases = cases(&request);
        let fields: BTreeSet<_> = cases.iter().flat_map(|case| case.fields.clone()).collect();
        assert_eq!(fields, ["first", "times.value"].map(str::to_owned).into());
        let case = cases.iter().find(|case| case.name == "first.varint").unwrap();
        let message = DynamicMessage::decode(request.clone(), &case.messages[0][..]).unwrap();
        let first = message.get_field_by_name("first").unwrap();
        assert_eq!(first.as_message().unwrap().unknown_fields().count(), 1);
    }

    #[test]
    fn the_number_of_an_unknown_field_is_not_declared() {
        assert_eq!(unused(&test_protos::request("int32 a = 1; int32 b = 3;")), 2);
        let of = test_protos::proto2(
            "message Request { extensions 1 to 5; } extend Request { optional int32 a = 1; }",
        );
        assert_eq!(unused(&of), 2);
    }
}
