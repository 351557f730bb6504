//! The style of series and text.
//!
//! The colours are from Okabe and Ito and can be distinguished with any kind of colour vision. Marks distinguish
//! series on paper.

use plotters::prelude::{
    Circle, Color, Cross, FontFamily, FontStyle, PathElement, RGBColor, Rectangle, ShapeStyle,
    TextStyle, TriangleMarker,
};
use plotters::style::FontDesc;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::Drawn;
use super::Root;

const COLOURS: [RGBColor; 8] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0x40, 0x40, 0x40),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0xb0, 0xa0, 0x00),
];

/// The colour of text and axes.
pub(super) const INK: RGBColor = RGBColor(0x1d, 0x23, 0x29);
pub(super) const GRID: RGBColor = RGBColor(0xd5, 0xdb, 0xe1);

/// Half the size of a mark, in pixels.
const MARK: i32 = 4;

/// A position on the page in pixels.
pub(super) type Place = (i32, i32);

/// The style of a series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    colour: RGBColor,
    mark: usize,
}

impl Style {
    /// The style with this number. There are more combinations of colour and mark than series.
    pub(super) fn of(number: usize) -> Self {
        Self { colour: COLOURS[number % COLOURS.len()], mark: number }
    }

    pub(super) fn line(self, places: &[Place], root: &Root<'_>) -> Drawn {
        root.draw(&PathElement::new(places.to_vec(), self.colour.stroke_width(2)))
    }

    pub(super) fn bar(self, corner: Place, opposite: Place, root: &Root<'_>) -> Drawn {
        root.draw(&Rectangle::new([corner, opposite], self.colour.filled()))
    }

    pub(super) fn mark(self, (x, y): Place, root: &Root<'_>) -> Drawn {
        let filled = self.colour.filled();
        let drawn = self.colour.stroke_width(2);
        let hollow = RGBColor(0xff, 0xff, 0xff).filled();
        let square =
            |style: ShapeStyle| Rectangle::new([(x - MARK, y - MARK), (x + MARK, y + MARK)], style);
        match self.mark % 6 {
            0 => root.draw(&Circle::new((x, y), MARK, filled)),
            1 => {
                root.draw(&Circle::new((x, y), MARK, hollow))?;
                root.draw(&Circle::new((x, y), MARK, drawn))
            }
            2 => root.draw(&square(filled)),
            3 => root.draw(&TriangleMarker::new((x, y), MARK + 2, filled)),
            4 => root.draw(&Cross::new((x, y), MARK, drawn)),
            _ => {
                root.draw(&square(hollow))?;
                root.draw(&square(drawn))
            }
        }
    }
}

fn font(size: u32) -> FontDesc<'static> {
    FontDesc::new(FontFamily::SansSerif, f64::from(size), FontStyle::Normal)
}

fn text(size: u32, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    font(size).color(&INK).pos(Pos::new(horizontal, vertical))
}

/// The text style along the axes.
pub(super) fn small() -> TextStyle<'static> {
    font(12).color(&INK)
}

/// The text style above a panel.
pub(super) fn title() -> TextStyle<'static> {
    font(15).color(&INK)
}

/// The style of text that starts at a position and is vertically centred.
pub(super) fn legend_text() -> TextStyle<'static> {
    text(13, HPos::Left, VPos::Center)
}

/// The text style above a place.
pub(super) fn text_over() -> TextStyle<'static> {
    text(11, HPos::Center, VPos::Bottom)
}
