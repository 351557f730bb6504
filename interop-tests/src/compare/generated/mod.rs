//! Generates requests for any method from its descriptor.
//!
//! Each case differs in one way from a request that has only what makes it valid, so that a difference can be
//! attributed. The wire format is written here, because a comparison needs bytes that no library writes.
//!
//! - [`bounds`]: how many cases are generated
//! - [`wire`], [`variation`]: the wire format, named values
//! - [`scalars`], [`strings`], [`well_known`], [`values`], [`collections`]: the boundary values of each type
//! - [`mod@sample`]: ordinary values
//! - [`paths`], [`fields`]: the fields of a request, the cases of one field
//! - [`whole`], [`unknown`], [`nesting`], [`malformed`], [`streams`], [`random`]: other cases

pub(crate) mod bounds;
mod collections;
mod fields;
mod malformed;
mod nesting;
mod paths;
pub(crate) mod random;
mod sample;
mod scalars;
mod streams;
mod strings;
#[cfg(test)]
mod test_protos;
mod unknown;
mod values;
mod variation;
mod well_known;
mod whole;
mod wire;

use std::sync::Arc;

use prost_reflect::{MessageDescriptor, MethodDescriptor};

use crate::compare::case::CaseGroup;

pub(crate) use bounds::Bounds;
pub(crate) use random::RandomCases;

/// The generated cases of a method.
#[derive(Debug)]
pub(crate) struct Generated {
    /// A group for each field of the request, named like its path, and groups of other cases.
    pub(crate) groups: Vec<CaseGroup>,
    /// How many fields have no group because there are too many. Large numbers are not exact.
    pub(crate) left_out: usize,
    /// The paths of the fields that have a group.
    pub(crate) fields: Vec<String>,
}

/// The cases of `method`: the same for the same descriptor, bounds and seed.
pub(crate) fn groups(
    method: &MethodDescriptor,
    bounds: &Bounds,
    random: Option<RandomCases>,
) -> Generated {
    let (of, bounds) = (method.input(), *bounds);
    let streams = method.is_client_streaming();
    let name = |name: &str| name_beside_fields(name, &of);
    let paths::Paths { kept, left_out } = paths::of(&of, bounds);
    let fields = kept.iter().map(paths::Path::name).collect();
    let mut groups = vec![whole::empty(name("empty"), &of)];
    groups.extend(kept.iter().map(|path| fields::group(path.clone(), bounds)));
    let kept: Arc<[_]> = kept.into();
    if !kept.is_empty() {
        groups.push(whole::all_fields(name("all-fields"), &of));
    }
    groups.extend(whole::pairs(name("pairs"), Arc::clone(&kept), bounds));
    groups.push(unknown::group(name("unknown-fields"), &of, Arc::clone(&kept), bounds));
    groups.push(malformed::group(name("malformed"), &of, kept));
    groups.extend(nesting::group(name("nesting"), &of));
    if streams {
        groups.push(streams::group(name("streams"), &of, bounds));
    }
    groups.extend(random.map(|random| random::group(name("random"), &of, streams, bounds, random)));
    Generated { groups, left_out, fields }
}

/// A plausible request in which every field has an ordinary value.
pub(crate) fn sample(of: &MessageDescriptor) -> Vec<u8> {
    sample::Sample::new(of, sample::Branch::First).bytes()
}

/// The name of a group that is not about one field, different from those that are.
fn name_beside_fields(name: &str, of: &MessageDescriptor) -> String {
    let is_taken = of.get_field_by_name(name).is_some();
    if is_taken { format!("{name}-cases") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::DynamicMessage;

    use super::*;
    use crate::compare::case::Case;

    fn generated(of: &MessageDescriptor, is_client_streaming: bool) -> Vec<CaseGroup> {
        let method = test_protos::method(of, is_client_streaming);
        let bounds = Bounds { long: 1000, ..Bounds::default() };
        groups(&method, &bounds, Some(RandomCases { seed: 1, count: 20 })).groups
    }

    fn all_cases(groups: &[CaseGroup]) -> Vec<(String, Case)> {
        let cases = |group: &CaseGroup| {
            let name = group.name.clone();
            group.cases().map(move |case| (name.clone(), case)).collect::<Vec<_>>()
        };
        groups.iter().flat_map(cases).collect()
    }

    #[test]
    fn names_are_unique_and_consist_of_few_characters() {
        let is_valid = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        for of in test_protos::all() {
            let groups = generated(&of, true);
            let names: BTreeSet<_> = groups.iter().map(|group| &group.name).collect();
            assert_eq!(names.len(), groups.len());
            let cases = all_cases(&groups);
            let names: BTreeSet<_> =
                cases.iter().map(|(group, case)| (group, &case.name)).collect();
            assert_eq!(names.len(), cases.len());
            for (group, case) in names {
                assert!(is_valid(group) && is_valid(case), "{group} {case}");
            }
        }
    }

    #[test]
    fn cases_are_the_same_each_time() {
        for of in test_protos::all() {
            assert!(all_cases(&generated(&of, true)) == all_cases(&generated(&of, true)));
        }
    }

    #[test]
    fn a_parser_reads_what_is_not_malformed() {
        let too_deep = |name: &str| name.ends_with("depth-101");
        for of in test_protos::all() {
            let cases = all_cases(&generated(&of, false)).into_iter();
            let cases = cases.filter(|(group, case)| {
                !group.starts_with("malformed")
                    && !group.starts_with("random-cases")
                    && group != "random"
                    && !too_deep(&case.name)
            });
            for (group, case) in cases {
                assert_eq!(case.messages.len(), 1);
                let error = DynamicMessage::decode(of.clone(), &case.messages[0][..]).err();
                assert_eq!(error, None, "{} {group} {}", of.full_name(), case.name);
            }
        }
    }

    #[test]
    fn every_field_of_a_case_exists() {
        for of in test_protos::all() {
            for (group, case) in all_cases(&generated(&of, true)) {
                for path in &case.fields {
                    let mut message = Some(of.clone());
                    for part in path.split('.') {
                        let field =
                            message.as_ref().and_then(|message| message.get_field_by_name(part));
                        let field = field.unwrap_or_else(|| panic!("{group} {} {path}", case.name));
                        message = field.kind().as_message().cloned();
                    }
                }
            }
        }
    }

    #[test]
    fn a_field_may_have_the_name_of_a_group() {
        let of = test_protos::all().remove(1);
        let groups = generated(&of, false);
        let names: Vec<_> = groups.iter().map(|group| &group.name[..]).collect();
        for name in ["random", "random-cases", "empty", "empty-cases", "pairs"] {
            assert_eq!(names.iter().filter(|found| **found == name).count(), 1, "{name}");
        }
    }

    #[test]
    fn groups_depend_on_the_method() {
        let names = |of: &MessageDescriptor, streams| -> BTreeSet<String> {
            generated(of, streams).into_iter().map(|group| group.name).collect()
        };
        let all = test_protos::all();
        let (scalars, tree, nothing) = (&all[0], &all[2], &all[3]);
        assert!(
            names(scalars, true).contains("streams") && !names(scalars, false).contains("streams")
        );
        assert!(
            names(tree, false).contains("nesting") && !names(scalars, false).contains("nesting")
        );
        let expected = ["empty", "malformed", "random", "unknown-fields"];
        assert_eq!(names(nothing, false), expected.map(str::to_owned).into());
    }

    #[test]
    fn cases_are_made_when_they_are_needed() {
        let of = test_protos::request(
            "string text = 1; bytes data = 2; repeated int32 list = 3; map<string, int32> map = 4;",
        );
        // No computer has the memory for these cases.
        let bounds =
            Bounds { long: usize::MAX, many: usize::MAX, pairs: usize::MAX, ..Bounds::default() };
        let random = RandomCases { seed: 1, count: usize::MAX };
        let method = test_protos::method(&of, false);
        for group in groups(&method, &bounds, Some(random)).groups {
            assert!(group.cases().next().is_some(), "{}", group.name);
        }
    }

    #[test]
    fn fields_that_are_left_out_are_counted() {
        let of = test_protos::all().remove(0);
        let bounds = Bounds { groups: 10, ..Bounds::default() };
        assert_eq!(groups(&test_protos::method(&of, false), &bounds, None).left_out, 6);
    }

    #[test]
    fn the_number_of_cases_of_an_ordinary_message_is_moderate() {
        let of = test_protos::all().remove(0);
        let method = test_protos::method(&of, false);
        let cases = all_cases(&groups(&method, &Bounds::default(), None).groups);
        assert!((300..500).contains(&cases.len()), "{} cases", cases.len());
    }
}
