//! The path of a field in a message, such as `order.items[2].price`.
//!
//! Differences at the same pattern, which is the path without indices and keys, have most likely the same cause.

use std::fmt;

/// The path of a field; the empty path is the whole message.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FieldPath(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Segment {
    /// A field or a oneof. The name of an extension is in brackets.
    Field(String),
    /// An element of a repeated field.
    Index(usize),
    /// An entry of a map. The key is shown as text.
    Key(String),
    /// The content of a `google.protobuf.Any`, which has this type.
    Any(String),
    /// All unknown fields with this number.
    Unknown(u32),
    /// All fields with this number whose wire type is not that of its type.
    OtherWireType(u32),
}

impl Segment {
    pub(super) fn is_other_wire_type(&self) -> bool {
        matches!(self, Self::OtherWireType(_))
    }
}

impl FieldPath {
    pub(super) fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// The path without indices and keys, such as `order.items[].price`.
    pub(crate) fn pattern(&self) -> String {
        self.text(true)
    }

    fn text(&self, is_pattern: bool) -> String {
        use fmt::Write as _;

        let mut text = String::new();
        for segment in &self.0 {
            let is_part_of_previous =
                matches!(segment, Segment::Index(_) | Segment::Key(_) | Segment::Any(_));
            if !is_part_of_previous && !text.is_empty() {
                text.push('.');
            }
            // Writing to a string does not fail.
            let _ = match segment {
                Segment::Field(name) => write!(text, "{name}"),
                Segment::Index(_) | Segment::Key(_) if is_pattern => write!(text, "[]"),
                Segment::Index(index) => write!(text, "[{index}]"),
                Segment::Key(key) => write!(text, "[{key}]"),
                Segment::Any(of) => write!(text, "[{of}]"),
                Segment::Unknown(number) => write!(text, "(unknown field {number})"),
                Segment::OtherWireType(number) => {
                    write!(text, "(field {number} with another wire type)")
                }
            };
        }
        text
    }
}

impl FromIterator<Segment> for FieldPath {
    fn from_iter<T: IntoIterator<Item = Segment>>(segments: T) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(segments: &[Segment]) -> FieldPath {
        FieldPath(segments.to_vec())
    }

    fn field(name: &str) -> Segment {
        Segment::Field(name.to_owned())
    }

    #[test]
    fn a_path_has_indices_and_keys_and_its_pattern_has_not() {
        let price = path(&[field("order"), field("items"), Segment::Index(2), field("price")]);
        assert_eq!(price.to_string(), "order.items[2].price");
        assert_eq!(price.pattern(), "order.items[].price");
        let label = path(&[field("labels"), Segment::Key("\"a\"".to_owned())]);
        assert_eq!(label.to_string(), "labels[\"a\"]");
        assert_eq!(label.pattern(), "labels[]");
    }

    #[test]
    fn the_type_of_any_content_is_part_of_the_pattern() {
        let text = path(&[field("detail"), Segment::Any("shop.Note".to_owned()), field("text")]);
        assert_eq!(text.to_string(), "detail[shop.Note].text");
        assert_eq!(text.pattern(), "detail[shop.Note].text");
    }

    #[test]
    fn an_unknown_field_and_an_extension_are_marked() {
        let unknown = path(&[field("order"), Segment::Unknown(99)]);
        assert_eq!(unknown.to_string(), "order.(unknown field 99)");
        assert_eq!(unknown.pattern(), unknown.to_string());
        let other = path(&[field("order"), Segment::OtherWireType(5)]);
        assert_eq!(other.to_string(), "order.(field 5 with another wire type)");
        assert_eq!(other.pattern(), other.to_string());
        assert_eq!(path(&[field("order"), field("[shop.gift]")]).to_string(), "order.[shop.gift]");
        assert_eq!(FieldPath::default().to_string(), "");
    }
}
