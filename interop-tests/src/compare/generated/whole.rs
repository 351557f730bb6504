//! Cases of no field, of all fields, and of two fields.

use std::sync::Arc;

use bytes::Bytes;
use prost_reflect::MessageDescriptor;

use crate::compare::case::{Case, CaseGroup};
use crate::compare::generated::bounds::Bounds;
use crate::compare::generated::fields;
use crate::compare::generated::paths::Path;
use crate::compare::generated::sample::{self, Branch, Sample};

/// More than the number of values of any field.
const ROUNDS: usize = 64;

/// Requests in which no field is set that need not be.
pub(super) fn empty(name: String, of: &MessageDescriptor) -> CaseGroup {
    let case = |name: &str, message: Vec<u8>| Case {
        name: name.to_owned(),
        messages: vec![message.into()],
        ..Case::default()
    };
    let mut cases = vec![case("empty", Vec::new())];
    let required = sample::required(of, &[]);
    if !required.is_empty() {
        cases.push(case("only-required", required));
    }
    CaseGroup::new(name, move || cases.clone().into_iter())
}

/// Requests in which every field is set.
pub(super) fn all_fields(name: String, of: &MessageDescriptor) -> CaseGroup {
    let of = of.clone();
    CaseGroup::new(name, move || {
        let first = Sample::new(&of, Branch::First);
        let last = Sample::new(&of, Branch::Last);
        let case = |name: &str, sample: &Sample, message: Vec<u8>| Case {
            name: name.to_owned(),
            messages: vec![message.into()],
            fields: sample.paths.clone(),
            ..Case::default()
        };
        let reversed: Vec<_> = first.fields.iter().rev().flatten().copied().collect();
        let mut cases = vec![
            case("ordinary", &first, first.bytes()),
            case("reverse-order", &first, reversed),
            // A parser merges the second into the first.
            case("twice", &first, first.bytes().repeat(2)),
        ];
        if first.paths != last.paths {
            cases.push(case("last-branches", &last, last.bytes()));
        }
        cases.into_iter()
    })
}

/// Requests with two fields of the same message. Each round takes other values of them. None if there are no two.
pub(super) fn pairs(name: String, paths: Arc<[Path]>, bounds: Bounds) -> Option<CaseGroup> {
    indexes(Arc::clone(&paths)).next().filter(|_| bounds.pairs > 0)?;
    Some(CaseGroup::new(name, move || {
        let rounds = (0..ROUNDS).flat_map({
            let paths = Arc::clone(&paths);
            move |round| {
                let paths = Arc::clone(&paths);
                indexes(Arc::clone(&paths)).filter_map(move |(first, second)| {
                    let (a, b) = (paths.get(first)?, paths.get(second)?);
                    let at = [round + first + second, round + 2 * first + 3 * second];
                    pair(a, b, at, round, bounds)
                })
            }
        });
        rounds.take(bounds.pairs)
    }))
}

/// The indexes of all pairs of fields of the same message. Neighbours come first, so that every field takes part.
fn indexes(paths: Arc<[Path]>) -> impl Iterator<Item = (usize, usize)> {
    let number = paths.len();
    let at_distance = move |distance| (distance..number).map(move |at| (at - distance, at));
    let all = (1..number).flat_map(at_distance);
    all.filter(move |(first, second)| {
        let (Some(first), Some(second)) = (paths.get(*first), paths.get(*second)) else {
            return false;
        };
        let (a, b) = (&first.field, &second.field);
        // The group of a field has two branches of a oneof, that of a map its entries.
        let same_oneof =
            a.containing_oneof().is_some() && a.containing_oneof() == b.containing_oneof();
        first.parents == second.parents && !same_oneof && !a.parent_message().is_map_entry()
    })
}

/// The case of the values at `at`, unless an earlier round had it.
fn pair(a: &Path, b: &Path, at: [usize; 2], round: usize, bounds: Bounds) -> Option<Case> {
    let [first, second] = [a, b].map(|path| {
        let variations = fields::variations(&path.field, bounds).into_iter();
        variations.filter(|variation| variation.also.is_none()).collect::<Vec<_>>()
    });
    if round >= first.len().max(second.len()) {
        return None;
    }
    let first = first.get(at[0] % first.len().max(1))?;
    let second = second.get(at[1] % second.len().max(1))?;
    let content = [first.bytes(), second.bytes()].concat();
    Some(Case {
        name: format!("{}.{}-and-{}.{}", a.name(), first.name, b.field.name(), second.name),
        messages: vec![Bytes::from(a.request_with(&[&a.field, &b.field], &content))],
        fields: vec![a.name(), b.name()],
        ..Case::default()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::compare::generated::{paths, test_protos};

    fn pairs_of(fields: &str, bounds: Bounds) -> Vec<Case> {
        let request = test_protos::request(fields);
        let paths = paths::of(&request, bounds).kept;
        let group = pairs("pairs".to_owned(), paths.into(), bounds);
        group.map(|group| group.cases().collect()).unwrap_or_default()
    }

    #[test]
    fn pairs_are_bounded_and_different() {
        let cases = pairs_of(
            "bool a = 1; int32 b = 2; float c = 3;",
            Bounds { pairs: 1000, ..Bounds::default() },
        );
        let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
        assert_eq!(names.len(), cases.len());
        let fields: BTreeSet<_> = cases.iter().map(|case| case.fields.join(" ")).collect();
        assert_eq!(fields, ["a b", "a c", "b c"].map(str::to_owned).into());
        assert!(cases.len() > 30 && cases.len() < 60, "{} cases", cases.len());
        let bounded =
            pairs_of("bool a = 1; int32 b = 2;", Bounds { pairs: 4, ..Bounds::default() });
        assert_eq!(bounded.len(), 4);
    }

    #[test]
    fn every_field_is_in_a_pair_before_any_is_in_many() {
        let declarations = "bool a = 1; bool b = 2; bool c = 3; bool d = 4;";
        let cases = pairs_of(declarations, Bounds { pairs: 3, ..Bounds::default() });
        let fields: Vec<_> = cases.iter().map(|case| case.fields.join(" ")).collect();
        assert_eq!(fields, ["a b", "b c", "c d"]);
    }

    #[test]
    fn pairs_are_of_the_same_message() {
        let fields = "message Item { int32 price = 1; int32 size = 2; } Item item = 1; int32 id = 2;\
                      map<string, string> labels = 3;";
        let cases = pairs_of(fields, Bounds { pairs: 10_000, ..Bounds::default() });
        let fields: BTreeSet<_> = cases.iter().map(|case| case.fields.join(" ")).collect();
        let expected = ["item id", "item labels", "id labels", "item.price item.size"];
        assert_eq!(fields, expected.map(str::to_owned).into());
    }

    #[test]
    fn both_fields_of_a_pair_have_the_values_of_its_name() {
        let declarations =
            "message Request { required int32 a = 1; required int32 b = 2; required int32 c = 3; }";
        let of = test_protos::proto2(declarations);
        let bounds = Bounds { pairs: 1000, ..Bounds::default() };
        let paths = paths::of(&of, bounds).kept;
        let group = pairs("pairs".to_owned(), paths.into(), bounds).unwrap();
        let bytes =
            |name| group.cases().find(|case| case.name == name).unwrap().messages[0].to_vec();
        assert_eq!(bytes("a.missing-and-b.one"), [24, 3, 16, 1]);
        assert_eq!(bytes("a.twice-and-b.explicit-default"), [24, 3, 8, 1, 8, 2, 16, 0]);
    }

    #[test]
    fn branches_of_a_oneof_are_no_pair() {
        assert!(pairs_of("oneof of { int32 a = 1; int32 b = 2; }", Bounds::default()).is_empty());
        assert!(
            !pairs_of("optional int32 a = 1; optional int32 b = 2;", Bounds::default()).is_empty()
        );
    }

    #[test]
    fn all_fields_are_sent_in_both_orders_and_twice() {
        let request = test_protos::request("int32 a = 1; oneof of { int32 b = 2; int32 c = 3; }");
        let cases: Vec<_> = all_fields("all-fields".to_owned(), &request).cases().collect();
        let hex = |at: usize| cases[at].messages[0].to_vec();
        assert_eq!(hex(0), [8, 1, 16, 2]);
        assert_eq!(hex(1), [16, 2, 8, 1]);
        assert_eq!(hex(2), [8, 1, 16, 2, 8, 1, 16, 2]);
        assert_eq!(hex(3), [8, 1, 24, 3]);
    }
}
