//! What is right: the live reference, or the goldens where it cannot run.

use std::sync::Arc;

use super::golden::Goldens;
use super::observation::Observation;
use super::probe::Probe;
use super::reference::Reference;
use crate::harness::finding::Finding;
use crate::harness::setting::Setting;

/// The name of the goldens where a peer's name would stand.
pub(crate) const GOLDEN: &str = "golden";

/// Who is asked.
#[derive(Clone, Debug)]
pub(crate) enum Oracle {
    Live(Arc<Reference>),
    Golden(Arc<Goldens>),
}

impl Oracle {
    /// All that is right for `probe`; more than one answer if the reference is not stable.
    ///
    /// What the probe lists comes first, so that a server that differs from everything differs in
    /// the same way each time.
    pub(crate) fn answers(
        &self,
        probe: &Probe,
        setting: &Setting,
    ) -> Result<Vec<Observation>, Finding> {
        match self {
            Self::Live(reference) => {
                let observation = reference.observation(probe, setting)?;
                let mut answers = probe.also().to_vec();
                if !answers.contains(&observation) {
                    answers.push(observation);
                }
                Ok(answers)
            }
            Self::Golden(goldens) => goldens.of(probe.name()).map(<[_]>::to_vec).ok_or_else(|| {
                Finding::SetUpError("there is no golden of this probe: `make golden`".to_owned())
            }),
        }
    }
}

/// How `observed` differs from that of `answers` that it is most like.
pub(crate) fn nearest(answers: &[Observation], observed: &Observation) -> Finding {
    let mismatches = answers.iter().map(|answer| answer.mismatches(observed));
    mismatches.min_by_key(Vec::len).unwrap_or_default().into()
}
