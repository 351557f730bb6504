//! One pair of axes with lines or bars.
//!
//! The library draws the axes. Lines, bars and marks are drawn in pixels, like the legend, so that both look the
//! same.

use plotters::chart::ChartBuilder;
use plotters::prelude::Text;

use super::Drawn;
use super::Panel;
use super::Root;
use super::Series;
use super::Shape;
use super::scale::Places;
use super::scale::Scale;
use super::style;
use super::style::Place;
use super::style::Style;
use crate::spread::short;

/// The fraction of the distance between two places that bars use.
const BARS: f64 = 0.84;

impl Panel {
    pub(super) fn draw(&self, shape: Shape, area: &Root<'_>, root: &Root<'_>) -> Drawn {
        let values = self.series.iter().flat_map(|series| &series.values).copied().flatten();
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(20)
            .caption(&self.title, style::title())
            .x_label_area_size(46)
            .y_label_area_size(70)
            .build_cartesian_2d(Places::new(self.labels.clone()), Scale::of(shape, values))?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(style::GRID)
            .bold_line_style(style::GRID)
            .axis_style(style::INK)
            .label_style(style::small())
            .axis_desc_style(style::small())
            .x_desc(&self.axis)
            .y_labels(8)
            .y_max_light_lines(1)
            .draw()?;
        let floor = chart.backend_coord(&(0.0, chart.y_range().start)).1;
        let place = |x, y| chart.backend_coord(&(x, y));
        match shape {
            Shape::Lines => self.series.iter().try_for_each(|series| series.line(place, root)),
            Shape::Bars => self.bars(place, floor, root),
        }
    }

    fn bars(&self, place: impl Fn(f64, f64) -> Place, floor: i32, root: &Root<'_>) -> Drawn {
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        let width = BARS / self.series.len().max(1) as f64;
        for (left, series) in steps(-BARS / 2.0, width).zip(&self.series) {
            for (middle, value) in steps(0.0, 1.0).zip(&series.values) {
                let Some(value) = *value else { continue };
                let (begin, top) = place(middle + left, value);
                let (end, _) = place(middle + left + width, value);
                Style::of(series.style).bar((begin + 1, top), (end - 1, floor), root)?;
                let above = (begin.midpoint(end), top - 2);
                root.draw(&Text::new(short(value), above, style::text_over()))?;
            }
        }
        Ok(())
    }
}

impl Series {
    /// Draws a line, interrupted at missing values.
    fn line(&self, place: impl Fn(f64, f64) -> Place, root: &Root<'_>) -> Drawn {
        let style = Style::of(self.style);
        let places: Vec<_> = steps(0.0, 1.0)
            .zip(&self.values)
            .map(|(x, value)| value.map(|value| place(x, value)))
            .collect();
        for part in places.split(Option::is_none) {
            let part: Vec<_> = part.iter().copied().flatten().collect();
            style.line(&part, root)?;
            part.into_iter().try_for_each(|place| style.mark(place, root))?;
        }
        Ok(())
    }
}

/// Equidistant numbers starting at `first`.
fn steps(first: f64, distance: f64) -> impl Iterator<Item = f64> {
    (0_u32..).map(move |step| first + distance * f64::from(step))
}
