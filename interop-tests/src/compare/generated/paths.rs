//! The paths of the fields of a request, such as `order.items.price`.
//!
//! A message type can contain itself, and a few wide messages in each other have more fields than can be tested. So
//! the number of paths is bounded, and the deepest are left out first.

use std::collections::VecDeque;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::compare::generated::bounds::Bounds;
use crate::compare::generated::sample::{self, joined};
use crate::compare::generated::well_known::messages as well_known;
use crate::compare::generated::wire;

/// How many paths that are left out are counted.
const COUNTED: usize = 10_000;

/// A field of a request, or of a message in it.
#[derive(Clone, Debug)]
pub(super) struct Path {
    /// The fields that contain it, from the outermost.
    pub(super) parents: Vec<FieldDescriptor>,
    pub(super) field: FieldDescriptor,
}

/// The paths of a request.
#[derive(Debug)]
pub(super) struct Paths {
    /// The fields of a message are next to each other, and after those of the message that contains it.
    pub(super) kept: Vec<Path>,
    /// How many are left out because there are too many.
    pub(super) left_out: usize,
}

impl Path {
    /// Its parts, separated by dots. The parts of a map are `key` and `value`.
    pub(super) fn name(&self) -> String {
        let parts: Vec<_> = self.parents.iter().map(FieldDescriptor::name).collect();
        joined(&parts.join("."), self.field.name())
    }

    /// The path of another field of the same message.
    pub(super) fn sibling(&self, name: &str) -> String {
        let parts: Vec<_> = self.parents.iter().map(FieldDescriptor::name).collect();
        joined(&parts.join("."), name)
    }

    /// A request in which only the message with this field is set, to `content`, and what it needs to be valid.
    pub(super) fn request(&self, content: &[u8]) -> Vec<u8> {
        self.request_with(&[&self.field], content)
    }

    /// The same with the required fields except `fields`, which `content` sets.
    pub(super) fn request_with(&self, fields: &[&FieldDescriptor], content: &[u8]) -> Vec<u8> {
        let mut bytes = sample::required(self.field.parent_message(), fields);
        bytes.extend_from_slice(content);
        inside(&self.parents, bytes)
    }
}

/// A request in which only the fields `parents` are set, each in the one before, and `content` in the last.
pub(super) fn inside(parents: &[FieldDescriptor], content: Vec<u8>) -> Vec<u8> {
    parents.iter().rev().fold(content, |content, parent| {
        let mut bytes = sample::required(parent.parent_message(), &[parent]);
        bytes.extend(wire::field(parent, &content));
        bytes
    })
}

/// The paths of requests of a type.
pub(super) fn of(of: &MessageDescriptor, bounds: Bounds) -> Paths {
    let mut paths = Paths { kept: Vec::new(), left_out: 0 };
    // Messages, the fields that contain them, and their level.
    let mut queue = VecDeque::from([(of.clone(), Vec::new(), 0)]);
    while let Some((message, parents, level)) = queue.pop_front() {
        for field in message.fields() {
            if paths.left_out == COUNTED {
                return paths;
            }
            let path = Path { parents: parents.clone(), field };
            if let Some(child) = child(of, &path) {
                // An entry of a map is a message only on the wire.
                let level = level + usize::from(!child.is_map_entry());
                if level <= bounds.depth {
                    let parents = [&parents[..], std::slice::from_ref(&path.field)].concat();
                    queue.push_back((child, parents, level));
                }
            }
            if paths.kept.len() < bounds.groups {
                paths.kept.push(path);
            } else {
                paths.left_out += 1;
            }
        }
    }
    paths
}

/// The type of the field of `path`, if it is a message whose fields are tested.
fn child(of: &MessageDescriptor, path: &Path) -> Option<MessageDescriptor> {
    let Kind::Message(child) = path.field.kind() else { return None };
    if well_known::is(&child) {
        return None;
    }
    // In a message that contains itself, the fields of one level are tested. The group `nesting` has more levels.
    let parents = path.parents.iter();
    let types = parents.filter_map(|parent| parent.kind().as_message().cloned());
    let times = types.chain([of.clone()]).filter(|message| *message == child).count();
    (times < 2).then_some(child)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::generated::test_protos;

    fn names(fields: &str, bounds: Bounds) -> Vec<String> {
        let request = test_protos::request(fields);
        of(&request, bounds).kept.iter().map(Path::name).collect()
    }

    #[test]
    fn paths_go_through_messages_and_maps() {
        let fields = "message Item { int32 price = 1; } message Order { repeated Item items = 2; }\
                      Order order = 1; map<string, Item> by_name = 2;";
        let expected = [
            "order",
            "by_name",
            "order.items",
            "by_name.key",
            "by_name.value",
            "order.items.price",
            "by_name.value.price",
        ];
        assert_eq!(names(fields, Bounds::default()), expected);
        let shallow = names(fields, Bounds { depth: 1, ..Bounds::default() });
        assert_eq!(
            shallow,
            expected.map(str::to_owned)[..5]
                .iter()
                .chain([&expected[6].into()])
                .cloned()
                .collect::<Vec<String>>()
        );
        assert_eq!(names(fields, Bounds { depth: 0, ..Bounds::default() }).len(), 4);
    }

    #[test]
    fn a_message_that_contains_itself_is_entered_once() {
        let fields = "Request next = 1; int32 id = 2;";
        let bounds = Bounds { depth: 50, ..Bounds::default() };
        assert_eq!(names(fields, bounds), ["next", "id", "next.next", "next.id"]);
    }

    #[test]
    fn the_deepest_paths_are_left_out_first() {
        let fields =
            "message Item { int32 price = 1; int32 size = 2; } Item item = 1; int32 id = 2;";
        let request = test_protos::request(fields);
        let paths = of(&request, Bounds { groups: 3, ..Bounds::default() });
        let names: Vec<_> = paths.kept.iter().map(Path::name).collect();
        assert_eq!(names, ["item", "id", "item.price"]);
        assert_eq!(paths.left_out, 1);
    }

    #[test]
    fn the_number_of_paths_that_are_left_out_is_bounded() {
        let many = |kind: &str| -> String {
            (1..=60)
                .map(|number| format!("{kind} f{number} = {number};"))
                .collect::<Vec<_>>()
                .concat()
        };
        let fields = format!(
            "message C {{ {} }} message B {{ {} }} message A {{ {} }} {}",
            many("int32"),
            many("C"),
            many("B"),
            many("A")
        );
        let paths = of(&test_protos::request(&fields), Bounds::default());
        assert_eq!((paths.kept.len(), paths.left_out), (Bounds::default().groups, COUNTED));
    }

    #[test]
    fn a_request_contains_the_parents_of_a_field() {
        let fields = "message Item { int32 price = 3; } Item item = 1;";
        let paths = of(&test_protos::request(fields), Bounds::default());
        assert_eq!(paths.kept[1].request(&[0x18, 5]), [0x0a, 2, 0x18, 5]);
        assert_eq!(paths.kept[1].sibling("size"), "item.size");
        assert_eq!(paths.kept[0].sibling("id"), "id");
    }
}
