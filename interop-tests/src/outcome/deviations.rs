//! The known deviations, read from files called `deviations.toml`.
//!
//! An entry excuses exactly one failure. The trial still runs, and an entry that no longer matches fails the
//! run, so that the file stays correct.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use pep440_rs::Version;
use serde::Deserialize;
use toml::Spanned;

use crate::config::{ConfigError, Source, glob};
use crate::outcome::evidence::{Evidence, Report};
use crate::outcome::finding::{ANY, Finding, Mismatch};
use crate::outcome::trial::TrialName;
use crate::outcome::verdict::{Verdict, VerdictKind};

/// One `[[deviation]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviation {
    /// Patterns of the names of the trials; `*` matches any text within one part of a name.
    trials: Vec<Spanned<String>>,
    /// What differs, and the observed value, or [`ANY`]. The mismatches of the trial must be exactly these.
    #[serde(default)]
    observed: BTreeMap<String, String>,
    /// In a comparison with a reference: the complete outcome must be one of these.
    #[serde(default)]
    answers: Vec<String>,
    /// The versions of the reference to which the entry applies.
    versions: Option<Spanned<String>>,
    reason: String,
    link: String,
    /// The file that contains it.
    #[serde(skip)]
    source: Arc<Source>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    deviation: Vec<Deviation>,
}

/// All known deviations.
#[derive(Debug, Default)]
pub(crate) struct KnownDeviations {
    deviations: Vec<Deviation>,
    /// Peers that are not from the project's peers file. No entry applies to their trials.
    foreign_peers: BTreeSet<String>,
}

impl KnownDeviations {
    /// Reads the files at `paths` and checks them against the names of all `trials`. `versions` returns the versions
    /// of the reference, if it takes part. With `foreign_peers`, peers that are not from the project's peers files,
    /// no entry applies to their trials, and an entry that matches no trial is ignored. So is one for a peer that
    /// `is_absent` because the user has not chosen its language.
    pub(crate) fn read(
        paths: &[PathBuf],
        trials: &[TrialName],
        versions: impl FnOnce() -> Option<Vec<String>>,
        foreign_peers: Option<BTreeSet<String>>,
        is_absent: impl Fn(&str) -> bool,
    ) -> Result<Self, ConfigError> {
        let mut deviations = Vec::new();
        for path in paths {
            let (file, source): (File, _) = Source::read(path)?;
            let source = Arc::new(source);
            let of_file = file.deviation.into_iter();
            deviations.extend(of_file.map(|it| Deviation { source: Arc::clone(&source), ..it }));
        }
        let names: Vec<_> = trials.iter().map(ToString::to_string).collect();
        for deviation in &deviations {
            let source = &deviation.source;
            if let Err(message) = deviation.check() {
                return Err(source.error(deviation.trials.first().map(Spanned::span), message));
            }
            let has_trial = |pattern: &&Spanned<String>| {
                let pattern = pattern.get_ref();
                names.iter().any(|name| matches(pattern, name))
                    || pattern.split('/').skip(1).any(&is_absent)
            };
            let mut stale = deviation.trials.iter().filter(|pattern| !has_trial(pattern));
            if let (None, Some(stale)) = (&foreign_peers, stale.next()) {
                let pattern = stale.get_ref();
                let message = format!(
                    "trials: `{pattern}` matches no trial; correct the pattern or remove it"
                );
                return Err(source.error(Some(stale.span()), message));
            }
        }
        let deviations = of_versions(deviations, versions)?;
        let known = Self { deviations, foreign_peers: foreign_peers.unwrap_or_default() };
        for (trial, name) in trials.iter().zip(&names) {
            let matching: Vec<_> = known.matching(trial, name).collect();
            let is_of_same_file = |pair: &&[&Deviation]| match pair {
                [one, other] => Arc::ptr_eq(&one.source, &other.source),
                _ => false,
            };
            // The files are read one after the other.
            if let Some([_, second]) = matching.windows(2).find(is_of_same_file) {
                let message = format!(
                    "trials: an earlier entry already matches {name}; only one entry of a file may match a trial"
                );
                let span = second.pattern(name).map(Spanned::span);
                return Err(second.source.error(span, message));
            }
        }
        Ok(known)
    }

    /// The verdict on the report of `trial`.
    ///
    /// If the versions of the reference differ from those of the goldens, a trial that fails against the
    /// reference but not against the goldens is `not supported`.
    pub(crate) fn verdict(&self, trial: &TrialName, report: &Report) -> Verdict {
        let Report { finding, evidence } = report;
        let verdict = self.strict_verdict(trial, finding, evidence);
        // A peer that did not start or that exited has no outcome to compare with the goldens.
        let has_outcome = !matches!(finding, Finding::SetUpError(_) | Finding::Broken(_));
        match &evidence.drift {
            Some(drift) if has_outcome && verdict.kind.is_failure() => {
                let by_golden = drift.finding.as_ref();
                let by_golden = by_golden.map(|by| self.strict_verdict(trial, by, evidence));
                if by_golden.is_some_and(|verdict| verdict.kind.is_failure()) {
                    return verdict;
                }
                Verdict::new(VerdictKind::NotSupported, &drift.reason)
            }
            _ => verdict,
        }
    }

    fn strict_verdict(&self, trial: &TrialName, finding: &Finding, evidence: &Evidence) -> Verdict {
        use VerdictKind::{Failed, KnownDeviation, NotSupported, SetUpError};
        // An entry for a trial applies to the same trial behind a proxy, which may hide the deviation.
        let name = trial.without_proxy();
        let entries: Vec<_> = self.matching(trial, &name).collect();
        let known = entries.first();
        match (finding.clone(), known) {
            (Finding::Match, None) => Verdict::passed(),
            (Finding::Match, Some(_)) if trial.via.is_some() => Verdict::passed(),
            (Finding::Match, Some(known)) => {
                let pattern = known.pattern(&name).map_or("", |pattern| pattern.get_ref());
                let why = format!(
                    "it passed, but deviations.toml lists it as a known deviation: remove the entry \
                     `{pattern}`"
                );
                Verdict::new(Failed, why)
            }
            (Finding::Mismatches(mismatches), known) => {
                let excusing = excusing(&entries, &mismatches, evidence);
                if let Some(first) = excusing.first() {
                    let reasons: Vec<_> = excusing.iter().map(|it| &*it.reason).collect();
                    return Verdict {
                        kind: KnownDeviation,
                        why: Some(reasons.join(" ")),
                        link: Some(first.link.clone()),
                        mismatches,
                    };
                }
                let why = known.map_or("not as expected".to_owned(), |known| {
                    format!(
                        "it differs from the known deviation in deviations.toml, which is: {}",
                        known.failure()
                    )
                });
                Verdict { mismatches, ..Verdict::new(Failed, why) }
            }
            (Finding::Accepted(reason), _) => Verdict::new(KnownDeviation, reason),
            (Finding::OfProxy(mismatches, reason), _) => {
                Verdict { mismatches, ..Verdict::new(KnownDeviation, reason) }
            }
            (Finding::NotSupported(why), _) => Verdict::new(NotSupported, why),
            (Finding::Broken(why) | Finding::Hung(why), _) => Verdict::new(Failed, why),
            (Finding::SetUpError(why) | Finding::ReferenceHung(why), _) => {
                Verdict::new(SetUpError, why)
            }
        }
    }

    /// The entries that match `trial`, which is called `name`.
    fn matching<'a>(
        &'a self,
        trial: &TrialName,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Deviation> {
        let is_ours = !trial.peers().any(|peer| self.foreign_peers.contains(peer));
        self.deviations.iter().filter(move |d| is_ours && d.pattern(name).is_some())
    }
}

impl Deviation {
    fn check(&self) -> Result<(), &'static str> {
        if self.trials.is_empty() {
            return Err("trials: the list is empty; list the names of the trials that deviate");
        }
        if self.observed.is_empty() == self.answers.is_empty() {
            return Err("an entry needs either `observed` or `answers`, and not both");
        }
        if self.reason.trim().is_empty() || self.link.trim().is_empty() {
            return Err("an entry needs a `reason` and a `link` that are not empty");
        }
        Ok(())
    }

    /// The pattern of this entry that matches the name of a trial.
    fn pattern(&self, name: &str) -> Option<&Spanned<String>> {
        self.trials.iter().find(|pattern| matches(pattern.get_ref(), name))
    }

    fn excuses(&self, mismatches: &[Mismatch], evidence: &Evidence) -> bool {
        if !self.answers.is_empty() {
            return evidence.answer.as_deref().is_some_and(|answer| self.has_answer(answer));
        }
        self.observed.len() == mismatches.len() && mismatches.iter().all(|it| self.lists(it))
    }

    fn lists(&self, mismatch: &Mismatch) -> bool {
        let known = self.observed.get(&mismatch.what);
        known.is_some_and(|known| known == ANY || *known == mismatch.observed)
    }

    fn has_answer<'a>(&'a self, answer: &'a str) -> bool {
        // Many editors remove spaces at the ends of lines.
        let lines = |text: &'a str| text.trim_end().lines().map(str::trim_end);
        self.answers.iter().any(|known| lines(known).eq(lines(answer)))
    }

    /// The recorded failure as text.
    fn failure(&self) -> String {
        let observed = self.observed.iter().map(|(what, observed)| format!("{what} = {observed}"));
        let answers = self.answers.iter().map(|answer| format!("\n{}", answer.trim_end()));
        observed.collect::<Vec<_>>().join(", ") + &answers.collect::<Vec<_>>().join("\nor")
    }
}

/// Those of the `entries` for a trial that excuse its `mismatches`: one of them alone, or all that list one, which are
/// those of the server's language and of the client's.
fn excusing<'a>(
    entries: &[&'a Deviation],
    mismatches: &[Mismatch],
    evidence: &Evidence,
) -> Vec<&'a Deviation> {
    if let Some(one) = entries.iter().find(|entry| entry.excuses(mismatches, evidence)) {
        return vec![one];
    }
    let mut used = entries.to_vec();
    used.retain(|entry| mismatches.iter().any(|mismatch| entry.lists(mismatch)));
    let listed: BTreeSet<_> = used.iter().flat_map(|entry| entry.observed.keys()).collect();
    let are_all = listed.len() == mismatches.len()
        && mismatches.iter().all(|mismatch| used.iter().any(|entry| entry.lists(mismatch)));
    if are_all { used } else { Vec::new() }
}

/// Those of `deviations` that apply to a reference of these `versions`.
fn of_versions(
    deviations: Vec<Deviation>,
    versions: impl FnOnce() -> Option<Vec<String>>,
) -> Result<Vec<Deviation>, ConfigError> {
    if deviations.iter().all(|deviation| deviation.versions.is_none()) {
        return Ok(deviations);
    }
    let versions = versions();
    let applies = |deviation: &Deviation| {
        let Some(condition) = &deviation.versions else { return Ok(true) };
        let wrong = |message| {
            deviation.source.error(Some(condition.span()), format!("versions: {message}"))
        };
        let parsed: VersionCondition = condition.get_ref().parse().map_err(wrong)?;
        versions.as_ref().map_or(Ok(false), |versions| parsed.holds(versions)).map_err(wrong)
    };
    let all = deviations.into_iter();
    let applying = all.map(|deviation| Ok(applies(&deviation)?.then_some(deviation)));
    applying.filter_map(Result::transpose).collect()
}

/// Whether each part of the name of a trial matches the corresponding part of `pattern`.
fn matches(pattern: &str, name: &str) -> bool {
    // Every name is compared with every pattern, and most of them differ before the first `*`.
    let literal = pattern.find('*').map_or(pattern, |star| &pattern[..star]);
    if !name.starts_with(literal) {
        return false;
    }
    let (mut patterns, mut parts) = (pattern.split('/'), name.split('/'));
    patterns.all(|pattern| parts.next().is_some_and(|part| glob(pattern, part)))
        && parts.next().is_none()
}

/// A condition on the version of one library, such as `grpcio < 1.80`.
#[derive(Clone, Debug)]
pub(crate) struct VersionCondition {
    name: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Below(Version),
    From(Version),
    /// The text in parentheses after the version, such as `(python)`.
    Is(String),
}

impl FromStr for VersionCondition {
    type Err = String;

    fn from_str(condition: &str) -> Result<Self, String> {
        let parse = || {
            let (name, rest) = condition.split_once(' ')?;
            let test = match rest.split_once(' ') {
                Some(("<", version)) => Test::Below(version.parse().ok()?),
                Some((">=", version)) => Test::From(version.parse().ok()?),
                None if rest.starts_with('(') && rest.ends_with(')') => Test::Is(rest.to_owned()),
                _ => return None,
            };
            Some(Self { name: name.to_owned(), test })
        };
        let forms = "`NAME < VERSION`, `NAME >= VERSION` or `NAME (WHAT)`";
        parse().ok_or_else(|| format!("`{condition}` must have the form {forms}"))
    }
}

impl VersionCondition {
    /// Whether the condition holds for the versions in `lines`; the error is the reason why that is unknown.
    pub(crate) fn holds(&self, lines: &[String]) -> Result<bool, String> {
        let line = lines.iter().find_map(|line| {
            let (name, rest) = line.split_once(' ')?;
            let (version, what) = rest.split_once(' ').unwrap_or((rest, ""));
            (name == self.name).then_some((version.parse::<Version>().ok()?, what))
        });
        let (version, what) = line.ok_or_else(|| {
            let (name, reported) = (&self.name, lines.join(", "));
            format!("the reference reports no version of `{name}`; it reports: {reported}")
        })?;
        Ok(match &self.test {
            Test::Below(bound) => version < *bound,
            Test::From(bound) => version >= *bound,
            Test::Is(expected) => what == expected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::finding::ReferenceDrift;

    const OBSERVED: &str = "observed = { status = 'INTERNAL' }";
    const ANSWERS: &str = "answers = ['''\nstatus = INTERNAL\nmessage =\n''']";

    fn entry(trials: &str, outcome: &str) -> String {
        format!(
            "[[deviation]]\ntrials = [{trials:?}]\n{outcome}\nreason = \"it is known\"\n\
             link = \"https://grpc.io\"\n"
        )
    }

    fn trial(case: &str) -> TrialName {
        TrialName::stated("calls", "python", "rust", case.to_owned())
    }

    fn read(text: &str, foreign_peers: Option<&str>) -> Result<KnownDeviations, String> {
        read_all(&[text], foreign_peers)
    }

    /// Reads files with these texts.
    fn read_all(texts: &[&str], foreign_peers: Option<&str>) -> Result<KnownDeviations, String> {
        let folder = tempfile::tempdir().expect("cannot create a folder");
        let file = |(number, text): (usize, &&str)| {
            let path = folder.path().join(format!("{number}.toml"));
            std::fs::write(&path, text).expect("cannot write a file");
            path
        };
        let paths: Vec<_> = texts.iter().enumerate().map(file).collect();
        let foreign_peers = foreign_peers.map(|name| BTreeSet::from([name.to_owned()]));
        let versions = || Some(vec!["grpcio 1.85.1".to_owned()]);
        let trials = [trial("zero"), trial("one")];
        KnownDeviations::read(&paths, &trials, versions, foreign_peers, |peer| peer == "absent")
            .map_err(|error| error.to_string())
    }

    fn deviations(text: &str) -> KnownDeviations {
        read(text, None).expect("the entries are invalid")
    }

    fn mismatches(lines: &[(&str, &str)]) -> Finding {
        let mismatch = |(what, observed): &(&str, &str)| Mismatch::new(what, "OK", observed);
        lines.iter().map(mismatch).collect::<Vec<_>>().into()
    }

    fn verdict(
        known: &KnownDeviations,
        case: &str,
        finding: Finding,
        answer: Option<&str>,
    ) -> Verdict {
        let evidence = Evidence { answer: answer.map(str::to_owned), ..Evidence::default() };
        known.verdict(&trial(case), &Report { finding, evidence })
    }

    #[test]
    fn the_recorded_failure_is_excused_with_its_reason() {
        let deviations = deviations(&entry("calls/*/rust/z*", OBSERVED));
        let known = verdict(&deviations, "zero", mismatches(&[("status", "INTERNAL")]), None);
        assert_eq!(known.kind, VerdictKind::KnownDeviation);
        assert_eq!(known.why.as_deref(), Some("it is known"));
        assert_eq!(known.link.as_deref(), Some("https://grpc.io"));
        assert_eq!(known.mismatches.len(), 1);
        let other = verdict(&deviations, "one", mismatches(&[("status", "INTERNAL")]), None);
        assert_eq!(other.why.as_deref(), Some("not as expected"), "the entry is for another trial");
        assert_eq!(verdict(&deviations, "one", Finding::Match, None), Verdict::passed());
    }

    #[test]
    fn a_value_that_varies_need_not_be_recorded() {
        let any = OBSERVED.replace("INTERNAL", "(any)");
        let deviations = deviations(&entry("calls/*/rust/zero", &any));
        let kind =
            |lines: &[(&str, &str)]| verdict(&deviations, "zero", mismatches(lines), None).kind;
        assert_eq!(kind(&[("status", "INTERNAL")]), VerdictKind::KnownDeviation);
        assert_eq!(kind(&[("status", "UNKNOWN")]), VerdictKind::KnownDeviation);
        assert_eq!(kind(&[("status", "UNKNOWN"), ("root", "1")]), VerdictKind::Failed);
        assert_eq!(kind(&[("root", "1")]), VerdictKind::Failed);
    }

    #[test]
    fn entries_of_both_languages_excuse_a_trial_together() {
        let server = entry("calls/python/*/zero", OBSERVED);
        let client = entry("calls/*/rust/zero", "observed = { message = 'gone', status = 'lost' }");
        let known = read_all(&[&server, &client], None).expect("the entries are valid");
        let kind = |lines: &[(&str, &str)]| verdict(&known, "zero", mismatches(lines), None).kind;
        let both = [("status", "INTERNAL"), ("message", "gone")];
        assert_eq!(kind(&both), VerdictKind::KnownDeviation);
        assert_eq!(kind(&both[..1]), VerdictKind::KnownDeviation, "that of the server");
        assert_eq!(kind(&[("status", "lost"), ("message", "gone")]), VerdictKind::KnownDeviation);
        assert_eq!(kind(&both[1..]), VerdictKind::Failed);
        assert_eq!(kind(&[both[0], both[1], ("root", "1")]), VerdictKind::Failed);
        assert_eq!(kind(&[("status", "INTERNAL"), ("message", "here")]), VerdictKind::Failed);
    }

    #[test]
    fn an_unexpected_pass_fails() {
        let deviations = deviations(&entry("calls/*/rust/zero", OBSERVED));
        let passed = verdict(&deviations, "zero", Finding::Match, None);
        assert_eq!(passed.kind, VerdictKind::Failed);
        assert!(
            passed
                .why
                .expect("there is no reason")
                .ends_with("remove the entry `calls/*/rust/zero`")
        );
    }

    #[test]
    fn a_different_failure_fails() {
        let deviations = deviations(&entry("calls/*/rust/zero", OBSERVED));
        for lines in [
            &[("status", "UNKNOWN")][..],
            &[("message", "INTERNAL")],
            &[("status", "INTERNAL"), ("message", "none")],
        ] {
            let other = verdict(&deviations, "zero", mismatches(lines), None);
            assert_eq!(other.kind, VerdictKind::Failed, "{lines:?}");
            let why = other.why.expect("there is no reason");
            assert_eq!(
                why,
                "it differs from the known deviation in deviations.toml, which is: status = INTERNAL"
            );
        }
        let broken = verdict(&deviations, "zero", Finding::Broken("it died".to_owned()), None);
        assert_eq!(broken.kind, VerdictKind::Failed);
        let error = verdict(&deviations, "zero", Finding::SetUpError("no port".to_owned()), None);
        assert_eq!(error.kind, VerdictKind::SetUpError);
    }

    #[test]
    fn an_entry_applies_to_a_complete_outcome() {
        let deviations = deviations(&entry("calls/*/rust/zero", ANSWERS));
        let known = |answer| {
            verdict(&deviations, "zero", mismatches(&[("status", "INTERNAL")]), Some(answer)).kind
        };
        assert_eq!(known("status = INTERNAL\nmessage = \n"), VerdictKind::KnownDeviation);
        assert_eq!(known("status = INTERNAL\nmessage = gone\n"), VerdictKind::Failed);
        assert_eq!(known("status = INTERNAL\n"), VerdictKind::Failed);
    }

    #[test]
    fn an_entry_that_matches_no_trial_is_rejected() {
        let error = read(&entry("calls/*/rust/two", OBSERVED), None).expect_err("no such trial");
        assert!(error.contains(":2: trials: `calls/*/rust/two` matches no trial"), "{error}");
        let result = read(&entry("calls/*/rust/two", OBSERVED), Some("go"));
        assert!(result.is_ok(), "with other peers the trial may be missing");
        let result = read(&entry("calls/absent/rust/two", OBSERVED), None);
        assert!(result.is_ok(), "the language was not chosen");
        let two = entry("calls/*/rust/zero", OBSERVED) + &entry("calls/python/*/z*", OBSERVED);
        let error = read(&two, None).expect_err("two entries");
        assert!(
            error.contains(":7: trials: an earlier entry already matches calls/python/rust/zero")
        );
    }

    #[test]
    fn an_entry_is_complete() {
        for (outcome, message) in [
            ("", "an entry needs either `observed` or `answers`"),
            ("observed = { status = 'x' }\nanswers = ['y']", "an entry needs either `observed`"),
        ] {
            let error = read(&entry("calls/*/rust/zero", outcome), None).expect_err(message);
            assert!(error.contains(message), "{error}");
        }
        let without = entry("calls/*/rust/zero", OBSERVED).replace("it is known", " ");
        let error = read(&without, None).expect_err("no reason");
        assert!(error.contains("an entry needs a `reason` and a `link`"), "{error}");
    }

    #[test]
    fn an_entry_applies_to_its_versions() {
        let finding = || mismatches(&[("status", "INTERNAL")]);
        for (versions, kind) in [
            ("grpcio >= 1.80.0rc1", VerdictKind::KnownDeviation),
            ("grpcio < 1.85.1", VerdictKind::Failed),
        ] {
            let outcome = format!("{OBSERVED}\nversions = {versions:?}");
            let deviations = deviations(&entry("calls/*/rust/zero", &outcome));
            assert_eq!(verdict(&deviations, "zero", finding(), None).kind, kind, "{versions}");
        }
    }

    #[test]
    fn entries_do_not_apply_to_foreign_peers() {
        let deviations = read(&entry("calls/*/rust/zero", OBSERVED), Some("python"));
        let deviations = deviations.expect("the entries are invalid");
        let failed = verdict(&deviations, "zero", mismatches(&[("status", "INTERNAL")]), None);
        assert_eq!(failed.kind, VerdictKind::Failed);
    }

    #[test]
    fn where_the_reference_differs_from_the_goldens_they_count() {
        let by_golden = |finding| {
            let drift = ReferenceDrift { reason: "it moved".to_owned(), finding };
            let evidence = Evidence { drift: Some(drift), ..Evidence::default() };
            let finding = mismatches(&[("status", "INTERNAL")]);
            KnownDeviations::default().verdict(&trial("zero"), &Report { finding, evidence }).kind
        };
        assert_eq!(by_golden(Some(Finding::Match)), VerdictKind::NotSupported);
        assert_eq!(by_golden(None), VerdictKind::NotSupported);
        let differs = mismatches(&[("status", "INTERNAL")]);
        assert_eq!(by_golden(Some(differs)), VerdictKind::Failed);
    }

    #[test]
    fn a_star_is_any_text_within_a_part() {
        let name = "calls/python/rust/tls/root-of-2";
        for pattern in ["calls/python/rust/tls/root-of-2", "calls/*/r*t/*/*-of-*", "*/*/*/*/*"] {
            assert!(matches(pattern, name), "{pattern}");
        }
        for pattern in
            ["calls/*", "calls/*/*", "calls/python/rust/tls/root", "calls/java*", "*/*/*/*/*/*", ""]
        {
            assert!(!matches(pattern, name), "{pattern}");
        }
    }

    fn holds(condition: &str, line: &str) -> Result<bool, String> {
        condition
            .parse::<VersionCondition>()?
            .holds(&["CPython 3.11.7".to_owned(), line.to_owned()])
    }

    #[test]
    fn versions_compare_as_those_of_python_packages() {
        for (condition, line, expected) in [
            ("grpcio < 1.85", "grpcio 1.84.1", true),
            ("grpcio < 1.85", "grpcio 1.85", false),
            ("grpcio < 1.85", "grpcio 1.85.0", false),
            ("grpcio < 1.100", "grpcio 1.85.1", true),
            ("grpcio < 1.80", "grpcio 1.80.0rc1", true),
            ("grpcio >= 1.80.0rc1", "grpcio 1.80.0", true),
            ("grpcio >= 1.80", "grpcio 1.80.0rc1", false),
            ("grpcio >= 1.80", "grpcio 1.80.0.post1", true),
            ("protobuf (python)", "protobuf 7.36.2 (python)", true),
            ("protobuf (python)", "protobuf 7.36.2", false),
            ("protobuf < 8", "protobuf 7.36.2 (python)", true),
        ] {
            assert_eq!(holds(condition, line), Ok(expected), "{condition} of {line}");
        }
    }

    #[test]
    fn invalid_conditions_are_rejected() {
        for wrong in ["grpcio", "grpcio 2", "grpcio < newest", "grpcio == 1", "grpcio (python"] {
            let error = holds(wrong, "grpcio 1").expect_err(wrong);
            assert!(error.starts_with(&format!("`{wrong}` must have the form ")), "{error}");
        }
    }

    #[test]
    fn a_version_that_is_unknown_is_an_error() {
        let error = holds("grpcio < 2", "protobuf 7").expect_err("no such name");
        assert_eq!(
            error,
            "the reference reports no version of `grpcio`; it reports: CPython 3.11.7, protobuf 7"
        );
        holds("grpcio < 2", "grpcio unknown").expect_err("no version");
    }
}
