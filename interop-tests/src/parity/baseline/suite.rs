//! A suite that compares peers with a baseline: every case at every peer.
//!
//! The suites differ only in their cases and in how these run at a peer, which [`Comparison`] defines. The trials,
//! the comparison and the goldens are the same for all.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::capture::recorder::Recorder;
use crate::config::Peer;
use crate::outcome::{BaselineKind, Evidence, Finding, Report, Trial, TrialName};
use crate::output::file::replace;
use crate::output::out;
use crate::parity::baseline::expected::{self, Baseline};
use crate::parity::baseline::goldens::{GoldenSubstitution, Goldens};
use crate::parity::baseline::recording;
use crate::parity::baseline::reference::{Case, Reference, Subject};
use crate::process::RunContext;

/// The side of a connection that the peers of a suite have. The tool plays the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The peers are servers.
    Server,
    /// The peers are clients.
    Client,
}

/// The definition of a suite.
pub(crate) trait Comparison: fmt::Debug + 'static {
    /// The first part of the names of its trials.
    const SUITE: &'static str;
    /// The name of its goldens file without the extension.
    const GOLDENS: &'static str;
    /// How many cases are recorded at once.
    const RECORDED_AT_ONCE: usize;
    /// The side of the peers.
    const SIDE: Side;
    /// Whether the reference is also compared with itself, like any other peer.
    const COMPARES_REFERENCE: bool = true;

    /// The cases.
    type Case: Case;
    /// A peer that is compared.
    type Subject: Subject<Case = Self::Case>;
    /// The peer that is the reference.
    type Reference: Subject<Case = Self::Case>;

    /// The subject for `peer`, if it has the necessary program. Logs go to `folder`.
    fn subject(peer: &Peer, folder: &Path) -> Option<Self::Subject>;

    /// The subject for the peer that is the live reference, if it shares the processes of `reference`.
    fn shared(_reference: &Arc<Self::Reference>) -> Option<Arc<Self::Subject>> {
        None
    }

    /// The subject for `peer` as the reference, if it has the necessary program.
    fn reference(peer: &Peer, folder: &Path) -> Option<Self::Reference>;

    /// Whether `case` runs at `peer`.
    fn has_trial(peer: &Peer, _case: &Self::Case) -> bool {
        peer.parity
    }
}

/// The cases of a suite and its baselines.
#[derive(Debug)]
pub(crate) struct Suite<C: Comparison> {
    pub(crate) cases: Vec<Arc<C::Case>>,
    pub(crate) reference: Option<Arc<Reference<C::Reference>>>,
    pub(crate) goldens: Option<Arc<Goldens>>,
    substitution: Option<GoldenSubstitution>,
}

impl<C: Comparison> Suite<C> {
    /// The suite with these `cases` and with the reference among `peers`, if there is one.
    pub(crate) fn new(peers: &[Peer], cases: Vec<C::Case>, context: &RunContext) -> Self {
        let folder = context.logs.join(C::SUITE).join("reference");
        let reference = peers.iter().find(|peer| peer.reference).and_then(|peer| {
            let subject = C::reference(peer, &folder)?;
            Some(Arc::new(Reference::new(peer, subject, folder.join(C::GOLDENS))))
        });
        let cases = cases.into_iter().map(Arc::new).collect();
        Self { cases, reference, goldens: None, substitution: None }
    }

    fn file(folder: &Path) -> PathBuf {
        folder.join(C::GOLDENS).with_extension("txt")
    }

    /// Reads the goldens in `folder`, and checks that each belongs to a case.
    pub(crate) fn read_goldens(&mut self, folder: &Path) -> anyhow::Result<()> {
        // With --scenarios the suite may have no cases.
        if self.cases.is_empty() {
            return Ok(());
        }
        let path = Self::file(folder);
        let goldens = Goldens::read(&path)?;
        let names: Vec<_> = self.cases.iter().map(|case| case.name()).collect();
        if let Some(stale) = goldens.without_case(&names) {
            let path = path.display();
            anyhow::bail!("{path}: the golden `{stale}` belongs to no case; run `make golden`");
        }
        self.goldens = Some(Arc::new(goldens));
        Ok(())
    }

    /// Records the goldens in `folder`.
    pub(crate) fn record(&self, folder: &Path, context: &RunContext) -> anyhow::Result<()> {
        if self.cases.is_empty() {
            return Ok(());
        }
        let name = C::GOLDENS;
        let reference = self.reference.as_deref().with_context(|| {
            format!("record-goldens: no peer has `reference = true` and the program for {name}")
        })?;
        let record = || recording::record(reference, &self.cases, C::RECORDED_AT_ONCE, context);
        let goldens = match C::Reference::PORT_USER {
            Some(user) => context.port_queue.run_alone(user, record)?,
            None => record()?,
        };
        let path = Self::file(folder);
        let changes = goldens.changes(&Goldens::read(&path).unwrap_or_default());
        replace(&path, |out| out.write_all(goldens.to_string().as_bytes()))?;
        out!("interop: recorded {} cases in {}", self.cases.len(), path.display());
        for name in &changes {
            out!("interop: changed golden: {name}");
        }
        Ok(())
    }

    /// Lets the goldens replace the live reference if they have the same versions.
    pub(crate) fn substitute_goldens(&mut self, context: &RunContext) {
        if let (Some(reference), Some(goldens)) = (&self.reference, &self.goldens) {
            self.substitution = Some(GoldenSubstitution::of(reference, goldens, context));
        }
    }

    /// The note on whether goldens replaced the reference, for the reader of the run.
    pub(crate) fn note(&self) -> Option<String> {
        self.substitution.as_ref().map(|substitution| substitution.note(&self.cases))
    }

    fn is_substituted(&self, case: &C::Case) -> bool {
        self.substitution.as_ref().is_some_and(|substitution| substitution.applies_to(case))
    }

    /// The live reference, or the goldens if only they are to be used or there is no reference.
    fn baseline(&self, only_goldens: bool) -> Option<Baseline<C::Reference>> {
        let goldens = self.goldens.clone();
        match &self.reference {
            Some(reference) if !only_goldens => {
                Some(Baseline::Live(Arc::clone(reference), goldens))
            }
            _ => Some(Baseline::Golden(goldens?)),
        }
    }

    /// All trials: each peer is compared with the live reference, and the reference with the goldens. With
    /// `only_goldens`, all peers are compared with the goldens.
    pub(crate) fn trials(
        &self,
        peers: &[Peer],
        only_goldens: bool,
        context: &Arc<RunContext>,
    ) -> Vec<Trial> {
        let live = self.reference.as_ref().filter(|_| !only_goldens);
        let reference = peers.iter().find(|peer| peer.reference).map(Peer::name);
        let name = |peer: &str, baseline, case: &C::Case| TrialName {
            via: None,
            suite: C::SUITE,
            server: (C::SIDE == Side::Server).then(|| peer.to_owned()),
            client: (C::SIDE == Side::Client).then(|| peer.to_owned()),
            baseline,
            method: None,
            reference: reference.map(str::to_owned),
            case: case.name().to_owned(),
        };
        let mut trials = Vec::new();
        for peer in peers {
            if peer.reference && live.is_some() && !C::COMPARES_REFERENCE {
                continue;
            }
            let own = live.filter(|_| peer.reference).map(|reference| &reference.subject);
            let folder = context.logs.join(C::SUITE).join(peer.name());
            let subject = || C::subject(peer, &folder).map(Arc::new);
            let Some(subject) = own.and_then(C::shared).or_else(subject) else { continue };
            let shares_libraries = peer.has_reference_libraries(peers);
            trials.extend(self.cases.iter().filter_map(|case| {
                let baseline = self.baseline(only_goldens || self.is_substituted(case))?;
                C::has_trial(peer, case).then(|| {
                    let name = name(peer.name(), baseline.kind(), case);
                    let (case, subject) = (Arc::clone(case), Arc::clone(&subject));
                    let is_attached = subject.is_attached();
                    if let Some(why) = subject.not_supported(&case) {
                        let finding = Finding::NotSupported(why);
                        let evidence =
                            Evidence { grade: Some(case.grade()), ..Evidence::default() };
                        let report = Report { finding, evidence };
                        let run = move || report.clone();
                        return Trial { is_attached, ..Trial::new(name, run) };
                    }
                    let of_reference = baseline.live().and(C::Reference::PORT_USER);
                    let port_user = C::Subject::PORT_USER.or(of_reference);
                    let context = Arc::clone(context);
                    let needs = (subject.need(&case), baseline.need(&case));
                    let run = move || {
                        let _needs = &needs;
                        compare::<C>(&case, &*subject, &baseline, shares_libraries, &context)
                    };
                    Trial { is_attached, port_user, ..Trial::new(name, run) }
                })
            }));
        }
        if let (Some(reference), Some(goldens)) = (live, &self.goldens) {
            let checked = self.cases.iter().filter(|case| !self.is_substituted(case));
            trials.extend(checked.map(|case| {
                let name = name(reference.peer.name(), BaselineKind::Golden, case);
                let (reference, goldens) = (Arc::clone(reference), Arc::clone(goldens));
                let (case, context) = (Arc::clone(case), Arc::clone(context));
                let need = reference.subject.need(&case);
                let run = move || {
                    let _need = &need;
                    expected::check(&case, &reference, &goldens, &context)
                };
                Trial { port_user: C::Reference::PORT_USER, ..Trial::new(name, run) }
            }));
        }
        trials
    }
}

/// Runs `case` at `subject` and compares the outcome with that of the baseline.
fn compare<C: Comparison>(
    case: &Arc<C::Case>,
    subject: &C::Subject,
    baseline: &Baseline<C::Reference>,
    shares_libraries: bool,
    context: &RunContext,
) -> Report {
    let live = baseline.live();
    let command = subject.command(context);
    let (who, server_command, client_command) = match C::SIDE {
        Side::Server => ("server", command, None),
        Side::Client => ("client", None, command),
    };
    let logs = subject.logs(case).into_iter();
    let logs = logs.chain(live.into_iter().flat_map(|reference| reference.logs(case)));
    let mut evidence = Evidence {
        about: Some(case.description()),
        grade: Some(case.grade()),
        server_command,
        client_command,
        reference_command: live.and_then(|reference| reference.command(context)),
        logs: logs.flat_map(|logs| [logs.stdout, logs.stderr]).collect(),
        ..Evidence::default()
    };
    let mut judge = || {
        subject.prepare(context)?;
        let recorder = evidence.recorder.insert(Recorder::default());
        // First, so that a peer that runs its cases together does not wait for the reference.
        let run = subject.run(case, context, recorder);
        let expected = baseline.expected(case, shares_libraries, context)?;
        evidence.drift = expected.drift(&**case, run.as_ref().ok().map(|run| &run.observed));
        let run = run?;
        evidence.sent = run.sent;
        evidence.duration = Some(run.duration);
        // Masked, because deviations.toml cannot contain texts with a port of this run.
        evidence.answer = Some(run.masked.to_string());
        Ok(expected.judge(&**case, who, run.observed, &mut evidence))
    };
    let finding = judge().unwrap_or_else(|finding| finding);
    Report { finding, evidence }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::config::Places;
    use crate::outcome::{Finding, Observation};
    use crate::parity::baseline::goldens::tests::{OneCase, observation};
    use crate::parity::baseline::reference::CaseRun;
    use crate::process::Logs;
    use crate::process::Semaphore;

    /// A comparison in which every case has the outcome that is the peer's `language`.
    #[derive(Debug)]
    struct Fake;

    #[derive(Debug)]
    struct FakeSubject(Observation);

    impl Comparison for Fake {
        const SUITE: &'static str = "fake";
        const GOLDENS: &'static str = "fake";
        const RECORDED_AT_ONCE: usize = 1;
        const SIDE: Side = Side::Client;

        type Case = OneCase;
        type Subject = FakeSubject;
        type Reference = FakeSubject;

        fn subject(peer: &Peer, folder: &Path) -> Option<FakeSubject> {
            Self::reference(peer, folder)
        }

        fn reference(peer: &Peer, _folder: &Path) -> Option<FakeSubject> {
            Some(FakeSubject(observation(&peer.language)))
        }
    }

    impl Subject for FakeSubject {
        type Case = OneCase;

        fn run(
            &self,
            _case: &Arc<OneCase>,
            _context: &RunContext,
            _recorder: &mut Recorder,
        ) -> Result<CaseRun, Finding> {
            let (observed, masked) = (self.0.clone(), self.0.clone());
            Ok(CaseRun { observed, masked, sent: Vec::new(), duration: Duration::ZERO })
        }

        fn command(&self, _context: &RunContext) -> Option<String> {
            None
        }

        fn logs(&self, _case: &OneCase) -> Vec<Logs> {
            Vec::new()
        }
    }

    #[derive(serde::Deserialize)]
    struct Peers {
        peer: Vec<Peer>,
    }

    const PEERS: &str = "[[peer]]\nname = \"python\"\nlanguage = \"status = OK\"\nreference = true\n\
                         [[peer]]\nname = \"rust\"\nlanguage = \"status = OK\"\n\
                         [[peer]]\nname = \"go\"\nlanguage = \"status = INTERNAL\"\n\
                         [[peer]]\nname = \"other\"\nlanguage = \"status = OK\"\nparity = false\n";

    /// The trials of two cases, of which the golden of the first says INTERNAL, by their names and
    /// with whether they match.
    fn run(only_goldens: bool, is_substituted: bool) -> BTreeMap<String, bool> {
        let peers: Peers = toml::from_str(PEERS).expect("the peers are invalid");
        let places = Places::find(None, None).expect("places");
        let logs = tempfile::tempdir().expect("cannot create a folder");
        let context = RunContext::new(places, logs.path().join("logs"), Semaphore::new(1));
        let context = Arc::new(context.expect("cannot create a context"));
        let case = |name: &str| OneCase { name: name.to_owned(), ..OneCase::default() };
        let mut suite =
            Suite::<Fake>::new(&peers.peer, vec![case("first"), case("second")], &context);
        let golden = |name: &str, text| (name.to_owned(), vec![observation(text)]);
        let answers = vec![golden("first", "status = INTERNAL"), golden("second", "status = OK")];
        let goldens = Arc::new(Goldens { versions: Vec::new(), answers });
        suite.goldens = Some(Arc::clone(&goldens));
        suite.substitution = is_substituted.then_some(GoldenSubstitution(Ok(goldens)));
        let trials = suite.trials(&peers.peer, only_goldens, &context).into_iter();
        let result = |mut trial: Trial| {
            let name = format!("{} by {}", trial.name, trial.name.baseline);
            (name, matches!((trial.run)().finding, Finding::Match))
        };
        trials.map(result).collect()
    }

    fn expected(results: &[(&str, bool)]) -> BTreeMap<String, bool> {
        results.iter().map(|(name, is_match)| ((*name).to_owned(), *is_match)).collect()
    }

    #[test]
    fn peers_are_compared_with_the_reference_and_the_reference_with_the_goldens() {
        let mut results = run(false, false);
        // The reference has no `versions`, so a difference from its golden cannot be explained.
        assert_eq!(results.remove("fake/python/golden/first by golden"), Some(false));
        let others = [
            ("fake/python/live/first by live", true),
            ("fake/python/live/second by live", true),
            ("fake/python/golden/second by golden", true),
            ("fake/rust/first by live", true),
            ("fake/rust/second by live", true),
            ("fake/go/first by live", false),
            ("fake/go/second by live", false),
        ];
        assert_eq!(results, expected(&others), "and none of a peer without parity");
    }

    #[test]
    fn only_goldens_need_no_reference() {
        let all = [
            ("fake/python/golden/first by golden", false),
            ("fake/python/golden/second by golden", true),
            ("fake/rust/first by golden", false),
            ("fake/rust/second by golden", true),
            ("fake/go/first by golden", true),
            ("fake/go/second by golden", false),
        ];
        assert_eq!(run(true, false), expected(&all));
    }

    #[test]
    fn goldens_replace_the_reference_where_they_are_substituted() {
        let results = run(false, true);
        let is_golden = |name: &&String| name.ends_with("by golden");
        assert_eq!(results.keys().filter(is_golden).count(), 6, "{results:?}");
        assert_eq!(results.len(), 6, "the reference is not run: {results:?}");
    }
}
