//! Which probes are sent to a method.
//!
//! A library treats all methods of one kind alike below the level of messages. So one method of each kind gets all
//! probes, and the others get those that a client, a proxy or a load balancer is most likely to cause.

use std::collections::BTreeSet;
use std::sync::Arc;

use prost_reflect::{MessageDescriptor, MethodDescriptor};

use crate::compare::case::{Case, CaseGroup};
use crate::compare::generated;
use crate::probe::adaptation::adapted;
use crate::probe::table::{Probe, entry_named};
use crate::probe::target::Target;

/// The probes for methods that do not get all.
const SHORT: [&str; 17] = [
    "unknown-method",
    "path-with-query",
    "method-get",
    "te-missing",
    "content-type-missing",
    "content-type-grpc-web",
    "encoding-gzip",
    "encoding-zstd",
    "flag-without-encoding",
    "length-one-too-long",
    "length-4-mib-and-1",
    "metadata-20-kib",
    "timeout-rubbish",
    "timeout-passes",
    "two-messages",
    "no-message",
    "reset-after-the-message",
];

/// How many probes a method gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    All,
    Short,
}

/// The probes of the tables, without those that are equal to another or to an ordinary call.
#[derive(Debug, Default)]
pub(crate) struct Probes(Vec<Arc<Probe>>);

/// A probe, and its case.
#[derive(Debug)]
pub(crate) struct WireGroup {
    pub(crate) group: CaseGroup,
    pub(crate) probe: Arc<Probe>,
}

impl Probes {
    pub(crate) fn new(probes: Vec<Probe>) -> Result<Self, String> {
        let mut known = BTreeSet::new();
        let mut distinct = Vec::new();
        for probe in probes {
            let content = entry_named(&probe, "any")?;
            let is_ordinary = content.lines().count() == ENTRY_HEAD;
            // The grade says nothing about the content.
            let content = content.lines().skip(ENTRY_HEAD).collect::<Vec<_>>().join("\n");
            if !is_ordinary && known.insert(content) {
                distinct.push(Arc::new(probe));
            }
        }
        Ok(Self(distinct))
    }

    /// The probes as requests to `target`, without those that cannot be. They have no messages at the limit of the size.
    pub(crate) fn adapted(&self, target: &Target) -> impl Iterator<Item = Probe> {
        let small = Target { size_limit: target.size_limit.min(SMALL_LIMIT), ..target.clone() };
        self.0.iter().filter_map(move |probe| adapted(probe, &small).ok())
    }

    /// The groups of cases of `method`, each with one probe.
    pub(crate) fn groups(
        &self,
        method: &MethodDescriptor,
        extent: Extent,
        size_limit: usize,
    ) -> Vec<WireGroup> {
        let target = Arc::new(target(method, size_limit));
        let is_meant = |probe: &&Arc<Probe>| extent == Extent::All || SHORT.contains(&probe.name());
        // Whether a probe is suitable does not depend on the limit, and messages of 4 MiB would take time.
        let small = Target { size_limit: size_limit.min(SMALL_LIMIT), ..(*target).clone() };
        let suitable = self.0.iter().filter(is_meant).filter(|it| adapted(it, &small).is_ok());
        suitable
            .map(|probe| WireGroup { group: group(probe, &target), probe: Arc::clone(probe) })
            .collect()
    }
}

/// A limit larger than each request to which probes are sent, in bytes.
const SMALL_LIMIT: usize = 1 << 16;

/// The lines of an entry with nothing but its name and grade.
const ENTRY_HEAD: usize = 3;

/// How `method` is called.
pub(crate) fn target(method: &MethodDescriptor, size_limit: usize) -> Target {
    Target {
        path: format!("/{}/{}", method.parent_service().full_name(), method.name()),
        message: generated::sample(&method.input()),
        unknown_field: unknown_field(&method.input()),
        size_limit,
        status: b"0".to_vec(),
    }
}

/// The smallest number from 15 on that no field of the type has.
fn unknown_field(of: &MessageDescriptor) -> u32 {
    const RESERVED: std::ops::Range<u32> = 19_000..20_000;
    let is_free = |number: &u32| {
        of.get_field(*number).is_none()
            && of.get_extension(*number).is_none()
            && !of.extension_ranges().any(|range| range.contains(number))
            && !RESERVED.contains(number)
    };
    (15..1 << 29).find(is_free).unwrap_or(15)
}

fn group(probe: &Arc<Probe>, target: &Arc<Target>) -> CaseGroup {
    let (name, probe, target) = (probe.name().to_owned(), Arc::clone(probe), Arc::clone(target));
    let case = move || Case {
        name: probe.name().to_owned(),
        probe: Some(shown(&probe, &target).into()),
        ..Case::default()
    };
    CaseGroup::new(name, move || std::iter::once(case()))
}

/// The entry of `probe` as it is sent to the method `target`, without the middle of long lines.
fn shown(probe: &Probe, target: &Target) -> String {
    /// The longest line, and how much of both its ends is shown otherwise.
    const LONGEST: usize = 400;
    const END: usize = 100;
    let adapted = adapted(probe, target).map_err(str::to_owned);
    let entry = adapted.and_then(|it| entry_named(&it, probe.name())).unwrap_or_else(|why| why);
    let line = |line: &str| {
        let chars = line.chars().count();
        if chars <= LONGEST {
            return line.to_owned();
        }
        let start: String = line.chars().take(END).collect();
        let end: String = line.chars().skip(chars - END).collect();
        format!("{start}… ({} characters) …{end}", chars - 2 * END)
    };
    let lines = [format!("# {}", probe.description())].into_iter().chain(entry.lines().map(line));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::test_service;
    use crate::config::Places;
    use crate::probe::table::read_all;
    use crate::probe::target::DEFAULT_SIZE_LIMIT;

    fn names(extent: Extent) -> Vec<String> {
        let places = Places::find(None, None).expect("the tests run in the project");
        let probes = read_all(&places.project_file("scenarios").join("server-parity"));
        let probes = Probes::new(probes.expect("the tables are valid")).expect("they are entries");
        let groups = probes.groups(&test_service::method("Get"), extent, DEFAULT_SIZE_LIMIT);
        groups.into_iter().map(|it| it.group.name).collect()
    }

    #[test]
    fn most_probes_are_sent_and_those_about_numbers_are_not() {
        let names = names(Extent::All);
        assert_eq!(names.len(), 386);
        let has = |name: &str| names.iter().any(|it| it == name);
        assert!(has("timeout-zero") && has("length-0") && has("encoding-gzip-4-mib"));
        assert!(!has("zero") && !has("root-of-16") && !has("negative-zero") && !has("group"));
    }

    #[test]
    fn all_probes_of_the_short_list_exist() {
        let names: BTreeSet<_> = names(Extent::Short).into_iter().collect();
        let expected: BTreeSet<_> = SHORT.into_iter().map(str::to_owned).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn a_probe_is_shown_as_it_is_sent_to_the_method() {
        let probe = "[[probe]]\nname = 'x'\ngrade = 'edge'\nabout = 'why'\nbody = [{ value = 16.0, size = 9000 }]\n\
                     headers = [{ set = ':path', value = '/Calculator/CubeRoot' }]\n";
        let probe = crate::probe::table::from_entry(probe).expect("the entry is invalid");
        let shown = shown(&probe, &target(&test_service::method("Get"), 10_000));
        assert!(shown.starts_with("# ") && shown.contains("why"), "{shown}");
        assert!(shown.contains("/shop.Shop/NoSuchGet") && shown.len() < 1000, "{shown}");
    }

    #[test]
    fn the_padding_is_in_a_field_that_the_type_does_not_have() {
        let method = test_service::method("Get");
        assert_eq!(unknown_field(&method.input()), 15);
        let target = target(&method, 1000);
        assert_eq!((&*target.path, target.size_limit), ("/shop.Shop/Get", 1000));
        assert!(!target.message.is_empty());
    }
}
