//! The values of the curves as tables.

use super::Growth;
use super::axis::Axis;
use super::setting::Setting;
use super::view::Value;
use crate::spread::short;
use crate::table::Table;

impl Growth {
    /// Two tables per axis: throughput and cost.
    pub(crate) fn tables(&self) -> Vec<Table> {
        let both = |axis| Value::ALL.map(|value| self.table(axis, value));
        Axis::ALL.into_iter().flat_map(both).collect()
    }

    /// The title of a table. A figure refers to its table by this title.
    pub(super) fn title(axis: Axis, value: Value) -> String {
        format!("{}: {}", axis.title(), value.name(axis))
    }

    fn table(&self, axis: Axis, value: Value) -> Table {
        let settings = axis.settings();
        let (servers, reference) = self.compared(axis);
        let rows = servers.iter().filter_map(|server| {
            let cells: Vec<_> =
                settings.iter().map(|setting| self.cell(axis, server, *setting, value)).collect();
            let name = std::iter::once(server.clone());
            let is_measured = cells.iter().any(Option::is_some);
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "-".to_owned()));
            is_measured.then(|| name.chain(cells).collect())
        });
        let labels = settings.iter().map(|setting| axis.label(*setting));
        let reference = reference.unwrap_or("the reference");
        let about = match value {
            Value::Rate => format!(
                "{} Median; × the ratio to {reference} in the same round. These measurements are short: they show \
                 steps in a curve, but not differences of a few percent. A number in square brackets is \
                 the number of calls in flight where a server allows fewer.",
                axis.about()
            ),
            Value::Cost => format!(
                "The cost in the same measurements; × how many times as much {reference} needed in the same \
                 round."
            ),
        };
        Table {
            title: Self::title(axis, value),
            about,
            columns: std::iter::once(axis.name().to_owned()).chain(labels).collect(),
            rows: rows.collect(),
        }
    }

    fn cell(&self, axis: Axis, server: &str, setting: Setting, value: Value) -> Option<String> {
        let median = short(self.spread(axis, server, setting, value)?.median);
        let (_, reference) = self.compared(axis);
        let ratio = reference
            .filter(|reference| *reference != server)
            .and_then(|reference| self.gain(axis, server, reference, setting, value))
            .map(|gain| format!(" (× {})", short(gain.median)))
            .unwrap_or_default();
        let allowed = self.at(server, setting).map(|point| point.measured.streams).min();
        let limit = allowed
            .filter(|allowed| *allowed < setting.in_flight.streams)
            .map(|allowed| format!(" [{allowed}]"))
            .unwrap_or_default();
        Some(format!("{median}{ratio}{limit}"))
    }
}
