//! Figures for the report, as SVG.
//!
//! What is drawn knows nothing of servers: curves and bars come with their names. Every series has a colour
//! and a mark of its own, because a page is also printed in grey.
//!
//! - [`panel`]: one pair of axes
//! - [`scale`]: what stands along them
//! - [`style`]: how series are told apart

mod panel;
mod scale;
mod style;

use std::io;

use plotters::backend::SVGBackend;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::prelude::Text;

use style::Style;

/// The size of a panel and what is above all of them, in pixels.
const PANEL: (u32, u32) = (550, 320);
const LEGEND: u32 = 34;

/// How much of the legend a name has for each of its letters, and for its mark.
const LETTER: i32 = 8;
const MARK: i32 = 56;

type Root<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<io::Error>>;

/// How values are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// On a logarithmic scale.
    Lines,
    /// From zero on.
    Bars,
}

/// A name and the values at all places of the horizontal axis.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// The number of what it looks like: the same in all figures of a page.
    pub(crate) style: usize,
    pub(crate) values: Vec<Option<f64>>,
}

impl Series {
    /// Whether there is anything to draw.
    pub(crate) fn has_values(&self) -> bool {
        self.values.iter().any(Option::is_some)
    }
}

/// A pair of axes.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(crate) title: String,
    /// What the horizontal axis has.
    pub(crate) axis: String,
    /// Its places.
    pub(crate) labels: Vec<String>,
    pub(crate) series: Vec<Series>,
}

/// Panels with the same series, side by side.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// The title of the table that it is shown above.
    pub(crate) above: String,
    pub(crate) shape: Shape,
    pub(crate) panels: Vec<Panel>,
}

impl Figure {
    /// The element that a page shows.
    pub(crate) fn svg(&self) -> Result<String, DrawingAreaErrorKind<io::Error>> {
        let mut svg = String::new();
        let columns = self.panels.len().max(1);
        let width = PANEL.0.saturating_mul(u32::try_from(columns).unwrap_or(1));
        {
            let root =
                SVGBackend::with_string(&mut svg, (width, PANEL.1 + LEGEND)).into_drawing_area();
            self.legend(&root)?;
            let (_, rest) = root.split_vertically(LEGEND);
            for (area, panel) in rest.split_evenly((1, columns)).iter().zip(&self.panels) {
                panel.draw(self.shape, area, &root)?;
            }
            root.present()?;
        }
        Ok(svg)
    }

    fn legend(&self, root: &Root<'_>) -> Drawn {
        let mut left = 20;
        for series in self.panels.first().iter().flat_map(|panel| &panel.series) {
            let style = Style::of(series.style);
            let height = LEGEND.cast_signed() / 2;
            match self.shape {
                Shape::Lines => style.line(&[(left, height), (left + 24, height)], root)?,
                Shape::Bars => style.bar((left, height - 7), (left + 24, height + 7), root)?,
            }
            if self.shape == Shape::Lines {
                style.mark((left + 12, height), root)?;
            }
            root.draw(&Text::new(&series.name[..], (left + 32, height), style::text_beside()))?;
            let letters = i32::try_from(series.name.chars().count()).unwrap_or_default();
            left += MARK + LETTER * letters;
        }
        Ok(())
    }
}
