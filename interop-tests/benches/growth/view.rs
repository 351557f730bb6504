//! Evaluates the points of an axis over all rounds: the throughput, and the cost of each call or message.

use std::collections::BTreeMap;

use super::Growth;
use super::Point;
use super::axis::Axis;
use super::setting::Setting;
use crate::spread::Spread;

/// A value of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Calls or messages per second.
    Rate,
    /// CPU time of the server per call or message, in microseconds.
    Cost,
}

impl Value {
    pub(super) const ALL: [Self; 2] = [Self::Rate, Self::Cost];

    /// Its name with the unit.
    pub(super) fn name(self, axis: Axis) -> String {
        match self {
            Self::Rate => format!("{}s per second", axis.unit()),
            Self::Cost => format!("CPU time per {}, µs", axis.unit()),
        }
    }

    fn of(self, axis: Axis, point: &Point) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let units = if axis == Axis::Kind { point.messages as f64 } else { 1.0 };
        match self {
            Self::Rate => Some(point.measured.calls_per_second * units),
            Self::Cost => Some(point.measured.cpu_per_call? / units),
        }
    }

    /// By which factor `own` is better than `other`.
    fn gain(self, own: f64, other: f64) -> f64 {
        match self {
            Self::Rate => own / other,
            Self::Cost => other / own,
        }
    }
}

impl Growth {
    /// The servers that are compared along an axis, and their reference.
    pub(super) fn compared(&self, axis: Axis) -> (&[String], Option<&str>) {
        if axis == Axis::Kind {
            (&self.streaming, self.streaming_reference.as_deref())
        } else {
            (&self.servers, self.reference.as_deref())
        }
    }

    /// The points of a server at a setting, in order of rounds.
    pub(super) fn at<'a>(
        &'a self,
        server: &'a str,
        setting: Setting,
    ) -> impl Iterator<Item = &'a Point> {
        self.points.iter().filter(move |point| point.server == server && point.setting == setting)
    }

    pub(super) fn spread(
        &self,
        axis: Axis,
        server: &str,
        setting: Setting,
        value: Value,
    ) -> Option<Spread> {
        Spread::of(self.at(server, setting).filter_map(|point| value.of(axis, point)))
    }

    /// By which factor a server is better than `other` in the same round.
    pub(super) fn gain(
        &self,
        axis: Axis,
        server: &str,
        other: &str,
        setting: Setting,
        value: Value,
    ) -> Option<Spread> {
        Spread::of(self.at(server, setting).filter_map(|point| {
            let beside = self.at(other, setting).find(|one| one.round == point.round)?;
            Some(value.gain(value.of(axis, point)?, value.of(axis, beside)?))
        }))
    }

    /// The medians of all ratios with their names, for comparing two runs.
    pub(crate) fn medians(&self) -> Vec<(String, f64)> {
        let mut medians = BTreeMap::new();
        for axis in Axis::ALL {
            let (servers, reference) = self.compared(axis);
            let Some(reference) = reference else { continue };
            for server in servers.iter().filter(|server| *server != reference) {
                for setting in axis.settings() {
                    let ratio = self.gain(axis, server, reference, setting, Value::Rate);
                    let name = format!(
                        "{server}, {setting}, the server on one core: {}s per second × {reference}",
                        axis.unit()
                    );
                    medians.extend(ratio.map(|ratio| (name, ratio.median)));
                }
            }
        }
        medians.into_iter().collect()
    }
}
