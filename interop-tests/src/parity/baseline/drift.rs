//! Whether the live reference still does what the goldens say.
//!
//! Another version of it may do otherwise: that is worth a look, and no failure, since peers are
//! compared with the live one.

use std::sync::Arc;

use crate::capture::recorder::Recorder;
use crate::outcome::finding::{Evidence, Finding, Report};
use crate::parity::baseline::case::{Case, Reference};
use crate::parity::baseline::expected::{judged, take_up};
use crate::parity::baseline::goldens::Goldens;
use crate::parity::baseline::other_versions::OtherVersions;
use crate::process::context::RunContext;

/// Why no trace shows a frame.
const NO_FRAMES: &str = "the reference was played once for all trials that ask for it, and what it \
                         sent then is not kept";

/// Puts `case` to the `reference` and compares what it does with its golden.
pub(crate) fn report<R: Reference>(
    case: &Arc<R::Case>,
    reference: &R,
    goldens: &Arc<Goldens>,
    context: &RunContext,
) -> Report {
    let mut evidence = Evidence {
        about: Some(format!(
            "{}\nif the reference is right, `make golden` records what it answers now",
            case.description()
        )),
        grade: Some(case.grade()),
        reference_command: reference.command(context),
        tape: Some(Recorder::unavailable(NO_FRAMES)),
        ..Evidence::default()
    };
    let mut compare = || {
        let answers = goldens.must_have(case.name())?;
        let other = || OtherVersions::of(reference, goldens, context).map_err(Finding::SetUpError);
        let observation = match reference.observation(case, context) {
            Err(Finding::ReferenceHung(why)) => {
                return Err(match other()? {
                    Some(other) => Finding::NotSupported(other.reason_of_hanging(&why)),
                    None => Finding::ReferenceHung(why),
                });
            }
            observation => observation?,
        };
        let finding = judged(&**case, answers, &observation);
        take_up(answers.to_vec(), "reference now", observation, &mut evidence);
        match finding {
            Finding::Mismatches(mismatches) => Ok(match other()? {
                Some(other) => Finding::NotSupported(other.reason_of_moving(&mismatches)),
                None => Finding::Mismatches(mismatches),
            }),
            finding => Ok(finding),
        }
    };
    let finding = compare().unwrap_or_else(|finding| finding);
    Report { finding, evidence }
}
