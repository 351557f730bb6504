//! Draws the curves.

use super::Growth;
use super::axis::Axis;
use super::view::Value;
use crate::plot::Figure;
use crate::plot::Panel;
use crate::plot::Series;
use crate::plot::Shape;

impl Growth {
    /// One figure per axis.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        Axis::ALL.map(|axis| self.figure(axis)).into()
    }

    fn figure(&self, axis: Axis) -> Figure {
        let settings = axis.settings();
        let (servers, _) = self.compared(axis);
        let series = |value| {
            let of = |server: &String| Series {
                name: server.clone(),
                style: self.servers.iter().position(|one| one == server).unwrap_or_default(),
                values: settings
                    .iter()
                    .map(|setting| Some(self.spread(axis, server, *setting, value)?.median))
                    .collect(),
            };
            servers.iter().map(of).filter(Series::has_values).collect()
        };
        let panels = Value::ALL.map(|value| Panel {
            title: value.name(axis),
            axis: axis.name().to_owned(),
            labels: settings.iter().map(|setting| axis.label(*setting)).collect(),
            series: series(value),
        });
        Figure {
            above: Self::title(axis, Value::Rate),
            shape: if axis == Axis::Kind { Shape::Bars } else { Shape::Lines },
            panels: panels.into(),
        }
    }
}
