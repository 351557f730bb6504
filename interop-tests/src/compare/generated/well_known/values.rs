//! The boundary values of the well-known types of protobuf.
//!
//! Their limits are in the documentation of `google/protobuf/*.proto`, and no parser checks them. The programs behind
//! the parser do, each in its own way. The fields of these messages have no cases of their own.

use prost::encoding::WireType;
use prost_reflect::FieldDescriptor;

use crate::compare::generated::bounds::Bounds;
use crate::compare::generated::sample::{Branch, Sample};
use crate::compare::generated::variation::Variation;
use crate::compare::generated::well_known::messages::{
    PREFIX, any, entry, number, short_name, string, time, wrapped,
};
use crate::compare::generated::wire::{self, delimited, tagged};
use crate::compare::generated::{scalars, strings};

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds since the epoch.
const TIMESTAMPS: (i64, i64) = (-62_135_596_800, 253_402_300_799);

/// 10,000 years in seconds.
const LONGEST_DURATION: i64 = 315_576_000_000;

const LAST_NANO: i32 = 999_999_999;

/// The boundary values of `field`, whose type is well-known. None if it is another type. The first is empty.
pub(in crate::compare::generated) fn values(
    field: &FieldDescriptor,
    bounds: Bounds,
) -> Option<Vec<Variation>> {
    let kind = field.kind();
    let of = kind.as_message()?;
    let mut values = vec![Variation::new("default", [])];
    if let Some(inner) = wrapped(of) {
        values.extend(wrappers(&inner, bounds));
        return Some(values);
    }
    values.extend(match short_name(of)? {
        "Timestamp" => timestamps(),
        "Duration" => durations(),
        "FieldMask" => field_masks(field, bounds),
        "Empty" => Vec::new(),
        "Any" => anys(field),
        "Struct" => structs(bounds),
        "Value" => json_values(),
        "ListValue" => json_lists(bounds),
        _ => return None,
    });
    Some(values)
}

fn wrappers(inner: &FieldDescriptor, bounds: Bounds) -> Vec<Variation> {
    let kind = inner.kind();
    let values = scalars::values(&kind).into_iter().chain(strings::values(&kind, bounds));
    let wrapped = values.map(|value| {
        let name =
            if value.name == "default" { "explicit-default".into() } else { value.name.clone() };
        let inner = inner.clone();
        value.named(name).map(move |bytes| wire::field(&inner, &bytes))
    });
    wrapped.collect()
}

fn times(times: &[(&'static str, i64, i32)]) -> Vec<Variation> {
    let times = times.iter();
    times.map(|(name, seconds, nanos)| Variation::new(*name, time(*seconds, *nanos))).collect()
}

fn timestamps() -> Vec<Variation> {
    let (first, last) = TIMESTAMPS;
    times(&[
        ("epoch", 0, 0),
        ("ordinary", 1_234_567_890, 123_456_789),
        ("one-nano", 0, 1),
        ("before-epoch", -1, LAST_NANO),
        ("minimum", first, 0),
        ("maximum", last, LAST_NANO),
        ("below-minimum", first - 1, LAST_NANO),
        ("above-maximum", last + 1, 0),
        ("negative-nanos", 1, -1),
        ("too-many-nanos", 0, LAST_NANO + 1),
        ("seconds-minimum", i64::MIN, 0),
        ("seconds-maximum", i64::MAX, i32::MAX),
    ])
}

fn durations() -> Vec<Variation> {
    times(&[
        ("zero", 0, 0),
        ("ordinary", 1, 500_000_000),
        ("one-nano", 0, 1),
        ("negative-nanos", 0, -1),
        ("negative", -1, -500_000_000),
        ("minimum", -LONGEST_DURATION, -LAST_NANO),
        ("maximum", LONGEST_DURATION, LAST_NANO),
        ("below-minimum", -LONGEST_DURATION - 1, 0),
        ("above-maximum", LONGEST_DURATION + 1, 0),
        ("different-signs", 1, -1),
        ("too-many-nanos", 0, LAST_NANO + 1),
        ("seconds-minimum", i64::MIN, i32::MIN),
        ("seconds-maximum", i64::MAX, i32::MAX),
    ])
}

fn field_masks(field: &FieldDescriptor, bounds: Bounds) -> Vec<Variation> {
    let mask = |name: &'static str, paths: &[&str]| {
        let paths: Vec<_> = paths.iter().map(|path| delimited(1, path.as_bytes())).collect();
        Variation::new(name, paths.concat())
    };
    let message = field.parent_message();
    let known: Vec<_> = message.fields().map(|field| field.name().to_owned()).collect();
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    let many = bounds.many;
    let many = move || (0..many).flat_map(|n| delimited(1, format!("f{n}").as_bytes())).collect();
    vec![
        mask("every-field", &known),
        mask("unknown-field", &["no_such_field"]),
        mask("nested-unknown-field", &["no_such_field.no_such_field"]),
        mask("empty-path", &[""]),
        mask("star", &["*"]),
        mask("empty-part", &["a..b"]),
        mask("lower-camel-case", &["noSuchField"]),
        mask("comma", &["a,b"]),
        mask("same-path-twice", &["a", "a"]),
        Variation::lazy("many-paths", many),
    ]
}

fn anys(field: &FieldDescriptor) -> Vec<Variation> {
    // A program that can read the message with this field knows its type.
    let of = field.parent_message().clone();
    let known = format!("{PREFIX}{}", of.full_name());
    let url = known.clone();
    let content = move || any(&url, &Sample::new(&of, Branch::First).bytes());
    let duration = |prefix: &str| any(&format!("{prefix}google.protobuf.Duration"), &time(1, 0));
    let nested = any(&format!("{PREFIX}google.protobuf.Any"), &duration(PREFIX));
    vec![
        Variation::lazy("known-type", content),
        Variation::new("known-type-without-content", delimited(1, known.as_bytes())),
        Variation::new("malformed-content", any(&known, &[0xff, 0xff])),
        Variation::new("well-known-type", duration(PREFIX)),
        Variation::new("unknown-type", any(&format!("{PREFIX}no.such.Type"), &[8, 1])),
        Variation::new("other-prefix", duration("example.com/types/")),
        Variation::new("no-prefix", duration("")),
        Variation::new("empty-prefix", duration("/")),
        Variation::new("no-type", any(PREFIX, &[8, 1])),
        Variation::new("content-without-type", delimited(2, &[8, 1])),
        Variation::new("any-in-any", nested),
    ]
}

fn structs(bounds: Bounds) -> Vec<Variation> {
    let values = json_values().into_iter();
    let values = values.map(|value| value.map(|bytes| entry(b"key", &bytes)));
    let many = bounds.many;
    let many = move || (0..many).flat_map(|n| entry(format!("key-{n}").as_bytes(), &number(1.5)));
    let others = [
        Variation::new("empty-key", entry(b"", &number(1.5))),
        Variation::new("key-without-value", delimited(1, &delimited(1, b"key"))),
        Variation::new(
            "duplicate-keys",
            [entry(b"key", &number(1.5)), entry(b"key", &string("second"))].concat(),
        ),
        Variation::lazy("many-keys", move || many().collect()),
    ];
    values.chain(others).collect()
}

fn json_values() -> Vec<Variation> {
    let null = |number| tagged(1, WireType::Varint, &wire::varint(number));
    vec![
        Variation::new("null", null(0)),
        Variation::new("unknown-null", null(1)),
        Variation::new("number", number(1.5)),
        Variation::new("minus-zero", number(-0.0)),
        Variation::new("above-2-to-53", number(9_007_199_254_740_994.0)),
        // JSON has neither of them.
        Variation::new("nan", number(f64::from_bits(0x7ff8_0000_0000_0001))),
        Variation::new("infinity", number(f64::INFINITY)),
        Variation::new("string", string("text")),
        Variation::new("boolean", tagged(4, WireType::Varint, &[1])),
        Variation::new("object", delimited(5, &entry(b"key", &number(1.5)))),
        Variation::new("list", delimited(6, &delimited(1, &number(1.5)))),
        Variation::new("two-kinds", [number(1.5), string("text")].concat()),
    ]
}

fn json_lists(bounds: Bounds) -> Vec<Variation> {
    let values = json_values().into_iter();
    let values = values.map(|value| value.map(|bytes| delimited(1, &bytes)));
    let many = bounds.many;
    let mixed = [number(1.5), string("text"), tagged(4, WireType::Varint, &[1])];
    let others = [
        Variation::new("element-without-kind", delimited(1, &[])),
        Variation::new(
            "mixed",
            mixed.iter().flat_map(|value| delimited(1, value)).collect::<Vec<_>>(),
        ),
        Variation::lazy("many-elements", move || delimited(1, &number(1.5)).repeat(many)),
    ];
    values.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use prost_reflect::{DynamicMessage, Value};

    use super::*;
    use crate::compare::generated::test_protos;
    use crate::compare::generated::well_known::messages::is;

    /// The value `name` of a field of the well-known type `of`.
    fn value(of: &str, name: &str) -> DynamicMessage {
        let request = test_protos::request(&format!("google.protobuf.{of} field = 1;"));
        let field = request.get_field(1).unwrap();
        assert!(is(field.kind().as_message().unwrap()), "{of}");
        let values = values(&field, Bounds::default()).expect("it is not well-known");
        let value = values.iter().find(|value| value.name == name).expect("no such value");
        DynamicMessage::decode(field.kind().as_message().unwrap().clone(), &value.bytes()[..])
            .unwrap()
    }

    fn seconds_and_nanos(message: &DynamicMessage) -> (i64, i32) {
        let field = |name| message.get_field_by_name(name).unwrap().into_owned();
        (field("seconds").as_i64().unwrap(), field("nanos").as_i32().unwrap())
    }

    #[test]
    fn times_are_at_and_beyond_their_limits() {
        assert_eq!(
            seconds_and_nanos(&value("Timestamp", "maximum")),
            (253_402_300_799, 999_999_999)
        );
        assert_eq!(
            seconds_and_nanos(&value("Timestamp", "below-minimum")),
            (-62_135_596_801, 999_999_999)
        );
        assert_eq!(
            seconds_and_nanos(&value("Duration", "minimum")),
            (-315_576_000_000, -999_999_999)
        );
        assert_eq!(seconds_and_nanos(&value("Duration", "different-signs")), (1, -1));
    }

    #[test]
    fn wrappers_have_the_values_of_their_types() {
        let minimum = value("Int32Value", "minimum");
        assert_eq!(*minimum.get_field_by_name("value").unwrap(), Value::I32(i32::MIN));
        assert_eq!(
            value("StringValue", "nul").get_field_by_name("value").unwrap().as_str(),
            Some("a\0b")
        );
        assert_eq!(
            value("BoolValue", "explicit-default").get_field_by_name("value").unwrap().as_bool(),
            Some(false)
        );
    }

    #[test]
    fn json_and_any_are_read_as_intended() {
        let number = |value: &DynamicMessage| {
            value.get_field_by_name("number_value").unwrap().as_f64().unwrap()
        };
        assert!(number(&value("Value", "nan")).is_nan());
        assert!(value("Value", "two-kinds").has_field_by_name("string_value"));
        assert_eq!(
            value("ListValue", "mixed")
                .get_field_by_name("values")
                .unwrap()
                .as_list()
                .unwrap()
                .len(),
            3
        );
        let fields = value("Struct", "duplicate-keys");
        let fields = fields.get_field_by_name("fields").unwrap().as_map().unwrap().clone();
        assert_eq!(fields.len(), 1);
        let any = value("Any", "known-type");
        let url = any.get_field_by_name("type_url").unwrap();
        assert_eq!(url.as_str(), Some("type.googleapis.com/Request"));
        assert_eq!(
            value("FieldMask", "every-field")
                .get_field_by_name("paths")
                .unwrap()
                .as_list()
                .unwrap()
                .len(),
            1
        );
    }
}
