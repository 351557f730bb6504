//! The paths of the fields that a message sets, for the coverage.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

/// The paths of the fields that are set in `message`, such as `order.items.price`.
pub(super) fn set_in(message: &DynamicMessage) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    add(message, "", &mut paths);
    paths
}

fn add(message: &DynamicMessage, path: &str, paths: &mut BTreeSet<String>) {
    if message.descriptor().full_name().starts_with("google.protobuf.") {
        return;
    }
    for (field, value) in message.fields() {
        let path = if path.is_empty() {
            field.name().to_owned()
        } else {
            format!("{path}.{}", field.name())
        };
        match value {
            Value::Message(message) => add(message, &path, paths),
            Value::List(values) => {
                for message in values.iter().filter_map(Value::as_message) {
                    add(message, &path, paths);
                }
            }
            Value::Map(entries) => {
                let of_value = format!("{path}.value");
                for message in entries.values().filter_map(Value::as_message) {
                    add(message, &of_value, paths);
                }
                paths.extend([format!("{path}.key"), of_value]);
            }
            _ => {}
        }
        paths.insert(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::test_service;
    use crate::config::document::Node;
    use crate::config::message_table::{self, verbatim};

    #[test]
    fn paths_have_neither_indices_nor_keys() {
        let table = "name = 'pen'\nparts = [{ price = 1 }, { name = 'ink' }]\nstock = { a = 1 }";
        let table = Node::of_toml(table).expect("it is valid");
        let of = test_service::method("Get").input();
        let message = message_table::message(&table, &of, &verbatim).expect("it is valid");
        let expected =
            ["name", "parts", "parts.name", "parts.price", "stock", "stock.key", "stock.value"];
        assert_eq!(set_in(&message), expected.map(str::to_owned).into());
    }
}
