//! The axes of a panel.
//!
//! The places on the horizontal axis have names and equal distances, because sizes begin at 0, which a logarithmic
//! axis does not have.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{IntoLogRange, LogCoord};

use super::Shape;
use crate::spread::short;

/// The horizontal axis: places 0, 1, 2 and so on, each with a name.
#[derive(Clone)]
pub(super) struct Places {
    line: RangedCoordf64,
    labels: Vec<String>,
}

impl Places {
    pub(super) fn new(labels: Vec<String>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        let line = (-0.5..labels.len() as f64 - 0.5).into();
        Self { line, labels }
    }
}

impl Ranged for Places {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        self.line.map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        (0_u32..).map(f64::from).take(self.labels.len()).collect()
    }

    fn range(&self) -> Range<f64> {
        self.line.range()
    }
}

impl ValueFormatter<f64> for Places {
    fn format_ext(&self, value: &f64) -> String {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a key point")]
        let label = self.labels.get(value.round() as usize);
        label.cloned().unwrap_or_default()
    }
}

/// The vertical axis.
pub(super) enum Scale {
    Linear(RangedCoordf64),
    Logarithmic(LogCoord<f64>),
}

impl Scale {
    /// A scale that contains all `values`, with some margin.
    pub(super) fn of(shape: Shape, values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(0.0, f64::max);
        match shape {
            Shape::Lines if least > 0.0 && least <= most => {
                Self::Logarithmic((0.7 * least..1.4 * most).log_scale().into())
            }
            // The margin is for the numbers above the bars.
            _ => Self::Linear((0.0..if most > 0.0 { 1.12 * most } else { 1.0 }).into()),
        }
    }
}

/// Powers of ten, or smaller steps if there are too few powers.
fn steps(range: &Range<f64>, powers: Vec<f64>) -> Vec<f64> {
    if range.end / range.start > 300.0 {
        return powers;
    }
    let decades = -9..12;
    let steps = decades.flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10.0_f64.powi(power)));
    steps.filter(|step| range.contains(step)).collect()
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        match self {
            Self::Linear(scale) => scale.map(value, limit),
            Self::Logarithmic(scale) => scale.map(value, limit),
        }
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        match self {
            Self::Linear(scale) => scale.key_points(hint),
            Self::Logarithmic(scale) => steps(&scale.range(), scale.key_points(hint)),
        }
    }

    fn range(&self) -> Range<f64> {
        match self {
            Self::Linear(scale) => scale.range(),
            Self::Logarithmic(scale) => scale.range(),
        }
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        // `short` would add insignificant digits to smaller numbers.
        if *value >= 100.0 { short(*value) } else { ((value * 1e4).round() / 1e4).to_string() }
    }
}
