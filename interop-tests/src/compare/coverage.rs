//! What the cases of a method exercised: fields, enum values and statuses.
//!
//! A method whose responses never contain a field is not compared in that field, however many cases there are.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{
    DynamicMessage, EnumDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value,
};

use crate::compare::case::Case;
use crate::compare::difference::status_name;
use crate::compare::response::{CallEnd, Response};
use crate::outcome::comparison::{Coverage, Covered};

/// How many levels of messages are counted.
const DEPTH: usize = 3;

/// How many fields or values that were not covered are listed.
const LISTED: usize = 20;

/// What the cases so far exercised.
#[derive(Debug, Default)]
pub(crate) struct CoverageTally {
    request: BTreeSet<String>,
    response: Seen,
    statuses: BTreeMap<String, u64>,
    ok: u64,
}

/// The fields and enum values of messages.
#[derive(Debug, Default)]
struct Seen {
    fields: BTreeSet<String>,
    enum_values: BTreeSet<String>,
}

impl CoverageTally {
    /// Adds a case and the response of the reference.
    pub(crate) fn add(&mut self, case: &Case, of: &MessageDescriptor, response: &Response) {
        for field in &case.fields {
            if !self.request.contains(field) {
                self.request.insert(field.clone());
            }
        }
        let status = match &response.end {
            CallEnd::EndStream => status_name(&response.status),
            end => end.to_string(),
        };
        *self.statuses.entry(status).or_default() += 1;
        self.ok += u64::from(response.is_ok());
        for bytes in response.messages.iter().filter_map(|message| message.bytes.as_ref().ok()) {
            if let Ok(message) = DynamicMessage::decode(of.clone(), &bytes[..]) {
                self.response.add(&message, "", 0);
            }
        }
    }

    /// How often the reference returned OK.
    pub(crate) fn ok(&self) -> u64 {
        self.ok
    }

    /// The statuses of the reference, such as `UNIMPLEMENTED (12)`.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = &str> {
        self.statuses.keys().map(String::as_str)
    }

    /// The coverage of `method`. `requests` are its request fields that have cases, and `omitted` is the number of
    /// those that have none.
    pub(crate) fn finish(
        self,
        method: &MethodDescriptor,
        requests: &[String],
        omitted: usize,
    ) -> Coverage {
        let mut all = Seen::default();
        all.declare(&method.output(), "", 0);
        Coverage {
            request_fields: covered(&requests.iter().cloned().collect(), &self.request),
            response_fields: covered(&all.fields, &self.response.fields),
            enum_values: covered(&all.enum_values, &self.response.enum_values),
            statuses: self.statuses,
            omitted,
        }
    }
}

fn covered(all: &BTreeSet<String>, seen: &BTreeSet<String>) -> Covered {
    let missing: Vec<_> = all.difference(seen).cloned().collect();
    Covered {
        number: all.len() - missing.len(),
        all: all.len(),
        missing: missing.into_iter().take(LISTED).collect(),
    }
}

impl Seen {
    /// Adds the fields that are set in `message`, whose path is `path`.
    fn add(&mut self, message: &DynamicMessage, path: &str, depth: usize) {
        for (field, value) in message.fields() {
            let path = joined(path, field.name());
            self.add_value(value, &field.kind(), &path, depth);
            self.fields.insert(path);
        }
    }

    fn add_value(&mut self, value: &Value, kind: &Kind, path: &str, depth: usize) {
        match value {
            Value::Message(message) if depth + 1 < DEPTH => self.add(message, path, depth + 1),
            Value::EnumNumber(number) => {
                if let Kind::Enum(of) = kind {
                    self.enum_values.extend(name_of(of, *number));
                }
            }
            Value::List(values) => {
                for value in values {
                    self.add_value(value, kind, path, depth);
                }
            }
            Value::Map(entries) => {
                let Kind::Message(entry) = kind else { return };
                let of_value = entry.map_entry_value_field().kind();
                for value in entries.values() {
                    self.add_value(value, &of_value, path, depth);
                }
            }
            _ => {}
        }
    }

    /// Adds all fields and enum values that a message of the type `of` can have.
    fn declare(&mut self, of: &MessageDescriptor, path: &str, depth: usize) {
        for field in of.fields() {
            let path = joined(path, field.name());
            let kind = match field.kind() {
                Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
                kind => kind,
            };
            match kind {
                Kind::Message(of) if depth + 1 < DEPTH => self.declare(&of, &path, depth + 1),
                Kind::Enum(of) => {
                    // The default value of a field without presence is not on the wire.
                    let values = of.values().filter(|it| {
                        it.number() != 0 || field.supports_presence() || field.is_list()
                    });
                    self.enum_values
                        .extend(values.filter_map(|value| name_of(&of, value.number())));
                }
                _ => {}
            }
            self.fields.insert(path);
        }
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The name of an enum value with its type; `None` for an unknown number.
fn name_of(of: &EnumDescriptor, number: i32) -> Option<String> {
    let value = of.get_value(number)?;
    Some(format!("{}.{}", of.name(), value.name()))
}
