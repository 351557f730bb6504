//! Figures for the report as SVG.
//!
//! This module does not depend on servers: curves and bars have names. Every series has its own colour and mark, so
//! that figures are readable in greyscale.
//!
//! - [`panel`]: one pair of axes
//! - [`scale`]: the scales of the axes
//! - [`style`]: colours, marks and text

mod panel;
mod scale;
mod style;

use std::io;

use plotters::backend::SVGBackend;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::prelude::Text;

use style::Style;

/// The size of a panel, and below the height of the legend, in pixels.
const PANEL: (u32, u32) = (550, 320);
const LEGEND: u32 = 34;

/// The width of a letter and of a mark in the legend, in pixels.
const LETTER: i32 = 8;
const MARK: i32 = 56;

type Root<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<io::Error>>;

/// The shape of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Lines on a logarithmic scale.
    Lines,
    /// Bars on a linear scale from zero.
    Bars,
}

/// A series: a name and its values at all places of the horizontal axis.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// The number of its style, which is the same in all figures of a page.
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
    /// The title of the horizontal axis.
    pub(crate) axis: String,
    /// The names of the places on it.
    pub(crate) labels: Vec<String>,
    pub(crate) series: Vec<Series>,
}

/// Panels with the same series, next to each other.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// The title of the table above which the figure is shown.
    pub(crate) above: String,
    pub(crate) shape: Shape,
    pub(crate) panels: Vec<Panel>,
}

impl Figure {
    /// The SVG element.
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
            root.draw(&Text::new(&series.name[..], (left + 32, height), style::legend_text()))?;
            let letters = i32::try_from(series.name.chars().count()).unwrap_or_default();
            left += MARK + LETTER * letters;
        }
        Ok(())
    }
}
