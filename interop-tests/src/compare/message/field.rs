//! A field that a .proto file declares, in its message or as an extension of it.
//!
//! `DynamicMessage::fields` and `has_field` skip a field without presence that contains -0.0, because they compare it
//! with its default by float equality. So the functions here read the value instead.

use std::borrow::Cow;

use prost::encoding::WireType;
use prost_reflect::{
    DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value,
};

/// A field or an extension.
#[derive(Clone, Debug)]
pub(super) enum Field {
    Declared(FieldDescriptor),
    Extension(ExtensionDescriptor),
}

/// Applies a method that both descriptors have.
macro_rules! either {
    ($field:expr, $descriptor:ident => $result:expr) => {
        match $field {
            Field::Declared($descriptor) => $result,
            Field::Extension($descriptor) => $result,
        }
    };
}

impl Field {
    /// The fields of `message`, and its extensions in the same pool.
    pub(super) fn all(message: &MessageDescriptor) -> impl Iterator<Item = Self> {
        let extensions = message.extensions().map(Self::Extension);
        message.fields().map(Self::Declared).chain(extensions)
    }

    /// The field of `message` with this number, if it is known.
    pub(super) fn with_number(message: &MessageDescriptor, number: u32) -> Option<Self> {
        let extension = || message.get_extension(number).map(Self::Extension);
        message.get_field(number).map(Self::Declared).or_else(extension)
    }

    /// Its name; that of an extension is the full name in brackets, as in protobuf's text format.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Declared(field) => field.name().to_owned(),
            Self::Extension(extension) => format!("[{}]", extension.full_name()),
        }
    }

    pub(super) fn number(&self) -> u32 {
        either!(self, field => field.number())
    }

    pub(super) fn kind(&self) -> Kind {
        either!(self, field => field.kind())
    }

    pub(super) fn is_list(&self) -> bool {
        either!(self, field => field.is_list())
    }

    pub(super) fn is_map(&self) -> bool {
        either!(self, field => field.is_map())
    }

    /// Whether it can have this wire type. A repeated field of numbers may be packed or not, whatever is declared.
    pub(super) fn accepts(&self, wire_type: WireType) -> bool {
        let kind = self.kind();
        let is_group = either!(self, field => field.is_group());
        let own = if is_group { WireType::StartGroup } else { kind.wire_type() };
        let is_packable =
            || self.is_list() && !matches!(kind, Kind::String | Kind::Bytes | Kind::Message(_));
        wire_type == own || wire_type == WireType::LengthDelimited && is_packable()
    }

    /// Whether an absent field differs from one that contains its default.
    pub(super) fn has_presence(&self) -> bool {
        either!(self, field => field.supports_presence())
    }

    /// Whether it is a branch of a oneof that has more than one.
    pub(super) fn is_branch(&self) -> bool {
        match self {
            Self::Declared(field) => field.containing_oneof().is_some_and(|of| !of.is_synthetic()),
            Self::Extension(_) => false,
        }
    }

    /// Its value in `message`: `None` if it has presence and is absent.
    pub(super) fn value<'a>(&self, message: &'a DynamicMessage) -> Option<Cow<'a, Value>> {
        let is_absent = self.has_presence()
            && !match self {
                Self::Declared(field) => message.has_field(field),
                Self::Extension(extension) => message.has_extension(extension),
            };
        (!is_absent).then(|| match self {
            Self::Declared(field) => message.get_field(field),
            Self::Extension(extension) => message.get_extension(extension),
        })
    }
}

/// The type of the values of the map whose entries are `entry`.
pub(super) fn kind_of_map_values(entry: &Kind) -> Option<Kind> {
    Some(entry.as_message()?.map_entry_value_field().kind())
}
