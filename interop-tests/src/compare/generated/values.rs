//! The boundary values of any field, without its tag.

use prost_reflect::{FieldDescriptor, Kind};

use crate::compare::generated::bounds::Bounds;
use crate::compare::generated::variation::Variation;
use crate::compare::generated::well_known::values as well_known;
use crate::compare::generated::{sample, scalars, strings};

/// The boundary values of a field that is neither a list nor a map, or of an element of a list, without tag and
/// length. One value is `default`: that of the type, without a declared default.
pub(super) fn of(field: &FieldDescriptor, bounds: Bounds) -> Vec<Variation> {
    let kind = field.kind();
    match &kind {
        Kind::String | Kind::Bytes => strings::values(&kind, bounds),
        Kind::Message(of) => well_known::values(field, bounds).unwrap_or_else(|| {
            let required = sample::required(of, &[]);
            let mut values = Vec::new();
            if !required.is_empty() {
                values.push(Variation::new("without-required", []));
            }
            let field = field.clone();
            values.push(Variation::new("default", required));
            values.push(Variation::lazy("ordinary", move || sample::value(&field, 0)));
            values
        }),
        kind => scalars::values(kind),
    }
}
