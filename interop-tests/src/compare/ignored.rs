//! Matches differences with the `[[ignore]]` entries of the peers file.
//!
//! An entry that matches nothing fails the run, because it would hide a difference that appears later.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::compare::difference::{ABSENT, Difference, Subject};
use crate::config::ignored_metadata::OF_PROXIES;
use crate::config::{Ignore, IgnoredPart, glob};

/// The `[[ignore]]` entries of a run, and whether each has matched.
#[derive(Debug, Default)]
pub(crate) struct Ignored(Vec<(Ignore, AtomicBool)>);

impl Ignored {
    pub(crate) fn new(entries: Vec<Ignore>) -> Self {
        Self(entries.into_iter().map(|entry| (entry, AtomicBool::new(false))).collect())
    }

    /// The reason of the entry that accepts this difference of the `peer`'s `method` in one of these `cases`, if there is
    /// one.
    pub(crate) fn reason(
        &self,
        peer: &str,
        method: &str,
        cases: &str,
        difference: &Difference,
    ) -> Option<&str> {
        let (entry, is_used) = self
            .0
            .iter()
            .find(|(entry, _)| is_in(entry, cases) && accepts(entry, peer, method, difference))?;
        is_used.store(true, Ordering::Relaxed);
        Some(&entry.reason)
    }

    /// Counts the entries that match what is unstable at the reference as used.
    pub(crate) fn use_for(&self, peer: &str, method: &str, subject: &Subject) {
        let applies = |entry: &Ignore| is_for(entry, peer, method) && names(&entry.what, subject);
        for (_, is_used) in self.0.iter().filter(|(entry, _)| applies(entry)) {
            is_used.store(true, Ordering::Relaxed);
        }
    }

    /// The places of the entries that have matched nothing and that apply to one of these peers and methods.
    pub(crate) fn unused<'a>(
        &self,
        compared: &(impl Iterator<Item = (&'a str, &'a str)> + Clone),
    ) -> Vec<&str> {
        let unused = self.0.iter().filter(|(entry, is_used)| {
            // Whether a proxy adds something depends on the proxy.
            entry.what != IgnoredPart::OfProxy
                && !is_used.load(Ordering::Relaxed)
                && compared.clone().any(|(peer, method)| is_for(entry, peer, method))
        });
        unused.map(|(entry, _)| &*entry.place).collect()
    }
}

fn is_for(entry: &Ignore, peer: &str, method: &str) -> bool {
    entry.peer.as_ref().is_none_or(|pattern| glob(pattern, peer))
        && entry.method.as_ref().is_none_or(|pattern| glob(pattern, method))
}

fn is_in(entry: &Ignore, cases: &str) -> bool {
    entry.cases.as_ref().is_none_or(|pattern| glob(pattern, cases))
}

fn names(what: &IgnoredPart, subject: &Subject) -> bool {
    match (what, subject) {
        (IgnoredPart::Kind(kind), Subject::ResponseField(_, of) | Subject::DetailsField(_, of)) => {
            kind == of
        }
        (IgnoredPart::OfProxy, _) => match subject.ignored_part() {
            Some(IgnoredPart::Metadata(name)) => OF_PROXIES.iter().any(|it| glob(it, &name)),
            _ => false,
        },
        (IgnoredPart::Any, Subject::End | Subject::Latency) => false,
        (IgnoredPart::Any, _) => true,
        _ => subject.ignored_part().as_ref() == Some(what),
    }
}

fn accepts(entry: &Ignore, peer: &str, method: &str, difference: &Difference) -> bool {
    let matches = |value: &str| {
        value == ABSENT || entry.pattern.as_ref().is_none_or(|pattern| pattern.is_match(value))
    };
    is_for(entry, peer, method)
        && names(&entry.what, &difference.subject)
        && matches(&difference.reference)
        && matches(&difference.candidate)
}

/// An `[[ignore]]` entry for this subject in `method`, ready to paste; `None` if an entry cannot name it.
pub(crate) fn entry_for(subject: &Subject, method: &str) -> Option<String> {
    let (key, name) = match subject.ignored_part()? {
        IgnoredPart::Field(path) => ("field", path),
        IgnoredPart::Metadata(name) => ("metadata", name),
        IgnoredPart::Part(part) => ("part", part.to_string()),
        IgnoredPart::Kind(kind) => ("kind", kind.to_string()),
        IgnoredPart::Any | IgnoredPart::OfProxy => return None,
    };
    let quoted = |text: &str| toml::Value::from(text).to_string();
    Some(format!(
        "[[ignore]]\n{key} = {}\nmethod = {}\nreason = \"it differs between two instances of the reference\"\n",
        quoted(&name),
        quoted(method)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::message::DifferenceKind;
    use crate::config::ResponsePart;

    fn ignored(what: IgnoredPart, method: Option<&str>, pattern: Option<&str>) -> Ignored {
        Ignored::new(vec![Ignore {
            what,
            cases: None,
            method: method.map(str::to_owned),
            peer: None,
            pattern: pattern.map(|it| regex_lite::Regex::new(it).expect("it is valid")),
            reason: "known".to_owned(),
            place: "peers.toml:1: `x`".to_owned(),
        }])
    }

    #[test]
    fn an_entry_may_name_a_kind_of_difference_and_cases() {
        let mut entry = Ignore {
            what: IgnoredPart::Kind(DifferenceKind::SignOfZero),
            cases: Some("generated.*".to_owned()),
            method: None,
            peer: None,
            pattern: None,
            reason: "known".to_owned(),
            place: "peers.toml:1: `sign-of-zero`".to_owned(),
        };
        let sign =
            |field: &str| Subject::ResponseField(field.to_owned(), DifferenceKind::SignOfZero);
        let accepts = |entry: &Ignore, cases: &str, subject: Subject| {
            let found = difference(subject, "-0.0", "0.0");
            Ignored::new(vec![entry.clone()]).reason("rust", "a.B.C", cases, &found).is_some()
        };
        assert!(accepts(&entry, "generated.price", sign("price")));
        assert!(accepts(&entry, "generated.rate", sign("item.rate")));
        assert!(!accepts(&entry, "user.order", sign("price")));
        let value = Subject::ResponseField("price".to_owned(), DifferenceKind::Value);
        assert!(!accepts(&entry, "generated.price", value));
        entry.cases = None;
        assert!(accepts(&entry, "user.order", sign("price")));
    }

    fn difference(subject: Subject, reference: &str, candidate: &str) -> Difference {
        let (reference, candidate) = (reference.to_owned(), candidate.to_owned());
        Difference { subject, place: String::new(), reference, candidate }
    }

    #[test]
    fn an_entry_accepts_what_it_names() {
        let date = || difference(Subject::InitialMetadata("date".to_owned()), ABSENT, "\"today\"");
        let metadata = |name: &str| IgnoredPart::Metadata(name.to_owned());
        let of =
            |ignored: Ignored| ignored.reason("rust", "shop.Shop.Get", "user.a", &date()).is_some();
        assert!(of(ignored(metadata("date"), None, None)));
        assert!(of(ignored(metadata("date"), Some("shop.*"), Some("to"))));
        assert!(!of(ignored(metadata("date"), Some("other.*"), None)));
        assert!(!of(ignored(metadata("date"), None, Some("yesterday"))));
        assert!(!of(ignored(metadata("time"), None, None)));
        assert!(!of(ignored(IgnoredPart::Field("date".to_owned()), None, None)));
        let part = |name| ignored(IgnoredPart::Part(name), None, None);
        let status = difference(Subject::Status, "OK (0)", "UNKNOWN (2)");
        assert!(part(ResponsePart::Status).reason("rust", "a.B.C", "user.a", &status).is_some());
        assert!(
            part(ResponsePart::StatusMessage).reason("rust", "a.B.C", "user.a", &status).is_none()
        );
    }

    #[test]
    fn an_entry_that_matches_nothing_is_unused() {
        let entry = ignored(IgnoredPart::Part(ResponsePart::Status), Some("shop.*"), None);
        let compared = |method| [("rust", method)].into_iter();
        assert_eq!(entry.unused(&compared("shop.Shop.Get")), ["peers.toml:1: `x`"]);
        assert_eq!(entry.unused(&compared("other.Other.Get")), Vec::<&str>::new());
        let status = difference(Subject::Status, "OK (0)", "UNKNOWN (2)");
        entry.reason("rust", "shop.Shop.Get", "user.a", &status).expect("it is accepted");
        assert_eq!(entry.unused(&compared("shop.Shop.Get")), Vec::<&str>::new());
    }

    #[test]
    fn an_entry_for_an_unstable_part_can_be_pasted() {
        let subject = Subject::ResponseField("items[].at".to_owned(), DifferenceKind::Value);
        let entry = entry_for(&subject, "shop.Shop.Get").expect("it can be named");
        let expected = "[[ignore]]\nfield = \"items[].at\"\nmethod = \"shop.Shop.Get\"\nreason = ";
        assert!(entry.starts_with(expected), "{entry}");
    }
}
