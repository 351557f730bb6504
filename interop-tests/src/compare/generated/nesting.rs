//! Deep messages of types that contain themselves.
//!
//! Parsers limit the depth, most to 100, and count in different ways.

use std::collections::{BTreeSet, VecDeque};

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::compare::case::{Case, CaseGroup};
use crate::compare::generated::paths;
use crate::compare::generated::sample::{self, joined};

/// The numbers of messages in each other, without the request.
const DEPTHS: [usize; 5] = [1, 40, 99, 100, 101];

/// How many types that contain themselves are nested.
const CYCLES: usize = 5;

/// How many types are examined. A request of a large interface contains thousands.
const TYPES: usize = 100;

/// Fields that lead from the request to a type that contains itself, and from there back to the same type.
#[derive(Clone, Debug)]
struct Cycle {
    to: Vec<FieldDescriptor>,
    back: Vec<FieldDescriptor>,
}

/// Deep requests. None if no type contains itself.
pub(super) fn group(name: String, of: &MessageDescriptor) -> Option<CaseGroup> {
    let cycles = cycles(of);
    if cycles.is_empty() {
        return None;
    }
    Some(CaseGroup::new(name, move || {
        let cases = |cycle: Cycle| DEPTHS.into_iter().filter_map(move |depth| cycle.case(depth));
        cycles.clone().into_iter().flat_map(cases)
    }))
}

impl Cycle {
    /// The request with this number of messages in each other, if that is enough to reach the cycle.
    fn case(&self, depth: usize) -> Option<Case> {
        let fields = self.to.iter().chain(self.back.iter().cycle());
        let parents: Vec<_> = fields.take(depth).cloned().collect();
        let Kind::Message(last) = parents.last()?.kind() else { return None };
        let fields = self.to.iter().chain(&self.back);
        let path = fields.fold(String::new(), |path, field| joined(&path, field.name()));
        (depth > self.to.len()).then(|| Case {
            name: format!("{path}.depth-{depth}"),
            messages: vec![paths::inside(&parents, sample::required(&last, &[])).into()],
            fields: vec![path],
            ..Case::default()
        })
    }
}

/// The cycles that a request of a type can contain. Each has a type that no other has.
fn cycles(of: &MessageDescriptor) -> Vec<Cycle> {
    let mut cycles = Vec::new();
    let mut in_cycles = BTreeSet::new();
    let types = std::iter::once((of.clone(), Vec::new())).chain(reachable(of));
    for (message, to) in types.take(TYPES) {
        let name = message.full_name().to_owned();
        if cycles.len() == CYCLES || in_cycles.contains(&name) {
            continue;
        }
        let Some((_, back)) = reachable(&message).find(|(found, _)| *found == message) else {
            continue;
        };
        in_cycles.extend(back.iter().map(|field| field.parent_message().full_name().to_owned()));
        cycles.push(Cycle { to, back });
    }
    cycles
}

/// The types of messages in a message of a type, each with the fewest fields that lead to it. Contains `of` only if it
/// contains itself.
fn reachable(
    of: &MessageDescriptor,
) -> impl Iterator<Item = (MessageDescriptor, Vec<FieldDescriptor>)> {
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::from([(of.clone(), Vec::new())]);
    let mut found = VecDeque::new();
    std::iter::from_fn(move || {
        while found.is_empty() {
            let (message, to) = queue.pop_front()?;
            for field in message.fields() {
                let Kind::Message(child) = field.kind() else { continue };
                if seen.insert(child.full_name().to_owned()) {
                    let to = [&to[..], &[field]].concat();
                    queue.push_back((child.clone(), to.clone()));
                    found.push_back((child, to));
                }
            }
        }
        found.pop_front()
    })
}

#[cfg(test)]
mod tests {
    use prost_reflect::DynamicMessage;

    use super::*;
    use crate::compare::generated::test_protos;

    fn cases(of: &MessageDescriptor) -> Vec<Case> {
        group("nesting".to_owned(), of).map(|group| group.cases().collect()).unwrap_or_default()
    }

    fn cycle_names(fields: &str) -> Vec<String> {
        let cases = cases(&test_protos::request(fields));
        cases
            .iter()
            .filter_map(|case| case.name.strip_suffix(".depth-40").map(str::to_owned))
            .collect()
    }

    #[test]
    fn a_request_of_depth_100_is_the_last_that_is_read() {
        for fields in ["Request next = 1;", "message A { Request back = 1; } repeated A next = 1;"]
        {
            let request = test_protos::request(fields);
            let cases = cases(&request);
            let read = |case: &Case| DynamicMessage::decode(request.clone(), &case.messages[0][..]);
            let read: Vec<_> = cases.iter().map(|case| read(case).is_ok()).collect();
            assert_eq!(read, [true, true, true, true, false], "{fields}");
        }
    }

    #[test]
    fn maps_are_messages_too() {
        let names = |fields| -> Vec<String> {
            cases(&test_protos::request(fields)).into_iter().map(|case| case.name).collect()
        };
        let depths = ["depth-1", "depth-40", "depth-99", "depth-100", "depth-101"];
        let expected = depths.map(|depth| format!("next.value.{depth}"));
        assert_eq!(names("map<string, Request> next = 1;"), expected);
        let json = names("google.protobuf.Struct next = 1;");
        // One message does not reach the value.
        assert!(json.iter().all(|name| !name.ends_with("depth-1")), "{json:?}");
        assert!(json.contains(&"next.fields.value.struct_value.depth-40".to_owned()), "{json:?}");
        assert!(
            json.contains(&"next.fields.value.list_value.values.list_value.depth-40".to_owned()),
            "{json:?}"
        );
    }

    #[test]
    fn cycles_are_found_at_any_depth_and_through_other_types() {
        assert_eq!(cycle_names("Request next = 1;"), ["next"]);
        let indirect =
            "message A { B b = 1; } message B { A a = 1; } message C { A a = 2; } C c = 3;";
        assert_eq!(cycle_names(indirect), ["c.a.b.a"]);
        let both = "message A { B b = 1; A self = 2; } message B { B self = 1; } A a = 1;";
        assert_eq!(cycle_names(both), ["a.self", "a.b.self"]);
        assert!(cycle_names("message A {} A a = 1; repeated A list = 2;").is_empty());
    }

    #[test]
    fn the_depth_is_the_number_of_messages() {
        let request = test_protos::request("Request next = 1;");
        let case = cases(&request).remove(0);
        assert_eq!((&case.name[..], &case.messages[0][..]), ("next.depth-1", &[0x0a, 0][..]));
    }
}
