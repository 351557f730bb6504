//! Draws throughput as a figure: each server as a multiple of the reference.

use super::LOADS;
use super::Throughput;
use super::Value;
use super::setting;
use crate::measurement::InFlight;
use crate::pinning::Cores;
use crate::plot::Figure;
use crate::plot::Panel;
use crate::plot::Series;
use crate::plot::Shape;

/// The load in the figure: a busy client.
const SHOWN: InFlight = LOADS[1];

impl Throughput {
    /// A bar chart, if there is a reference and at least one measurement.
    pub(crate) fn figures(&self) -> Option<Figure> {
        let (first_cores, first_load) = *self.settings().first()?;
        let reference = self.reference.as_deref()?;
        let load = format!("with {} in flight", SHOWN.calls());
        let panels = [
            self.panel(format!("calls per second, × {reference}, {load}"), reference, |one| {
                Some(one.calls_per_second)
            }),
            self.panel(
                format!("CPU time per call, {reference} ÷ this, {load}"),
                reference,
                |one| Some(1.0 / one.cpu_per_call?),
            ),
        ];
        Some(Figure {
            above: Self::title(first_cores, first_load),
            shape: Shape::Bars,
            panels: panels.into(),
        })
    }

    pub(super) fn title(cores: Cores, load: InFlight) -> String {
        format!("Calls of SquareRoot: {}", setting(cores, load))
    }

    fn panel(&self, title: String, reference: &str, value: Value) -> Panel {
        let cores = Cores::of_this_machine();
        let labels = cores.iter().map(|cores| match cores {
            Cores::One => "one core".to_owned(),
            Cores::All => "all cores".to_owned(),
        });
        let ratio = |server: &str, cores: Cores| {
            Some(self.ratio(server, reference, cores, SHOWN, value)?.median)
        };
        let series = self.servers.iter().enumerate().map(|(style, (name, _))| Series {
            name: name.clone(),
            style,
            values: cores.iter().map(|cores| ratio(name, *cores)).collect(),
        });
        Panel {
            title,
            axis: "cores of the server".to_owned(),
            labels: labels.collect(),
            series: series.filter(Series::has_values).collect(),
        }
    }
}
