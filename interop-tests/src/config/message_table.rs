//! Makes messages from tables.
//!
//! A table names the fields as the .proto file does. Values are set one by one, not by way of JSON, because JSON has
//! neither NaN nor infinity. Only well-known types that have a JSON notation of their own, such as
//! `google.protobuf.Timestamp`, are read as JSON.

use std::collections::HashMap;

use grpc_interop_protocol::hex;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value,
};
use serde_json::Value as Json;

use crate::config::document::{Content, Node, Wrong};

/// What a string in a table stands for.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Text(String),
    /// A value of this kind, and the same as text, for fields of other types.
    Value {
        value: Value,
        text: String,
    },
}

/// Says what a string in a table stands for. The error says why it stands for nothing.
pub(crate) type Replace<'a> = &'a dyn Fn(&str) -> Result<Text, String>;

/// Each string stands for itself.
#[expect(clippy::unnecessary_wraps, reason = "it is a `Replace`")]
pub(crate) fn verbatim(text: &str) -> Result<Text, String> {
    Ok(Text::Text(text.to_owned()))
}

/// The message of the type `of` that `table` describes.
pub(crate) fn message(
    table: &Node,
    of: &MessageDescriptor,
    replace: Replace<'_>,
) -> Result<DynamicMessage, Wrong> {
    let Content::Table(entries) = &table.content else {
        return Err(table.wrong(format!("a {} must be a table", of.full_name())));
    };
    let mut message = DynamicMessage::new(of.clone());
    let mut branches: HashMap<String, String> = HashMap::new();
    for (key, node) in entries {
        let name = &key.name;
        let by_name = of.get_field_by_name(name);
        let Some(field) = by_name.or_else(|| of.get_field_by_json_name(name)) else {
            return Err(Wrong::new(&key.span, unknown_field(of, name)));
        };
        if node.content == Content::Null && !takes_null(&field.kind()) {
            continue;
        }
        let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
        if let Some(oneof) = oneof
            && let Some(other) = branches.insert(oneof.name().to_owned(), name.clone())
        {
            let message =
                format!("`{other}` and `{name}` are in the oneof `{}`; set only one", oneof.name());
            return Err(Wrong::new(&key.span, message));
        }
        message.set_field(&field, field_value(node, &field, replace)?);
    }
    Ok(message)
}

fn unknown_field(of: &MessageDescriptor, name: &str) -> String {
    let fields: Vec<_> = of.fields().map(|field| field.name().to_owned()).collect();
    let of = of.full_name();
    match &fields[..] {
        [] => format!("a {of} has no field `{name}`; it has no fields"),
        fields => {
            format!("a {of} has no field `{name}`; its fields are `{}`", fields.join("`, `"))
        }
    }
}

/// Whether null in JSON is a value of this kind, not an absent field.
fn takes_null(kind: &Kind) -> bool {
    match kind {
        Kind::Message(of) => of.full_name() == "google.protobuf.Value",
        Kind::Enum(of) => is_null_value(of),
        _ => false,
    }
}

fn is_null_value(of: &EnumDescriptor) -> bool {
    of.full_name() == "google.protobuf.NullValue"
}

/// The value of a whole field.
fn field_value(node: &Node, field: &FieldDescriptor, replace: Replace<'_>) -> Result<Value, Wrong> {
    let reader = Reader { field, replace };
    if let Content::String(text) = &node.content
        && let Text::Value { value, .. } = reader.replaced(node, text)?
        && fits(&value, field)
    {
        return Ok(value);
    }
    match (&node.content, field.kind()) {
        (Content::Table(entries), Kind::Message(entry)) if field.is_map() => {
            let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
            let mut map = HashMap::new();
            for (a_key, a_value) in entries {
                let wrong = |message: String| Wrong::new(&a_key.span, message);
                let parsed = map_key(&a_key.name, &key.kind()).ok_or_else(|| {
                    wrong(reader.message(&format!("`{}` is not a key", a_key.name)))
                })?;
                let value = Reader { field: &value, replace }.value(a_value)?;
                if map.insert(parsed, value).is_some() {
                    return Err(wrong(reader.message(&format!("the key {} is twice", a_key.name))));
                }
            }
            Ok(Value::Map(map))
        }
        _ if field.is_map() => Err(reader.wrong(node, "a map must be a table")),
        (Content::List(values), _) if field.is_list() => {
            let values = values.iter().map(|value| reader.value(value));
            Ok(Value::List(values.collect::<Result<_, _>>()?))
        }
        _ if field.is_list() => Err(reader.wrong(node, "a repeated field must be a list")),
        _ => reader.value(node),
    }
}

/// Whether `value` can be that of `field` as it is.
fn fits(value: &Value, field: &FieldDescriptor) -> bool {
    let is_of_type = |value: &Value| match (value, field.kind()) {
        (Value::Message(message), Kind::Message(of)) => {
            use prost_reflect::ReflectMessage as _;
            message.descriptor() == of
        }
        (value, kind) => value.is_valid(&kind),
    };
    match value {
        Value::List(values) => field.is_list() && values.iter().all(is_of_type),
        Value::Map(_) => field.is_map() && value.is_valid_for_field(field),
        value => !field.is_list() && !field.is_map() && is_of_type(value),
    }
}

/// A key of a map whose keys have this kind.
pub(crate) fn map_key(text: &str, kind: &Kind) -> Option<MapKey> {
    Some(match kind {
        Kind::String => MapKey::String(text.to_owned()),
        Kind::Bool => MapKey::Bool(text.parse().ok()?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => MapKey::I32(text.parse().ok()?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => MapKey::I64(text.parse().ok()?),
        Kind::Uint32 | Kind::Fixed32 => MapKey::U32(text.parse().ok()?),
        Kind::Uint64 | Kind::Fixed64 => MapKey::U64(text.parse().ok()?),
        _ => return None,
    })
}

/// Reads the values of a field, or the elements of a list.
struct Reader<'a> {
    field: &'a FieldDescriptor,
    replace: Replace<'a>,
}

impl Reader<'_> {
    fn message(&self, what: &str) -> String {
        format!("{}: {what}", self.field.full_name())
    }

    fn wrong(&self, node: &Node, what: &str) -> Wrong {
        node.wrong(self.message(what))
    }

    fn replaced(&self, node: &Node, text: &str) -> Result<Text, Wrong> {
        (self.replace)(text).map_err(|what| self.wrong(node, &what))
    }

    /// A single value.
    fn value(&self, node: &Node) -> Result<Value, Wrong> {
        let kind = self.field.kind();
        let Content::String(text) = &node.content else {
            return self.value_of(node, &node.content);
        };
        match self.replaced(node, text)? {
            Text::Value { value: Value::Message(message), .. } => match kind {
                Kind::Message(of) if prost_reflect::ReflectMessage::descriptor(&message) == of => {
                    Ok(Value::Message(message))
                }
                _ => Err(self.wrong(node, "the captured value is a message of another type")),
            },
            Text::Value { value: Value::List(_) | Value::Map(_), .. } => {
                Err(self.wrong(node, "the captured value is a list or a map"))
            }
            Text::Value { value, .. } if value.is_valid(&kind) => Ok(value),
            Text::Value { value: Value::String(text), .. } if kind == Kind::Bytes => {
                Ok(Value::Bytes(text.into()))
            }
            Text::Value { value: Value::EnumNumber(number), .. } if kind != Kind::String => {
                self.value_of(node, &Content::Integer(number.into()))
            }
            Text::Text(text) | Text::Value { text, .. } => {
                self.value_of(node, &Content::String(text))
            }
        }
    }

    fn value_of(&self, node: &Node, content: &Content) -> Result<Value, Wrong> {
        let kind = self.field.kind();
        let wrong = |what: &str| self.wrong(node, what);
        Ok(match (&kind, content) {
            (Kind::Bool, Content::Bool(value)) => Value::Bool(*value),
            (Kind::Bool, _) => return Err(wrong("a bool must be `true` or `false`")),
            (Kind::Int32 | Kind::Sint32 | Kind::Sfixed32, _) => {
                Value::I32(self.integer(node, content)?)
            }
            (Kind::Int64 | Kind::Sint64 | Kind::Sfixed64, _) => {
                Value::I64(self.integer(node, content)?)
            }
            (Kind::Uint32 | Kind::Fixed32, _) => Value::U32(self.integer(node, content)?),
            (Kind::Uint64 | Kind::Fixed64, _) => Value::U64(self.integer(node, content)?),
            (Kind::Float, _) => float(content).map(Value::F32).map_err(|what| wrong(&what))?,
            (Kind::Double, _) => double(content).map(Value::F64).map_err(|what| wrong(&what))?,
            (Kind::String, Content::String(text)) => Value::String(text.clone()),
            (Kind::String, _) => return Err(wrong("a string is needed")),
            (Kind::Bytes, _) => Value::Bytes(bytes(content).map_err(|what| wrong(&what))?.into()),
            (Kind::Enum(of), Content::String(name)) => match of.get_value_by_name(name) {
                Some(value) => Value::EnumNumber(value.number()),
                // A captured number may be text.
                None => {
                    Value::EnumNumber(name.parse().map_err(|_| wrong(&unknown_value(of, name)))?)
                }
            },
            (Kind::Enum(of), Content::Null) if is_null_value(of) => Value::EnumNumber(0),
            (Kind::Enum(of), Content::Integer(number)) => Value::EnumNumber(
                i32::try_from(*number)
                    .map_err(|_| wrong(&unknown_value(of, &number.to_string())))?,
            ),
            (Kind::Enum(_), _) => return Err(wrong("an enum value must be a name or a number")),
            (Kind::Message(of), content) => Value::Message(self.child(node, content, of)?),
        })
    }

    fn integer<T: TryFrom<i128>>(&self, node: &Node, content: &Content) -> Result<T, Wrong> {
        let name = format!("{:?}", self.field.kind());
        let number = match content {
            Content::Integer(number) => Some(*number),
            Content::String(text) => text.parse().ok(),
            Content::Float(number) => whole(*number),
            _ => None,
        };
        let number =
            number.ok_or_else(|| self.wrong(node, &format!("an {name} must be a whole number")))?;
        T::try_from(number)
            .map_err(|_| self.wrong(node, &format!("{number} is outside the range of {name}")))
    }

    /// The value of a field that is a message.
    fn child(
        &self,
        node: &Node,
        content: &Content,
        of: &MessageDescriptor,
    ) -> Result<DynamicMessage, Wrong> {
        let is_table = matches!(content, Content::Table(_));
        let is_json = match of.full_name() {
            "google.protobuf.Struct" | "google.protobuf.Value" | "google.protobuf.ListValue" => {
                true
            }
            "google.protobuf.Timestamp"
            | "google.protobuf.Duration"
            | "google.protobuf.FieldMask" => !is_table,
            "google.protobuf.Any" => {
                let Content::Table(entries) = content else {
                    return Err(self.wrong(node, "a google.protobuf.Any must be a table"));
                };
                entries.iter().any(|(key, _)| key.name == "@type")
            }
            _ => false,
        };
        if is_json {
            let json = self.json(node, content)?;
            return DynamicMessage::deserialize(of.clone(), json).map_err(|error| {
                self.wrong(node, &format!("this is not a valid {}: {error}", of.full_name()))
            });
        }
        if let Some(field) = wrapped(of).filter(|_| !is_table) {
            let mut message = DynamicMessage::new(of.clone());
            let value = Reader { field: &field, replace: &verbatim }.value_of(node, content)?;
            message.set_field(&field, value);
            return Ok(message);
        }
        if !is_table {
            return Err(self.wrong(node, &format!("a {} must be a table", of.full_name())));
        }
        message(node, of, self.replace)
    }

    fn json(&self, node: &Node, content: &Content) -> Result<Json, Wrong> {
        Ok(match content {
            Content::Null => Json::Null,
            Content::Bool(value) => (*value).into(),
            Content::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => number.into(),
                (_, Ok(number)) => number.into(),
                _ => return Err(self.wrong(node, "the number is too large")),
            },
            Content::Float(number) => serde_json::Number::from_f64(*number)
                .ok_or_else(|| {
                    self.wrong(node, "JSON has no such number; write the whole message in hex")
                })?
                .into(),
            Content::String(text) => match self.replaced(node, text)? {
                Text::Text(text) | Text::Value { text, .. } => text.into(),
            },
            Content::Datetime(time) => time.clone().into(),
            Content::List(nodes) => {
                nodes.iter().map(|it| self.json(it, &it.content)).collect::<Result<_, _>>()?
            }
            Content::Table(entries) => {
                let mut object = serde_json::Map::new();
                for (key, value) in entries {
                    object.insert(key.name.clone(), self.json(value, &value.content)?);
                }
                object.into()
            }
        })
    }
}

/// The field of a wrapper such as `google.protobuf.Int32Value`.
fn wrapped(of: &MessageDescriptor) -> Option<FieldDescriptor> {
    const WRAPPERS: [&str; 9] =
        ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"];
    let name = of.full_name().strip_prefix("google.protobuf.")?.strip_suffix("Value")?;
    WRAPPERS.contains(&name).then(|| of.get_field(1)).flatten()
}

fn unknown_value(of: &EnumDescriptor, name: &str) -> String {
    let names: Vec<_> = of.values().map(|value| value.name().to_owned()).collect();
    format!("a {} has no value `{name}`; its values are `{}`", of.full_name(), names.join("`, `"))
}

/// A float without a fraction as an integer.
fn whole(number: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is small")]
    let whole = (number.abs() <= EXACT && number.fract() == 0.0).then_some(number as i128);
    whole
}

const FLOAT: &str = "a float must be a number, or its bits as \"0x\" and 8 hex digits";
const DOUBLE: &str = "a double must be a number, or its bits as \"0x\" and 16 hex digits";

fn float(content: &Content) -> Result<f32, String> {
    if let Some(digits) = bits(content) {
        let bits = (digits.len() == 8).then(|| u32::from_str_radix(digits, 16).ok()).flatten();
        return bits.map(f32::from_bits).ok_or_else(|| FLOAT.to_owned());
    }
    let double = number(content).ok_or(FLOAT)?;
    #[expect(clippy::cast_possible_truncation, reason = "the nearest float is meant")]
    let float = double as f32;
    if double.is_finite() && float.is_infinite() {
        return Err(format!("{double} is too large for a float"));
    }
    Ok(float)
}

fn double(content: &Content) -> Result<f64, String> {
    if let Some(digits) = bits(content) {
        let bits = (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten();
        return bits.map(f64::from_bits).ok_or_else(|| DOUBLE.to_owned());
    }
    number(content).ok_or_else(|| DOUBLE.to_owned())
}

/// The hex digits of the bits of a number.
fn bits(content: &Content) -> Option<&str> {
    match content {
        Content::String(text) => text.strip_prefix("0x"),
        _ => None,
    }
}

fn number(content: &Content) -> Option<f64> {
    match content {
        #[expect(clippy::cast_precision_loss, reason = "the nearest double is meant")]
        Content::Integer(number) => Some(*number as f64),
        Content::Float(number) => Some(*number),
        Content::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Bytes as hex digits, or as `{ bytes = "00", times = 1000 }`.
fn bytes(content: &Content) -> Result<Vec<u8>, String> {
    const LONGEST: usize = 1 << 30;
    let decoded = |digits: &str| {
        let digits: String = digits.split_whitespace().collect();
        hex::decode(&digits).map_err(|_| "bytes must be hex digits, two per byte".to_owned())
    };
    match content {
        Content::String(digits) => decoded(digits),
        Content::Table(entries) => {
            let get = |name: &str| entries.iter().find(|(key, _)| key.name == name);
            let parts = (get("bytes"), get("times"));
            let ((_, Node { content: Content::String(digits), .. }), (_, times)) =
                parts.0.zip(parts.1).filter(|_| entries.len() == 2).ok_or(BYTES)?
            else {
                return Err(BYTES.to_owned());
            };
            let Content::Integer(times) = times.content else { return Err(BYTES.to_owned()) };
            let bytes = decoded(digits)?;
            let times = usize::try_from(times).ok();
            let length = times.and_then(|times| times.checked_mul(bytes.len()));
            match (times, length) {
                (Some(times), Some(length)) if length <= LONGEST => Ok(bytes.repeat(times)),
                _ => Err(format!("at most {LONGEST} bytes can be repeated")),
            }
        }
        _ => Err(BYTES.to_owned()),
    }
}

const BYTES: &str = "bytes must be hex digits, or a table with `bytes` and `times`";

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use prost_reflect::DescriptorPool;

    use super::*;
    use crate::config::message_encoding::encode;

    const PROTO: &str = r#"
syntax = "proto3";
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";

enum Colour { NONE = 0; RED = 1; }

message All {
  float single = 1; double number = 2; int32 small = 3; uint64 large = 4; bool flag = 5; string text = 6;
  bytes data = 7; Colour colour = 8; All child = 9; repeated All children = 10; repeated Colour colours = 11;
  map<string, int32> counts = 12; map<int64, All> by_id = 13; map<bool, Colour> by_flag = 14;
  map<string, bytes> blobs = 15; optional int32 maybe = 16; oneof choice { int32 one = 17; string two = 18; }
  repeated double unpacked = 19 [packed = false]; repeated sint32 packed = 20;
  google.protobuf.Timestamp time = 21; google.protobuf.Duration duration = 22; google.protobuf.Struct struct = 23;
  google.protobuf.Any any = 24; google.protobuf.DoubleValue wrapped = 25; google.protobuf.BytesValue blob = 26;
  google.protobuf.Value value = 27;
}
"#;

    /// The message type, always of the same pool.
    fn all() -> MessageDescriptor {
        static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
            let folder = tempfile::tempdir().expect("cannot create a folder");
            let path = folder.path().join("all.proto");
            std::fs::write(&path, PROTO).expect("cannot write a file");
            let mut compiler = protox::Compiler::new([folder.path()]).expect("there is no folder");
            compiler.include_imports(true);
            compiler.open_file(path).expect("it compiles").descriptor_pool()
        });
        POOL.get_message_by_name("All").expect("it is declared")
    }

    fn read(node: Result<Node, Wrong>, replace: Replace<'_>) -> Result<DynamicMessage, Wrong> {
        message(&node.expect("it is well-formed"), &all(), replace)
    }

    /// The message in hex that a TOML table stands for.
    fn toml(table: &str) -> Result<String, String> {
        let message = read(Node::of_toml(table), &verbatim).map_err(|wrong| wrong.message)?;
        Ok(hex::encode(&encode(&message)))
    }

    /// The text of the message that a TOML table stands for.
    #[track_caller]
    fn text(table: &str) -> String {
        read(Node::of_toml(table), &verbatim).expect(table).to_text_format()
    }

    #[test]
    fn a_map_is_a_table_of_its_keys() {
        assert_eq!(
            toml("counts = { b = 2, a = 1 }").as_deref(),
            Ok("62050a0161100162050a01621002")
        );
        assert_eq!(text("by_id = { '-7' = { small = 1 } }"), "by_id:[{key:-7,value{small:1}}]");
        assert_eq!(text("by_flag = { true = 'RED' }"), "by_flag:[{key:true,value:RED}]");
        assert_eq!(text("blobs = { a = '00ff' }"), r#"blobs:[{key:"a",value:"\000\377"}]"#);
        for (table, message) in [
            ("counts = [1]", "All.counts: a map must be a table"),
            ("by_id = { a = {} }", "All.by_id: `a` is not a key"),
            ("by_id = { 1 = {}, 01 = {} }", "All.by_id: the key 01 is twice"),
            ("counts = { a = 'x' }", "All.CountsEntry.value: an int32 must be a whole number"),
        ] {
            assert_eq!(toml(table), Err(message.to_owned()));
        }
    }

    #[test]
    fn all_floats_can_be_written() {
        assert_eq!(toml("single = -0.0").as_deref(), Ok("0d00000080"));
        assert_eq!(toml("number = -0.0").as_deref(), Ok("110000000000000080"));
        assert_eq!(toml("single = nan").as_deref(), Ok("0d0000c07f"));
        assert_eq!(toml("single = '0x7fc00001'").as_deref(), Ok("0d0100c07f"));
        assert_eq!(toml("number = '0x7ff8000000000001'").as_deref(), Ok("11010000000000f87f"));
        assert_eq!(toml("number = -inf").as_deref(), Ok("11000000000000f0ff"));
        assert_eq!(toml("number = 'NaN'").as_deref(), Ok("11000000000000f87f"));
        assert_eq!(toml("wrapped = -0.0").as_deref(), Ok("ca0109090000000000000080"));
        assert_eq!(toml("single = 0.0").as_deref(), Ok(""));
        for table in ["single = '0x7fc0'", "single = 'x'", "single = true", "single = 1e300"] {
            assert!(toml(table).expect_err(table).starts_with("All.single: "), "{table}");
        }
    }

    #[test]
    fn lists_are_packed_as_declared() {
        assert_eq!(toml("packed = [1, -1]").as_deref(), Ok("a201020201"));
        assert_eq!(
            toml("unpacked = [1, 2]").as_deref(),
            Ok("9901000000000000f03f99010000000000000040")
        );
        assert_eq!(toml("colours = ['RED', 0]").as_deref(), Ok("5a020100"));
    }

    #[test]
    fn scalars_are_checked() {
        assert_eq!(
            text("large = '18446744073709551615'\nmaybe = 0"),
            "large:18446744073709551615,maybe:0"
        );
        assert_eq!(
            text("colour = 7\nflag = true\ndata = { bytes = '61', times = 3 }"),
            r#"flag:true,data:"aaa",colour:7"#
        );
        assert_eq!(text("small = 2.0"), "small:2");
        for (table, message) in [
            ("small = 3000000000", "All.small: 3000000000 is outside the range of int32"),
            ("small = 1.5", "All.small: an int32 must be a whole number"),
            ("large = -1", "All.large: -1 is outside the range of uint64"),
            (
                "colour = 'PINK'",
                "All.colour: a Colour has no value `PINK`; its values are `NONE`, `RED`",
            ),
            ("text = 1", "All.text: a string is needed"),
            ("flag = 1", "All.flag: a bool must be"),
            ("data = 'a'", "All.data: bytes must be hex digits, two per byte"),
            ("data = { bytes = '00' }", "All.data: bytes must be hex digits, or a table"),
            ("children = {}", "All.children: a repeated field must be a list"),
            ("child = 1", "All.child: a All must be a table"),
            ("one = 1\ntwo = 'a'", "`one` and `two` are in the oneof `choice`; set only one"),
            ("child = { colr = 1 }", "a All has no field `colr`; its fields are `single`, "),
        ] {
            let error = toml(table).expect_err(table);
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn well_known_types_have_the_notation_of_json() {
        assert_eq!(
            text("time = 1970-01-01T00:00:01Z\nduration = '1.5s'"),
            "time{seconds:1},duration{seconds:1,nanos:500000000}"
        );
        assert_eq!(text("time = { seconds = 1 }"), "time{seconds:1}");
        assert_eq!(
            text("struct = { a = 1 }"),
            r#"struct{fields:[{key:"a",value{number_value:1.0}}]}"#
        );
        assert_eq!(
            text("blob = '61'\nany = { value = '61' }"),
            r#"any{value:"a"},blob{value:"a"}"#
        );
        let any = "any = { '@type' = 'type.googleapis.com/All', small = 1 }";
        assert_eq!(
            toml(any).as_deref(),
            Ok("c2011d0a17747970652e676f6f676c65617069732e636f6d2f416c6c12021801")
        );
        assert!(
            toml("time = 'now'")
                .expect_err("no time")
                .starts_with("All.time: this is not a valid google.protobuf.Timestamp")
        );
    }

    #[test]
    fn json_has_null_and_other_names() {
        let json =
            r#"{"byId": {"1": {"small": null}}, "value": null, "large": 18446744073709551615}"#;
        let message = read(Node::of_json(json), &verbatim).expect("it is valid");
        let expected =
            "large:18446744073709551615,by_id:[{key:1,value{}}],value{null_value:NULL_VALUE}";
        assert_eq!(message.to_text_format(), expected);
    }

    #[test]
    fn an_error_has_its_place() {
        let json = "{\"small\": 1,\n\"child\": {\n\"small\": \"x\"}}";
        let error = read(Node::of_json(json), &verbatim).expect_err("it is not valid");
        assert_eq!(&json[error.span], "\"x\"");
        let table = "small = 1\nchild.colr = 1";
        let error = read(Node::of_toml(table), &verbatim).expect_err("it is not valid");
        assert_eq!(&table[error.span], "colr");
    }

    #[test]
    fn a_string_may_stand_for_a_value() {
        let with = |value: Value, text: &str, table: &str| {
            let text = text.to_owned();
            let replace =
                move |_: &str| Ok(Text::Value { value: value.clone(), text: text.clone() });
            let message = read(Node::of_toml(table), &replace);
            message.map(|it| it.to_text_format()).map_err(|wrong| wrong.message)
        };
        let seven = |table: &str| with(Value::I64(7), "7", table);
        assert_eq!(seven("small = '{it}'").as_deref(), Ok("small:7"));
        assert_eq!(seven("text = '{it}'\nnumber = '{it}'").as_deref(), Ok("number:7.0,text:\"7\""));
        assert_eq!(
            seven("flag = '{it}'"),
            Err("All.flag: a bool must be `true` or `false`".to_owned())
        );
        let bytes = |table: &str| with(Value::Bytes(vec![0x61].into()), "61", table);
        assert_eq!(bytes("data = '{it}'\ntext = '{it}'").as_deref(), Ok("text:\"61\",data:\"a\""));
        assert_eq!(with(Value::Bool(true), "true", "flag = '{it}'").as_deref(), Ok("flag:true"));
        let red = |table: &str| with(Value::EnumNumber(1), "RED", table);
        assert_eq!(
            red("colour = '{it}'\nsmall = '{it}'\ntext = '{it}'").as_deref(),
            Ok("small:1,text:\"RED\",colour:RED")
        );
        let list = |table: &str| with(Value::List(vec![Value::EnumNumber(1)]), "", table);
        assert_eq!(list("colours = '{it}'").as_deref(), Ok("colours:[RED]"));
        assert_eq!(
            list("colour = '{it}'"),
            Err("All.colour: the captured value is a list or a map".to_owned())
        );
        let child = |table: &str| with(Value::Message(DynamicMessage::new(all())), "", table);
        assert_eq!(
            child("child = '{it}'\nchildren = ['{it}']").as_deref(),
            Ok("child{},children:[{}]")
        );
        assert!(child("time = '{it}'").is_err());
    }
}
