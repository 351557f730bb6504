//! Whether the live reference still does what the goldens say.
//!
//! Another version of it may do otherwise: that is worth a look, and no failure, since peers are
//! compared with the live one.

use std::sync::Arc;

use super::case::{Case, Reference};
use super::golden::Goldens;
use super::right::{judged, take_up};
use crate::harness::finding::{Evidence, Finding, Report};
use crate::harness::setting::Setting;
use crate::harness::trace::tape::Tape;

/// Why no trace shows a frame.
const NO_FRAMES: &str = "the reference was played once for all trials that ask for it, and what it \
                         sent then is not kept";

/// Puts `case` to the `reference` and compares what it does with its golden.
pub(crate) fn report<R: Reference>(
    case: &Arc<R::Case>,
    reference: &R,
    goldens: &Goldens,
    setting: &Setting,
) -> Report {
    let mut evidence = Evidence {
        about: Some(format!(
            "{}\nif the reference is right, `make golden` records what it answers now",
            case.description()
        )),
        grade: Some(case.grade()),
        reference_command: reference.command(setting),
        tape: Some(Tape::of_nothing(NO_FRAMES)),
        ..Evidence::default()
    };
    let mut compare = || {
        let answers = goldens.must_have(case.name())?;
        let observation = reference.observation(case, setting)?;
        let finding = judged(&**case, answers, &observation);
        take_up(answers.to_vec(), "reference now", observation, &mut evidence);
        match finding {
            Finding::Mismatches(mismatches) => {
                let versions = reference.versions(setting).map_err(Finding::SetUpError)?;
                if versions == goldens.versions {
                    return Ok(Finding::Mismatches(mismatches));
                }
                let whats: Vec<_> = mismatches.into_iter().map(|m| m.what).collect();
                Ok(Finding::NotSupported(format!(
                    "the goldens are of {}, this is {}, which answers otherwise: {}; `make golden`",
                    goldens.versions.join(", "),
                    versions.join(", "),
                    whats.join(", ")
                )))
            }
            finding => Ok(finding),
        }
    };
    let finding = compare().unwrap_or_else(|finding| finding);
    Report { finding, evidence }
}
