//! The differences between two messages, by field.
//!
//! A server with one fault can differ in every element of a long list. So only a few differences of each cause are
//! listed, and the rest are counted: a later cause is not hidden by an earlier one.

use std::collections::HashMap;

use crate::compare::message::path::FieldPath;
use crate::config::DifferenceKind;

/// One difference. The values are texts for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldDifference {
    pub(crate) path: FieldPath,
    pub(crate) kind: DifferenceKind,
    pub(crate) reference: String,
    pub(crate) candidate: String,
}

/// The differences between two messages; at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    /// The first ones of each kind and pattern of paths, in the order of the fields.
    pub(crate) listed: Vec<FieldDifference>,
    /// How many are not listed.
    pub(crate) omitted: usize,
}

/// The most differences that are listed.
pub(super) const MOST: usize = 50;

/// The most differences of one kind and one pattern of paths that are listed.
pub(super) const MOST_ALIKE: usize = 5;

/// Collects differences.
#[derive(Default)]
pub(super) struct Collector {
    differences: Differences,
    alike: HashMap<(DifferenceKind, String), usize>,
}

impl Collector {
    /// Adds a difference. `shown` is the text of both values, and is called only if the difference is listed.
    pub(super) fn add(
        &mut self,
        path: &FieldPath,
        kind: DifferenceKind,
        shown: impl FnOnce() -> [String; 2],
    ) {
        let Differences { listed, omitted } = &mut self.differences;
        if listed.len() >= MOST {
            *omitted += 1;
            return;
        }
        let alike = self.alike.entry((kind, path.pattern())).or_default();
        *alike += 1;
        if *alike > MOST_ALIKE {
            *omitted += 1;
            return;
        }
        let [reference, candidate] = shown();
        listed.push(FieldDifference { path: path.clone(), kind, reference, candidate });
    }

    pub(super) fn finish(self) -> Differences {
        self.differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::message::path::Segment;

    #[test]
    fn a_frequent_difference_does_not_hide_others() {
        let mut collector = Collector::default();
        let mut add = |name: String, index: usize| {
            let mut path = FieldPath::default();
            path.push(Segment::Field(name));
            path.push(Segment::Index(index));
            collector.add(&path, DifferenceKind::Value, || [index.to_string(), String::new()]);
        };
        (0..1000).for_each(|index| add("frequent".to_owned(), index));
        (0..60).for_each(|field| add(format!("field{field}"), 0));
        let Differences { listed, omitted } = collector.finish();
        assert_eq!((listed.len(), omitted), (MOST, 1060 - MOST));
        assert_eq!(listed[MOST_ALIKE].path.to_string(), "field0[0]");
        assert_eq!(listed[1].reference, "1");
    }

    #[test]
    fn a_kind_is_written_in_kebab_case() {
        let kind = DifferenceKind::MissingMapEntry;
        assert_eq!(kind.to_string(), "missing-map-entry");
    }
}
