//! The fields of a product that an update changes.

use super::validation::Violations;
use crate::proto::Product;

macro_rules! fields {
    ($($field:ident),* $(,)?) => {
        const FIELDS: &[&str] = &[$(stringify!($field)),*];

        /// Copies the field at `path`.
        fn copy(path: &str, from: &Product, to: &mut Product) {
            match path {
                $(stringify!($field) => to.$field.clone_from(&from.$field),)*
                _ => {}
            }
        }
    };
}

fields! {
    attributes,
    category,
    display_name,
    labels,
    lead_time,
    localized_names,
    minimum_age,
    price,
    rating,
    state,
    stock,
    subtitle,
    tags,
    weight,
}

/// Checks the paths of a mask.
pub(crate) fn check(paths: &[String], violations: &mut Violations) {
    for (index, path) in paths.iter().enumerate() {
        if !FIELDS.contains(&path.as_str()) {
            let field = format!("update_mask.paths[{index}]");
            violations.add(field, "is not a field that an update can change");
        }
    }
}

/// A stored product with the fields of an update. Without paths, all fields change.
pub(crate) fn merged(stored: &Product, update: Product, paths: &[String]) -> Product {
    if paths.is_empty() {
        return update;
    }
    let mut product = stored.clone();
    for path in paths {
        copy(path, &update, &mut product);
    }
    product
}
