//! A live reference of other versions than the goldens, which may do otherwise than they say.
//!
//! Peers are to be like the goldens' versions. One that is, and not like this reference, has neither
//! passed nor failed. Where both are of the same versions nothing here has a say.

use std::sync::Arc;

use crate::outcome::finding::{Mismatch, ReferenceDrift};
use crate::outcome::observation::Observation;
use crate::parity::baseline::case::{Case, Reference};
use crate::parity::baseline::expected::judged;
use crate::parity::baseline::goldens::Goldens;
use crate::process::context::RunContext;

/// The goldens, and the versions that the reference is of instead of theirs.
#[derive(Debug)]
pub(crate) struct OtherVersions<'a> {
    goldens: &'a Goldens,
    versions: Vec<String>,
}

/// What a peer is measured by beside a reference that has moved from the goldens.
#[derive(Debug)]
pub(crate) struct Excuse {
    reason: String,
    /// What it has to be like instead; a peer that is made of what the reference is made of moves with
    /// it, and nobody knows what else these versions do.
    golden: Option<Vec<Observation>>,
}

impl<'a> OtherVersions<'a> {
    /// `None` if those of `reference` are the goldens'; the error says why nobody knows.
    pub(crate) fn of(
        reference: &impl Reference,
        goldens: &'a Arc<Goldens>,
        context: &RunContext,
    ) -> Result<Option<Self>, String> {
        let versions = reference.versions(context)?;
        Ok((versions != goldens.versions).then_some(Self { goldens, versions }))
    }

    /// Why something is not supported: with these versions the reference does `what`.
    fn reason(&self, what: &str) -> String {
        format!(
            "the goldens are of {}, this is {}, which {what}",
            self.goldens.versions.join(", "),
            self.versions.join(", ")
        )
    }

    /// The same for one that does not answer as the goldens say, but with these `mismatches`.
    pub(crate) fn reason_of_moving(&self, mismatches: &[Mismatch]) -> String {
        let whats: Vec<_> = mismatches.iter().map(|mismatch| &mismatch.what[..]).collect();
        self.reason(&format!("answers otherwise: {}; `make golden`", whats.join(", ")))
    }

    /// The same for a reference that hung, because of `why`.
    pub(crate) fn reason_of_hanging(&self, why: &str) -> String {
        self.reason(&format!("hangs with this: {why}"))
    }

    /// The excuse of a peer from being like what the reference was `observed` to do with `case`, if
    /// that is not what its golden says; `is_kin` is one that is made of what the reference is.
    pub(crate) fn excuse(
        &self,
        case: &impl Case,
        observed: &Result<Observation, String>,
        is_kin: bool,
    ) -> Option<Excuse> {
        let golden = self.goldens.of(case.name());
        let reason = match (observed, golden) {
            (Err(why), _) => self.reason_of_hanging(why),
            (Ok(observed), golden) => match differences(golden.unwrap_or_default(), observed) {
                mismatches if !mismatches.is_empty() => self.reason_of_moving(&mismatches),
                _ if is_kin => self.reason("does not always answer the same"),
                _ => return None,
            },
        };
        Some(Excuse { reason, golden: golden.filter(|_| !is_kin).map(<[_]>::to_vec) })
    }

    /// What its golden says of `case`.
    pub(crate) fn golden(&self, case: &impl Case) -> Option<&[Observation]> {
        self.goldens.of(case.name())
    }
}

impl Excuse {
    /// How a peer that was `observed` with `case` would be judged by the goldens; before it was, that
    /// of one which is not measured by them.
    pub(crate) fn moved(
        &self,
        case: &impl Case,
        observed: Option<&Observation>,
    ) -> Option<ReferenceDrift> {
        let finding = match (&self.golden, observed) {
            (None, _) => None,
            (Some(golden), Some(observed)) => Some(judged(case, golden, observed)),
            (Some(_), None) => return None,
        };
        Some(ReferenceDrift { reason: self.reason.clone(), finding })
    }
}

/// How what was `observed` differs from that of `golden` that it is most like; also where the golden
/// takes any text and this is one that a peer has to have.
fn differences(golden: &[Observation], observed: &Observation) -> Vec<Mismatch> {
    let both_ways = golden.iter().map(|golden| {
        let mut mismatches = golden.mismatches(observed);
        if mismatches.is_empty() {
            mismatches = observed.mismatches(golden);
        }
        mismatches
    });
    both_ways.min_by_key(Vec::len).unwrap_or_default()
}
