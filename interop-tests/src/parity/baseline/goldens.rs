//! Goldens: the recorded outcomes of the reference, as text that can be reviewed.
//!
//! They replace the reference if it cannot run or is slow to start, and show changes in new versions of it. If the
//! outcome of a case is not stable, all its outcomes are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::source;
use crate::http2::body::checksum;
use crate::outcome::{Finding, Observation};
use crate::parity::baseline::reference::{Case, Reference, Subject};
use crate::process::RunContext;

/// A file of goldens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Goldens {
    /// The versions of the reference, one per line.
    pub(crate) versions: Vec<String>,
    /// The outcomes of each case, in the order of the cases.
    pub(crate) answers: Vec<(String, Vec<Observation>)>,
}

/// An error while reading goldens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GoldenError {
    #[error("cannot read {path}: {source}; record the goldens with `make golden`")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}:{line}: {message}; record the goldens again with `make golden`")]
    Syntax { path: PathBuf, line: usize, message: &'static str },
}

/// The first lines of a file.
const HEADING: &str = "\
# What the reference does in each case of a suite: the lines that are compared. `make golden` writes this
# file, so do not edit it. A change of it is a change of what every peer has to be like.
#
# `(any)` is a text that is not compared. A client program `waits` if it has not ended and nothing more will
# happen. `or` separates the outcomes of a reference that is not stable.
";
const VERSION: &str = "version ";
const OR: &str = "or";

impl Goldens {
    /// Reads the file at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self, GoldenError> {
        let error = |source| GoldenError::Read { path: path.to_owned(), source };
        let text = source::read_text(path).map_err(error)?;
        let wrong = |(line, message)| GoldenError::Syntax { path: path.to_owned(), line, message };
        Self::from_text(&text).map_err(wrong)
    }

    /// The outcomes of the case called `name`.
    pub(crate) fn of(&self, name: &str) -> Option<&[Observation]> {
        self.answers.iter().find(|(other, _)| other == name).map(|(_, answers)| &answers[..])
    }

    /// The outcomes of the case called `name`, or the set-up error of its trial if there are none.
    pub(crate) fn must_have(&self, name: &str) -> Result<&[Observation], Finding> {
        let missing = "this case has no golden; record the goldens with `make golden`";
        self.of(name).ok_or_else(|| Finding::SetUpError(missing.to_owned()))
    }

    /// The name of a golden that is not among the `names` of cases.
    pub(crate) fn without_case(&self, names: &[&str]) -> Option<&str> {
        self.answers.iter().map(|(name, _)| &name[..]).find(|name| !names.contains(name))
    }

    /// The cases whose outcomes differ between `self` and `other`.
    pub(crate) fn changes(&self, other: &Self) -> Vec<String> {
        let all: BTreeMap<_, _> = self.answers.iter().chain(&other.answers).cloned().collect();
        all.into_keys().filter(|name| self.of(name) != other.of(name)).collect()
    }

    /// Parses the text of a file. The error is the number of a line and a message.
    fn from_text(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut goldens = Self::default();
        for (index, line) in text.lines().enumerate() {
            let wrong = |message| (index + 1, message);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                if goldens.of(name).is_some() {
                    return Err(wrong("a case with this name already exists"));
                }
                goldens.answers.push((name.to_owned(), vec![Observation::default()]));
                continue;
            }
            let Some((_, answers)) = goldens.answers.last_mut() else {
                let version = line
                    .strip_prefix(VERSION)
                    .ok_or_else(|| wrong("expected `version NAME VERSION` or `[case]`"))?;
                goldens.versions.push(version.to_owned());
                continue;
            };
            if line == OR {
                answers.push(Observation::default());
            } else if let (Some((what, value)), Some(answer)) =
                (line.split_once(" = "), answers.last_mut())
            {
                answer.add(what, value);
            } else {
                return Err(wrong("expected `what = value`"));
            }
        }
        Ok(goldens)
    }
}

impl fmt::Display for Goldens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADING)?;
        for version in &self.versions {
            writeln!(f, "{VERSION}{version}")?;
        }
        for (name, answers) in &self.answers {
            writeln!(f, "\n[{name}]")?;
            for (index, answer) in answers.iter().enumerate() {
                if index > 0 {
                    writeln!(f, "{OR}")?;
                }
                write!(f, "{answer}")?;
            }
        }
        Ok(())
    }
}

/// One in this many cases runs at the live reference even though goldens replace it.
const SAMPLE: u64 = 32;

/// The goldens that replace the live reference in all cases with a golden, except for a sample; or the reason why
/// they do not.
#[derive(Clone, Debug)]
pub(crate) struct GoldenSubstitution(pub(crate) Result<Arc<Goldens>, String>);

impl GoldenSubstitution {
    /// Compares the versions of `reference` with those of `goldens`.
    pub(crate) fn of(
        reference: &Reference<impl Subject>,
        goldens: &Arc<Goldens>,
        context: &RunContext,
    ) -> Self {
        Self(reference.versions(context).and_then(|versions| {
            if versions == goldens.versions {
                return Ok(Arc::clone(goldens));
            }
            let (of, this) = (goldens.versions.join(", "), versions.join(", "));
            Err(format!("they were recorded from {of}, but the reference is {this}"))
        }))
    }

    /// Whether the golden of `case` replaces the reference.
    pub(crate) fn applies_to(&self, case: &impl Case) -> bool {
        let has_golden = |goldens: &Arc<Goldens>| goldens.of(case.name()).is_some();
        self.0.as_ref().is_ok_and(has_golden) && !is_in_sample(case)
    }

    /// The note for the reader of a run with `cases`.
    pub(crate) fn note(&self, cases: &[Arc<impl Case>]) -> String {
        match &self.0 {
            Ok(goldens) => format!(
                "goldens replaced the client program of the reference in {} of {} cases, because both \
                 have the same versions ({}); --baseline live runs the program in all cases",
                cases.iter().filter(|case| self.applies_to(&***case)).count(),
                cases.len(),
                goldens.versions.join(", ")
            ),
            Err(why) => {
                format!("goldens did not replace the client program of the reference: {why}")
            }
        }
    }
}

/// Whether `case` is in the sample. This depends on its name, so the sample does not change when cases are added.
/// Cases with a stated expectation are always in it, because the reference is compared with that too.
fn is_in_sample(case: &impl Case) -> bool {
    case.has_expectation() || checksum(case.name().as_bytes()).is_multiple_of(SAMPLE)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::outcome::Grade;
    use crate::outcome::Mismatch;
    use crate::parity::baseline::reference::Case;

    /// A case without special properties.
    #[derive(Clone, Debug)]
    pub(crate) struct OneCase {
        pub(crate) name: String,
        pub(crate) also: Vec<Observation>,
        /// A status that the table forbids.
        pub(crate) forbidden: Option<&'static str>,
    }

    impl Default for OneCase {
        fn default() -> Self {
            Self { name: "case".to_owned(), also: Vec::new(), forbidden: None }
        }
    }

    impl Case for OneCase {
        fn name(&self) -> &str {
            &self.name
        }

        fn also(&self) -> &[Observation] {
            &self.also
        }

        fn description(&self) -> String {
            "a case".to_owned()
        }

        fn grade(&self) -> Grade {
            Grade::Edge
        }

        fn contradictions(&self, observation: &Observation) -> Vec<Mismatch> {
            let values = observation.values("status").into_iter();
            let values = values.filter(|value| Some(*value) == self.forbidden);
            values
                .map(|value| Mismatch::new("stated status", format!("not {value}"), value))
                .collect()
        }

        fn has_expectation(&self) -> bool {
            self.forbidden.is_some()
        }
    }

    pub(crate) fn observation(text: &str) -> Observation {
        Observation::from_text(text).expect("there is no observation")
    }

    const TEXT: &str = "version one 1\nversion two 2\n\n[first]\nstatus = OK\n\n\
                        [second]\nstatus = OK\nmessage = \nor\nmessage = a = b\n";

    #[test]
    fn goldens_are_read_as_they_are_written() {
        let goldens = Goldens::from_text(TEXT).expect("the goldens are invalid");
        assert_eq!(goldens.versions, ["one 1", "two 2"]);
        let second = goldens.of("second").expect("there is no such golden");
        assert_eq!(second.len(), 2);
        assert_eq!(second[1].to_string(), "message = a = b\n");
        assert_eq!(goldens.to_string(), format!("{HEADING}{TEXT}"));
        assert_eq!(Goldens::from_text(&goldens.to_string()), Ok(goldens.clone()));
        assert!(goldens.must_have("third").is_err());
    }

    #[test]
    fn an_invalid_line_is_named() {
        for (text, line, message) in [
            ("grpcio 1.85.1", 1, "expected `version NAME VERSION` or `[case]`"),
            ("version one\n[first]\nstatus: OK", 3, "expected `what = value`"),
            ("[first]\n\n[first]", 3, "a case with this name already exists"),
        ] {
            assert_eq!(Goldens::from_text(text), Err((line, message)), "{text}");
        }
    }

    #[test]
    fn goldens_are_compared_with_cases_and_each_other() {
        let goldens = Goldens::from_text(TEXT).expect("the goldens are invalid");
        assert_eq!(goldens.without_case(&["first", "second"]), None);
        assert_eq!(goldens.without_case(&["second"]), Some("first"));
        let other = Goldens::from_text("[second]\nstatus = OK\n[third]\nstatus = OK\n");
        assert_eq!(
            goldens.changes(&other.expect("the goldens are invalid")),
            ["first", "second", "third"]
        );
        assert_eq!(goldens.changes(&goldens), Vec::<String>::new());
    }

    #[test]
    fn goldens_replace_the_reference_but_in_the_sample() {
        let names = (0..320).map(|number| format!("case-{number}"));
        let goldens = names.clone().map(|name| (name, Vec::new())).collect();
        let goldens = Arc::new(Goldens { versions: vec!["one 1".to_owned()], answers: goldens });
        let substitution = GoldenSubstitution(Ok(goldens));
        let case = |name: String| Arc::new(OneCase { name, ..OneCase::default() });
        let cases: Vec<_> = names.map(case).collect();
        let live = cases.iter().filter(|case| !substitution.applies_to(&***case)).count();
        assert!((1..=30).contains(&live), "about one in {SAMPLE}, and not {live} of 320");
        assert!(substitution.note(&cases).contains(&format!("in {} of 320 cases", 320 - live)));
        assert!(!substitution.applies_to(&OneCase::default()), "it has no golden");
        let replaced = cases.iter().find(|case| substitution.applies_to(&***case));
        let name = replaced.expect("the case is invalid").name.clone();
        let stated = OneCase { name, forbidden: Some("OK"), ..OneCase::default() };
        assert!(!substitution.applies_to(&stated), "its table states an expectation");
    }
}
