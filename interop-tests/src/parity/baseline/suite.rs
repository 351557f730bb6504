//! What a suite that compares measures by: its cases, the live reference and the goldens.
//!
//! The two suites that compare differ in what a case is and how it is played; everything about
//! goldens is the same and stands here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::outcome::trial::{BaselineKind, Trial, TrialName};
use crate::parity::baseline::case::{Case, Reference};
use crate::parity::baseline::drift;
use crate::parity::baseline::expected::Oracle;
use crate::parity::baseline::golden_substitution::GoldenSubstitution;
use crate::parity::baseline::goldens::Goldens;
use crate::parity::baseline::recording::Recording;
use crate::process::context::RunContext;

/// See the module.
#[derive(Debug)]
pub(crate) struct Baseline<R: Reference> {
    pub(crate) suite: &'static str,
    pub(crate) cases: Vec<Arc<R::Case>>,
    pub(crate) reference: Option<Arc<R>>,
    pub(crate) goldens: Option<Arc<Goldens>>,
    stand_in: Option<GoldenSubstitution>,
}

impl<R: Reference> Baseline<R> {
    pub(crate) fn new(suite: &'static str, cases: Vec<R::Case>, reference: Option<R>) -> Self {
        let cases = cases.into_iter().map(Arc::new).collect();
        Self { suite, cases, reference: reference.map(Arc::new), goldens: None, stand_in: None }
    }

    fn file(&self, folder: &Path) -> PathBuf {
        folder.join(self.suite).with_extension("txt")
    }

    /// Reads the goldens in `folder`, and makes sure that each is of a case.
    pub(crate) fn read_goldens(&mut self, folder: &Path) -> anyhow::Result<()> {
        // Other tables need not have this suite.
        if self.cases.is_empty() {
            return Ok(());
        }
        let goldens = Goldens::read(&self.file(folder))?;
        let names: Vec<_> = self.cases.iter().map(|case| case.name()).collect();
        if let Some(stale) = goldens.without_case(&names) {
            let suite = self.suite;
            anyhow::bail!(
                "{suite}: there is a golden, and no case, called `{stale}`: `make golden`"
            );
        }
        self.goldens = Some(Arc::new(goldens));
        Ok(())
    }

    /// Records the goldens in `folder` with `heading` as their first lines.
    pub(crate) fn record(
        &self,
        folder: &Path,
        heading: &str,
        side_by_side: usize,
        context: &RunContext,
    ) -> anyhow::Result<()> {
        if self.cases.is_empty() {
            return Ok(());
        }
        let reference = self.reference.as_deref();
        let reference = reference
            .with_context(|| format!("record-goldens: {}: no peer is the reference", self.suite))?;
        let path = self.file(folder);
        let (cases, path) = (&self.cases[..], &*path);
        let recording = Recording { reference, cases, side_by_side, context, heading, path };
        let changes = recording.write()?;
        println!("interop: {} cases recorded in {}", self.cases.len(), path.display());
        for name in &changes {
            println!("interop: changed: {name}");
        }
        Ok(())
    }

    /// What is right, which is the live reference unless only the goldens are asked for.
    pub(crate) fn oracle(&self, only_goldens: bool) -> Option<Oracle<R>> {
        let reference = self.reference.as_ref().filter(|_| !only_goldens);
        Oracle::of(reference, self.goldens.as_ref())
    }

    /// Lets the goldens stand in for the live reference, if they are of its versions.
    pub(crate) fn let_goldens_stand_in(&mut self, context: &RunContext) {
        if let (Some(reference), Some(goldens)) = (&self.reference, &self.goldens) {
            self.stand_in = Some(GoldenSubstitution::of(&**reference, goldens, context));
        }
    }

    /// What a person should know of that, if anything.
    pub(crate) fn told(&self) -> Option<String> {
        self.stand_in.as_ref().map(|stand_in| stand_in.told(&self.cases))
    }

    fn has_stand_in(&self, case: &R::Case) -> bool {
        self.stand_in.as_ref().is_some_and(|stand_in| stand_in.is_for(case))
    }

    /// What is right for `case`: the same as [`oracle`](Self::oracle), unless the goldens stand in.
    pub(crate) fn oracle_for(&self, case: &R::Case, only_goldens: bool) -> Option<Oracle<R>> {
        self.oracle(only_goldens || self.has_stand_in(case))
    }

    /// For each case whether the live reference still does what the goldens say, but for those where
    /// they stand in for it; `name` makes the name of a trial.
    pub(crate) fn moved(
        &self,
        context: &Arc<RunContext>,
        name: impl Fn(&str, BaselineKind, &R::Case) -> TrialName,
    ) -> Vec<Trial> {
        let (Some(reference), Some(goldens)) = (&self.reference, &self.goldens) else {
            return Vec::new();
        };
        let trial = |case: &Arc<R::Case>| {
            let (reference, goldens) = (Arc::clone(reference), Arc::clone(goldens));
            let (case, context) = (Arc::clone(case), Arc::clone(context));
            let name = name(reference.name(), BaselineKind::Golden, &case);
            let run = move || drift::report(&case, &*reference, &goldens, &context);
            Trial { port_user: R::PORT_USER, ..Trial::new(name, run) }
        };
        self.cases.iter().filter(|case| !self.has_stand_in(case)).map(trial).collect()
    }
}
