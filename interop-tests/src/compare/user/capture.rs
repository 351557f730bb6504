//! Takes a value out of a response.
//!
//! The path of the value is checked against the type of the response before anything runs. Whether a response has the
//! value is known only then.

use std::fmt;

use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, MethodDescriptor, Value,
};

use crate::compare::difference::status_name;
use crate::compare::response::{CallEnd, Response};
use crate::compare::user::captured::CapturedValue;
use crate::config::message_table::map_key;

/// A value that a step captures.
#[derive(Clone, Debug)]
pub(super) struct Capture {
    /// The name by which later steps use it.
    pub(super) name: String,
    pub(super) path: CapturePath,
    /// The file and line, for messages.
    pub(super) place: String,
}

/// The path of a value in a response, such as `items[0].name`.
#[derive(Clone, Debug)]
pub(super) struct CapturePath {
    text: String,
    response: MessageDescriptor,
    /// Which of the response messages.
    message: usize,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
enum Segment {
    Field(FieldDescriptor),
    Index(usize),
    Key(MapKey),
}

/// What a part of a path leads to.
enum Reached {
    Message(MessageDescriptor),
    List(FieldDescriptor),
    Map(FieldDescriptor),
    Other,
}

impl Reached {
    fn of(field: &FieldDescriptor) -> Self {
        match field.kind() {
            _ if field.is_map() => Self::Map(field.clone()),
            _ if field.is_list() => Self::List(field.clone()),
            kind => Self::of_kind(kind),
        }
    }

    fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Message(of) => Self::Message(of),
            _ => Self::Other,
        }
    }
}

impl CapturePath {
    /// Parses the path of a value in a response of `method`. If the method streams responses, the path begins with the
    /// index of one.
    pub(super) fn parse(text: &str, method: &MethodDescriptor) -> Result<Self, String> {
        let response = method.output();
        let (message, rest) = match text.strip_prefix('[') {
            Some(rest) if method.is_server_streaming() => {
                let parsed = rest.split_once(']').and_then(|(index, rest)| {
                    Some((index.parse().ok()?, rest.strip_prefix('.').unwrap_or(rest)))
                });
                parsed.ok_or_else(|| format!("`{text}` must begin with an index, such as `[0]`"))?
            }
            None if method.is_server_streaming() => {
                let method = method.full_name();
                return Err(format!(
                    "{method} streams responses, so a path begins with the index of one: `[0].{text}`"
                ));
            }
            _ => (0, text),
        };
        let mut path = Self { text: text.to_owned(), response, message, segments: Vec::new() };
        path.parse_segments(rest)?;
        Ok(path)
    }

    fn parse_segments(&mut self, text: &str) -> Result<(), String> {
        let mut reached = Reached::Message(self.response.clone());
        let mut rest = text;
        while !rest.is_empty() {
            let segment;
            if let Some(after) = rest.strip_prefix('[') {
                (segment, rest) = self.index(after, &reached)?;
                reached = match &reached {
                    Reached::List(field) => Reached::of_kind(field.kind()),
                    Reached::Map(field) => Reached::of_kind(kind_of_values(field)),
                    Reached::Message(_) | Reached::Other => reached,
                };
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                let field = self.field(name, &reached)?;
                reached = Reached::of(&field);
                (segment, rest) = (Segment::Field(field), after);
            }
            self.segments.push(segment);
            if let Some(after) = rest.strip_prefix('.') {
                if after.is_empty() {
                    return Err(format!("`{self}` must not end with a dot"));
                }
                rest = after;
            }
        }
        Ok(())
    }

    fn field(&self, name: &str, reached: &Reached) -> Result<FieldDescriptor, String> {
        let Reached::Message(of) = reached else {
            return Err(match reached {
                Reached::List(_) => {
                    format!("`{self}`: `{name}` needs an index before it: `[0].{name}`")
                }
                Reached::Map(_) => {
                    format!("`{self}`: `{name}` needs a key before it: `[KEY].{name}`")
                }
                _ => format!("`{self}`: there is no `{name}` in a value that is not a message"),
            });
        };
        let field = of.get_field_by_name(name).or_else(|| of.get_field_by_json_name(name));
        field.ok_or_else(|| {
            let fields: Vec<_> = of.fields().map(|field| format!("`{}`", field.name())).collect();
            format!(
                "`{self}`: a {} has no field `{name}`; its fields are {}",
                of.full_name(),
                fields.join(", ")
            )
        })
    }

    /// Parses an index or a key and its closing bracket.
    fn index<'t>(&self, text: &'t str, reached: &Reached) -> Result<(Segment, &'t str), String> {
        let quoted = text.strip_prefix('"').and_then(|text| text.split_once("\"]"));
        let Some((index, rest)) = quoted.or_else(|| text.split_once(']')) else {
            return Err(format!("`{self}`: a `]` is missing"));
        };
        let segment = match reached {
            Reached::List(_) => index.parse().ok().map(Segment::Index),
            Reached::Map(field) => {
                kind_of_keys(field).and_then(|kind| map_key(index, &kind)).map(Segment::Key)
            }
            _ => return Err(format!("`{self}`: only a list or a map has `[{index}]`")),
        };
        let segment = segment.ok_or_else(|| format!("`{self}`: `{index}` is not an index or key"));
        Ok((segment?, rest))
    }

    /// A value of the type to which it leads, for the check of the steps that use it.
    pub(super) fn sample(&self) -> CapturedValue {
        let of_kind = |kind: Kind| {
            // Not the default, with which a field would not be set. A text may be used as a number.
            let value = match (&kind, kind.default_value()) {
                (_, Value::Bool(_)) => Value::Bool(true),
                (_, Value::I32(_)) => Value::I32(1),
                (_, Value::I64(_)) => Value::I64(1),
                (_, Value::U32(_)) => Value::U32(1),
                (_, Value::U64(_)) => Value::U64(1),
                (_, Value::F32(_)) => Value::F32(1.0),
                (_, Value::F64(_)) => Value::F64(1.0),
                (_, Value::String(_)) => Value::String("1".to_owned()),
                (_, Value::Bytes(_)) => Value::Bytes(vec![1].into()),
                (Kind::Enum(of), default) => {
                    let last = of.values().last();
                    last.map_or(default, |value| Value::EnumNumber(value.number()))
                }
                (_, default) => default,
            };
            CapturedValue { value, kind }
        };
        let field = self.segments.iter().rev().find_map(|segment| match segment {
            Segment::Field(field) => Some(field),
            Segment::Index(_) | Segment::Key(_) => None,
        });
        match (self.segments.last(), field) {
            (Some(Segment::Field(field)), _) if field.is_list() || field.is_map() => {
                CapturedValue { value: Value::default_value_for_field(field), kind: field.kind() }
            }
            (Some(Segment::Key(_)), Some(field)) => of_kind(kind_of_values(field)),
            (_, Some(field)) => of_kind(field.kind()),
            (_, None) => of_kind(Kind::Message(self.response.clone())),
        }
    }

    /// The value in `response`. The error says why there is none.
    pub(super) fn value(&self, response: &Response) -> Result<CapturedValue, String> {
        let Some(message) = response.messages.get(self.message) else {
            let status = match &response.end {
                CallEnd::EndStream => status_name(&response.status),
                end => end.to_string(),
            };
            let count = response.messages.len();
            return Err(format!("there are {count} response messages, and the status is {status}"));
        };
        let bytes = message.bytes.as_ref().map_err(Clone::clone)?;
        let message = DynamicMessage::decode(self.response.clone(), &bytes[..])
            .map_err(|error| error.to_string())?;
        let mut kind = Kind::Message(self.response.clone());
        let mut value = Value::Message(message);
        for segment in &self.segments {
            value = match (segment, &value) {
                (Segment::Field(field), Value::Message(message)) => {
                    kind = field.kind();
                    if field.supports_presence() && !message.has_field(field) {
                        return Err(format!("`{}` is not set", field.name()));
                    }
                    message.get_field(field).into_owned()
                }
                (Segment::Index(index), Value::List(values)) => {
                    let count = values.len();
                    let value = values.get(*index).cloned();
                    value.ok_or_else(|| {
                        format!("there is no index {index}, only {count} elements")
                    })?
                }
                (Segment::Key(key), Value::Map(entries)) => {
                    if let Kind::Message(entry) = &kind {
                        kind = entry.map_entry_value_field().kind();
                    }
                    let value = entries.get(key).cloned();
                    value.ok_or_else(|| format!("there is no key {key:?}"))?
                }
                _ => return Err("the value has another type".to_owned()),
            };
        }
        Ok(CapturedValue { value, kind })
    }
}

fn kind_of_values(map: &FieldDescriptor) -> Kind {
    match map.kind() {
        Kind::Message(entry) => entry.map_entry_value_field().kind(),
        kind => kind,
    }
}

fn kind_of_keys(map: &FieldDescriptor) -> Option<Kind> {
    Some(map.kind().as_message()?.map_entry_key_field().kind())
}

impl fmt::Display for CapturePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::compare::response::ResponseMessage;
    use crate::compare::test_service;
    use crate::config::document::Node;
    use crate::config::message_table::{self, verbatim};

    fn path(text: &str) -> Result<CapturePath, String> {
        CapturePath::parse(text, &test_service::method("Get"))
    }

    /// A response with one message.
    fn response(table: &str) -> Response {
        let of = test_service::method("Get").output();
        let table = Node::of_toml(table).expect("it is valid");
        let message = message_table::message(&table, &of, &verbatim).expect("it is valid");
        let message = ResponseMessage { is_compressed: false, bytes: Ok(message.encode_to_vec()) };
        Response { messages: vec![message], ..Response::without_answer(CallEnd::EndStream) }
    }

    fn found(text: &str) -> Result<Option<String>, String> {
        let response = response(
            "name = 'pen'\ncolour = 'BLUE'\nparts = [{ name = 'ink' }]\nstock = { 'a.b' = 3 }",
        );
        path(text).expect(text).value(&response).map(|value| value.text())
    }

    #[test]
    fn a_path_leads_to_a_value() {
        assert_eq!(found("name"), Ok(Some("pen".to_owned())));
        assert_eq!(found("colour"), Ok(Some("BLUE".to_owned())));
        assert_eq!(found("parts[0].name"), Ok(Some("ink".to_owned())));
        assert_eq!(found("stock[a.b]"), Ok(Some("3".to_owned())));
        assert_eq!(found("stock[\"a.b\"]"), Ok(Some("3".to_owned())));
        assert_eq!(found("price"), Ok(Some("0".to_owned())), "it has no presence");
        assert_eq!(found("parts"), Ok(None), "a list has no text");
        assert_eq!(found("parts[1]").expect_err("absent"), "there is no index 1, only 1 elements");
        assert!(found("stock[c]").expect_err("absent").starts_with("there is no key"));
    }

    #[test]
    fn a_response_without_messages_has_no_value() {
        let mut response = Response::without_answer(CallEnd::EndStream);
        response.status = "5".to_owned();
        let error = path("name").expect("it is valid").value(&response).expect_err("no message");
        assert_eq!(error, "there are 0 response messages, and the status is NOT_FOUND (5)");
    }

    #[test]
    fn a_path_is_checked_against_the_type() {
        for (text, message) in [
            ("names", "a shop.Item has no field `names`; its fields are `name`"),
            ("parts.name", "needs an index before it"),
            ("stock.a", "needs a key before it"),
            ("parts[a]", "`a` is not an index"),
            ("parts[0", "a `]` is missing"),
            ("name[0]", "only a list or a map has"),
            ("name.first", "not a message"),
            ("parts[0].", "must not end with a dot"),
        ] {
            let error = path(text).expect_err(text);
            assert!(error.contains(message), "{text}: {error}");
        }
        let watch = test_service::method("Watch");
        assert!(
            CapturePath::parse("name", &watch).expect_err("it streams").ends_with("`[0].name`")
        );
        assert!(CapturePath::parse("[1].name", &watch).is_ok());
    }

    #[test]
    fn a_sample_has_the_type_of_the_value() {
        let sample = |text: &str| path(text).expect(text).sample().value;
        assert_eq!(sample("name"), Value::String("1".to_owned()));
        assert_eq!(sample("colour"), Value::EnumNumber(2));
        assert_eq!(sample("stock[a]"), Value::I32(1));
        assert_eq!(sample("parts"), Value::List(Vec::new()));
        assert!(matches!(sample("parts[0]"), Value::Message(_)));
    }
}
