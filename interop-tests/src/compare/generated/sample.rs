//! A plausible request: every field has an ordinary value.
//!
//! The values of fields differ from each other, so that a program that mixes two of them up is noticed.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::compare::generated::well_known::messages as well_known;
use crate::compare::generated::{scalars, wire};

/// How many fields a sample has at most, beside required ones.
const FIELDS: usize = 1_000;

/// How many levels of required messages are set. A type that requires itself has no valid message.
const REQUIRED_LEVELS: usize = 4;

/// The path of a field in the message at `path`.
pub(super) fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Which branch of each oneof is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Branch {
    First,
    Last,
}

/// A message in which every field has an ordinary value.
#[derive(Debug)]
pub(super) struct Sample {
    /// The encoded fields, by number.
    pub(super) fields: Vec<Vec<u8>>,
    /// The paths of the fields that are set, in it and in the messages in it.
    pub(super) paths: Vec<String>,
}

impl Sample {
    /// The ordinary message of a type.
    pub(super) fn new(of: &MessageDescriptor, branch: Branch) -> Self {
        let mut writer = Writer { branch, paths: Vec::new(), ancestors: Vec::new() };
        let fields = writer.fields(of, "", 0);
        Self { fields, paths: writer.paths }
    }

    /// The encoded message.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.fields.concat()
    }
}

/// An ordinary value of a field or of an element of it, without tag and length. Those with different `index` differ,
/// unless the type has too few values.
pub(super) fn value(of: &FieldDescriptor, index: usize) -> Vec<u8> {
    let mut writer = Writer { branch: Branch::First, paths: Vec::new(), ancestors: Vec::new() };
    writer.value(of, "", index)
}

/// The fields without which a message is not valid: required fields, and both parts of an entry of a map. Without those
/// in `except`.
pub(super) fn required(of: &MessageDescriptor, except: &[&FieldDescriptor]) -> Vec<u8> {
    required_at(of, except, 0)
}

fn required_at(of: &MessageDescriptor, except: &[&FieldDescriptor], level: usize) -> Vec<u8> {
    let fields = of
        .fields()
        .filter(|field| (field.is_required() || of.is_map_entry()) && !except.contains(&field));
    let encoded = fields.map(|field| match field.kind() {
        Kind::Message(_) if level == REQUIRED_LEVELS => Vec::new(),
        Kind::Message(child) => wire::field(&field, &required_at(&child, &[], level + 1)),
        _ => wire::field(&field, &scalars::ordinary(&field, 0)),
    });
    encoded.collect::<Vec<_>>().concat()
}

/// Writes a sample, and remembers what it has written.
struct Writer {
    branch: Branch,
    paths: Vec<String>,
    /// The types of the messages around the current one.
    ancestors: Vec<MessageDescriptor>,
}

impl Writer {
    /// The encoded fields of a message at `path`, which is the element `index` of a list.
    fn fields(&mut self, of: &MessageDescriptor, path: &str, index: usize) -> Vec<Vec<u8>> {
        self.ancestors.push(of.clone());
        let fields: Vec<_> = of.fields().filter(|field| self.is_set(field)).collect();
        let encoded = fields.iter().map(|field| {
            let path = joined(path, field.name());
            self.paths.push(path.clone());
            self.field(field, &path, index)
        });
        let encoded = encoded.collect();
        self.ancestors.pop();
        encoded
    }

    fn is_set(&self, field: &FieldDescriptor) -> bool {
        if field.is_required() || field.parent_message().is_map_entry() {
            let kind = field.kind();
            let child = kind.as_message();
            let around = self.ancestors.iter().filter(|message| Some(*message) == child);
            return around.count() < REQUIRED_LEVELS;
        }
        if !self.is_allowed(field) {
            return false;
        }
        let Some(oneof) = field.containing_oneof() else { return true };
        let mut branches = oneof.fields().filter(|field| self.is_allowed(field));
        let chosen = match self.branch {
            Branch::First => branches.next(),
            Branch::Last => branches.last(),
        };
        chosen.is_some_and(|chosen| chosen == *field)
    }

    /// Whether a field keeps the sample finite.
    fn is_allowed(&self, field: &FieldDescriptor) -> bool {
        let mut kind = field.kind();
        if let Kind::Message(entry) = &kind
            && entry.is_map_entry()
        {
            kind = entry.map_entry_value_field().kind();
        }
        let contains_itself = kind.as_message().is_some_and(|child| self.ancestors.contains(child));
        self.paths.len() < FIELDS && !contains_itself
    }

    fn field(&mut self, field: &FieldDescriptor, path: &str, index: usize) -> Vec<u8> {
        if !field.is_list() && !field.is_map() {
            return wire::field(field, &self.value(field, path, index));
        }
        let elements = [0, 1].map(|element| self.value(field, path, index + element));
        wire::list(field, &elements, wire::is_packed(field))
    }

    fn value(&mut self, field: &FieldDescriptor, path: &str, index: usize) -> Vec<u8> {
        let Kind::Message(of) = field.kind() else { return scalars::ordinary(field, index) };
        well_known::ordinary(&of, index).unwrap_or_else(|| self.fields(&of, path, index).concat())
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DynamicMessage;

    use super::*;
    use crate::compare::generated::test_protos;

    fn sample(of: &MessageDescriptor, branch: Branch) -> (DynamicMessage, Sample) {
        let sample = Sample::new(of, branch);
        (DynamicMessage::decode(of.clone(), &sample.bytes()[..]).expect("it is malformed"), sample)
    }

    #[test]
    fn every_field_is_set() {
        for of in test_protos::all() {
            let (message, sample) = sample(&of, Branch::First);
            for field in of.fields().filter(|field| field.containing_oneof().is_none()) {
                let mut kind = field.kind();
                if field.is_map() {
                    kind = kind.as_message().unwrap().map_entry_value_field().kind();
                }
                let contains_itself = kind.as_message().is_some_and(|child| *child == of);
                assert_eq!(message.has_field(&field), !contains_itself, "{}", field.full_name());
                assert_eq!(sample.paths.contains(&field.name().to_owned()), !contains_itself);
            }
        }
    }

    #[test]
    fn the_fields_of_messages_in_it_are_reported() {
        let fields = "message Item { int32 price = 1; } map<string, Item> items = 1; google.protobuf.Duration time = 2;";
        let (_, sample) = sample(&test_protos::request(fields), Branch::First);
        let paths: std::collections::BTreeSet<_> =
            sample.paths.iter().map(String::as_str).collect();
        let expected = ["items", "items.key", "items.value", "items.value.price", "time"];
        assert_eq!(paths, expected.into());
    }

    #[test]
    fn one_branch_of_a_oneof_is_set() {
        let request = test_protos::request("oneof of { int32 first = 1; string last = 2; }");
        for (branch, name) in [(Branch::First, "first"), (Branch::Last, "last")] {
            let (message, sample) = sample(&request, branch);
            assert!(message.has_field_by_name(name));
            assert_eq!(sample.paths, [name]);
        }
    }

    #[test]
    fn elements_differ() {
        let request = test_protos::request("repeated string names = 1; repeated int32 ids = 2;");
        let (message, _) = sample(&request, Branch::First);
        let shown = format!("{:?}", message.get_field_by_name("names").unwrap());
        assert_eq!(shown, r#"List([String("names"), String("names-1")])"#);
    }

    #[test]
    fn required_messages_that_contain_themselves_end() {
        let of = test_protos::proto2(
            "message Request { required Request next = 1; required int32 id = 2; }",
        );
        let bytes = required(&of, &[]);
        DynamicMessage::decode(of.clone(), &bytes[..]).unwrap();
        assert!(sample(&of, Branch::First).1.paths.len() < 100);
    }

    #[test]
    fn required_fields_are_set_except_one() {
        let of = test_protos::proto2(
            "message Request { required int32 a = 1; required int32 b = 2; optional int32 c = 3; }",
        );
        assert_eq!(required(&of, &[]), [8, 1, 16, 2]);
        assert_eq!(required(&of, &[&of.get_field(1).unwrap()]), [16, 2]);
    }
}
