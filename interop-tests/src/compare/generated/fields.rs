//! The cases of one field of the request.
//!
//! Each sets this field alone and what makes the request valid, so a difference can be attributed to its value.

use prost_reflect::FieldDescriptor;

use crate::compare::case::{Case, CaseGroup};
use crate::compare::generated::bounds::Bounds;
use crate::compare::generated::paths::Path;
use crate::compare::generated::variation::Variation;
use crate::compare::generated::{collections, sample, scalars, values, wire};

/// The cases of the field at `path`.
pub(super) fn group(path: Path, bounds: Bounds) -> CaseGroup {
    CaseGroup::new(path.name(), move || {
        let path = path.clone();
        variations(&path.field, bounds).into_iter().map(move |variation| case(&path, &variation))
    })
}

fn case(path: &Path, variation: &Variation) -> Case {
    let also = variation.also.iter().map(|name| path.sibling(name));
    Case {
        name: variation.name.to_string(),
        messages: vec![path.request(&variation.bytes()).into()],
        fields: [path.name()].into_iter().chain(also).collect(),
        ..Case::default()
    }
}

/// The contents of the message with `field` in which only this field is set.
pub(super) fn variations(field: &FieldDescriptor, bounds: Bounds) -> Vec<Variation> {
    let mut variations = if field.is_map() {
        collections::map(field, bounds)
    } else if field.is_list() {
        collections::list(field, bounds)
    } else {
        single(field, bounds)
    };
    if field.is_required() {
        variations.push(Variation::new("missing", []));
    }
    variations.extend(other_branch(field));
    variations
}

/// The values of a field that is neither a list nor a map.
fn single(field: &FieldDescriptor, bounds: Bounds) -> Vec<Variation> {
    let declared = scalars::encoded(&field.kind(), &field.default_value());
    let mut variations = Vec::new();
    for value in values::of(field, bounds) {
        let mut value = value;
        if value.name == "default" {
            let (other, name) = match &declared {
                Some(declared) if value.bytes() != *declared => (Some(declared), "type-default"),
                Some(_) => (None, "explicit-default"),
                None if has_required(field) => (None, "only-required"),
                None => (None, "empty"),
            };
            variations.extend(
                other.map(|declared| {
                    Variation::new("explicit-default", wire::field(field, declared))
                }),
            );
            value = value.named(name);
        }
        let field = field.clone();
        variations.push(value.map(move |bytes| wire::field(&field, &bytes)));
    }
    // The last of two scalars wins. Messages are merged.
    let twice = [0, 1].map(|index| wire::field(field, &sample::value(field, index)));
    variations.push(Variation::new("twice", twice.concat()));
    variations
}

/// Whether the message in `field` has required fields.
fn has_required(field: &FieldDescriptor) -> bool {
    field.kind().as_message().is_some_and(|of| !sample::required(of, &[]).is_empty())
}

/// The field and the next branch of the same oneof at once. The last wins.
fn other_branch(field: &FieldDescriptor) -> Option<Variation> {
    let branches: Vec<_> = field.containing_oneof()?.fields().collect();
    let at = branches.iter().position(|branch| branch == field)?;
    let next = branches.get((at + 1) % branches.len()).filter(|next| *next != field)?;
    let both = [field, next].map(|branch| wire::field(branch, &sample::value(branch, 0)));
    let mut variation = Variation::new(format!("before-{}", next.name()), both.concat());
    variation.also = Some(next.name().to_owned());
    Some(variation)
}

#[cfg(test)]
mod tests {
    use prost_reflect::{DynamicMessage, MessageDescriptor, Value};

    use super::*;
    use crate::compare::generated::{paths, test_protos};

    fn cases(of: &MessageDescriptor, path: &str) -> Vec<Case> {
        let mut paths = paths::of(of, Bounds::default()).kept.into_iter();
        let path = paths.find(|found| found.name() == path).expect("no such path");
        group(path, Bounds::default()).cases().collect()
    }

    fn read(of: &MessageDescriptor, path: &str, name: &str) -> DynamicMessage {
        let cases = cases(of, path);
        let case = cases.iter().find(|case| case.name == name).expect("no such case");
        DynamicMessage::decode(of.clone(), &case.messages[0][..]).expect("it is malformed")
    }

    /// A message of a proto2 file.
    fn old() -> MessageDescriptor {
        test_protos::all().pop().unwrap()
    }

    #[test]
    fn an_ordinary_field_has_about_ten_cases() {
        let of = test_protos::all().remove(0);
        let groups = paths::of(&of, Bounds::default()).kept.into_iter();
        for group in groups.map(|path| group(path, Bounds::default())) {
            let number = group.cases().count();
            assert!((5..=18).contains(&number), "{} has {number}", group.name);
        }
    }

    #[test]
    fn values_are_read_as_intended() {
        let of = test_protos::all().remove(0);
        let value = |field: &str, name| {
            read(&of, field, name).get_field_by_name(field).unwrap().into_owned()
        };
        for (field, minimum, maximum) in [
            ("double", Value::F64(f64::MIN), Value::F64(f64::MAX)),
            ("float", Value::F32(f32::MIN), Value::F32(f32::MAX)),
            ("int32", Value::I32(i32::MIN), Value::I32(i32::MAX)),
            ("int64", Value::I64(i64::MIN), Value::I64(i64::MAX)),
            ("sint32", Value::I32(i32::MIN), Value::I32(i32::MAX)),
            ("sint64", Value::I64(i64::MIN), Value::I64(i64::MAX)),
            ("sfixed32", Value::I32(i32::MIN), Value::I32(i32::MAX)),
            ("sfixed64", Value::I64(i64::MIN), Value::I64(i64::MAX)),
        ] {
            assert_eq!(value(field, "minimum"), minimum, "{field}");
            assert_eq!(value(field, "maximum"), maximum, "{field}");
        }
        for (field, maximum) in [
            ("uint32", Value::U32(u32::MAX)),
            ("uint64", Value::U64(u64::MAX)),
            ("fixed32", Value::U32(u32::MAX)),
            ("fixed64", Value::U64(u64::MAX)),
        ] {
            assert_eq!(value(field, "maximum"), maximum, "{field}");
        }
        assert_eq!(value("int32", "overlong-varint"), Value::I32(2));
        assert_eq!(value("bool", "true-above-32-bits"), Value::Bool(true));
        assert_eq!(value("color", "value-minus-2"), Value::EnumNumber(-2));
        assert_eq!(value("color", "unknown"), Value::EnumNumber(2));
        assert_eq!(value("color", "unknown-negative"), Value::EnumNumber(-1));
        assert_eq!(value("bytes", "long").as_bytes().unwrap().len(), 64 << 10);
    }

    #[test]
    fn a_default_is_sent_explicitly() {
        let request = test_protos::request("int32 id = 1; string name = 2;");
        for (path, bytes) in [("id", [0x08, 0]), ("name", [0x12, 0])] {
            assert_eq!(cases(&request, path)[0].name, "explicit-default");
            assert_eq!(cases(&request, path)[0].messages[0][..], bytes);
        }
    }

    #[test]
    fn a_declared_default_and_that_of_the_type_are_sent() {
        let count =
            |name| read(&old(), "count", name).get_field_by_name("count").unwrap().into_owned();
        assert_eq!(count("explicit-default"), Value::I32(7));
        assert_eq!(count("type-default"), Value::I32(0));
        let closed =
            |name| read(&old(), "closed", name).get_field_by_name("closed").unwrap().into_owned();
        assert_eq!(closed("explicit-default"), Value::EnumNumber(3));
        assert_eq!(closed("type-default"), Value::EnumNumber(2));
        assert_eq!(closed("unknown"), Value::EnumNumber(1));
    }

    #[test]
    fn required_fields_are_set_unless_they_are_the_subject() {
        let is_set = |path, name, field| read(&old(), path, name).has_field_by_name(field);
        assert!(is_set("count", "maximum", "id") && is_set("count", "maximum", "child"));
        assert!(!is_set("id", "missing", "id") && is_set("id", "missing", "child"));
        assert!(is_set("single.flag", "missing", "single"));
        let child = |name| {
            read(&old(), "child", name)
                .get_field_by_name("child")
                .unwrap()
                .as_message()
                .unwrap()
                .clone()
        };
        assert!(child("only-required").has_field_by_name("name"));
        assert!(!child("without-required").has_field_by_name("name"));
    }

    #[test]
    fn two_branches_of_a_oneof_are_set_at_once() {
        let of = test_protos::all().remove(1);
        let case =
            cases(&of, "number").into_iter().find(|case| case.name == "before-text").unwrap();
        assert_eq!(case.fields, ["number", "text"]);
        assert_eq!(case.messages[0][..], [&[0x40, 8, 0x4a, 4][..], b"text"].concat());
        assert!(cases(&of, "maybe").iter().all(|case| !case.name.starts_with("before")));
    }

    #[test]
    fn a_scalar_twice_is_the_last_one() {
        let request = test_protos::request("int32 id = 1;");
        let value = read(&request, "id", "twice").get_field_by_name("id").unwrap().into_owned();
        assert_eq!(value, Value::I32(2));
    }
}
