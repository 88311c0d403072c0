//! The pictures, drawn from the results: one file a picture, legible on white and on dark pages.

mod fleet;
mod hot;
mod storm;

use std::error::Error;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::machine::Machine;
use crate::results::Results;

const INK: RGBColor = RGBColor(31, 35, 40);
const FAINT: RGBColor = RGBColor(225, 228, 232);
const BLUE: RGBColor = RGBColor(140, 170, 205);
const RED: RGBColor = RGBColor(209, 77, 47);
const GREEN: RGBColor = RGBColor(26, 127, 55);
const GREY: RGBColor = RGBColor(165, 171, 178);

const WIDTH: u32 = 1000;
/// What a page keeps free for title and caption.
const TOP: i32 = 74;
const BOTTOM: i32 = 54;
const MARGIN: i32 = 20;

/// What drawing to a file of SVG returns: plotters' errors hold the backend, which nobody here names.
type Drawn = std::result::Result<(), Box<dyn Error>>;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws a picture of each part that has been measured.
///
/// # Errors
///
/// The file that cannot be written.
pub fn draw(results: &Results) -> Result<()> {
    if let Some(measured) = &results.hot {
        hot::draw(measured, &results.machine)
            .map_err(|why| anyhow!("cannot draw hot.svg: {why}"))?;
    }
    if let Some(measured) = &results.fleet {
        fleet::draw(measured, &results.machine)
            .map_err(|why| anyhow!("cannot draw fleet.svg: {why}"))?;
    }
    if let Some(measured) = &results.storm {
        storm::draw(measured, &results.machine)
            .map_err(|why| anyhow!("cannot draw storm.svg: {why}"))?;
    }
    Ok(())
}

/// Gives `canvas` a background, a title, and a caption that says how to draw it anew; returns what is
/// left between them.
fn page<'a>(
    canvas: &Area<'a>,
    title: &str,
    subtitle: &str,
    machine: &Machine,
    part: &str,
) -> std::result::Result<Area<'a>, Box<dyn Error>> {
    canvas.fill(&WHITE)?;
    let (_, height) = canvas.dim_in_pixel();
    let caption = i32::try_from(height)? - BOTTOM;
    write(canvas, title, (MARGIN, 28), HPos::Left, 24, INK)?;
    write(canvas, subtitle, (MARGIN, 56), HPos::Left, 15, INK)?;
    write(canvas, &machine.description(), (MARGIN, caption + 16), HPos::Left, 13, INK)?;
    write(canvas, &format!("make bench ONLY={part}"), (MARGIN, caption + 36), HPos::Left, 13, INK)?;
    Ok(canvas.margin(TOP, BOTTOM, MARGIN, MARGIN))
}

/// Writes `text` beside a point, and vertically centred on it.
fn write(
    canvas: &Area<'_>,
    text: &str,
    point: (i32, i32),
    side: HPos,
    size: u32,
    color: RGBColor,
) -> Drawn {
    let style = ("sans-serif", size).into_font().color(&color).pos(Pos::new(side, VPos::Center));
    Ok(canvas.draw(&Text::new(text.to_owned(), point, style))?)
}
