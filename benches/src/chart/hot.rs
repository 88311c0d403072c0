//! The time of a hot call, by peer.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{BLUE, Drawn, FAINT, GREEN, GREY, INK, WIDTH, page, write};
use crate::figures::largest;
use crate::hot::{self, Hot};
use crate::machine::Machine;
use crate::results;

const ROW: u32 = 30;
const NAMES: u32 = 250;
const FIGURES: u32 = 120;
/// Nothing measured is faster than this many nanoseconds.
const SHORTEST: f64 = 10.0;

pub fn draw(hot: &Hot, machine: &Machine) -> Drawn {
    let mut subjects: Vec<_> = hot.with_files(1).collect();
    subjects.sort_by(|one, other| other.ns.total_cmp(&one.ns));
    let rows = u32::try_from(subjects.len())?;
    let path = results::directory().join("hot.svg");
    let canvas = SVGBackend::new(&path, (WIDTH, rows * ROW + 190)).into_drawing_area();
    let body = page(
        &canvas,
        "A call that finds a fresh token",
        "One file, a token of 157 bytes, one process; × is the time by that of wx_get_token()",
        machine,
        "hot",
    )?;
    let longest = largest(subjects.iter().map(|one| one.ns)).max(2.0 * SHORTEST);
    let axis_end = 10.0_f64.powf(longest.log10().ceil());
    let mut chart = ChartBuilder::on(&body)
        .margin_right(FIGURES)
        .x_label_area_size(50)
        .set_label_area_size(LabelAreaPosition::Left, NAMES)
        .build_cartesian_2d((SHORTEST..axis_end).log_scale(), 0.0..f64::from(rows))?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .x_desc("nanoseconds of CPU time per call, logarithmic")
        .x_label_formatter(&|ns| grouped(*ns))
        .label_style(("sans-serif", 14).into_font().color(&INK))
        .draw()?;
    for (row, one) in (0..).map(f64::from).zip(&subjects) {
        let color = match one.name.as_str() {
            hot::EXTENSION | hot::EXTENSION_REMEMBERS => GREEN,
            hot::STAT | hot::FSTAT | hot::EMPTY => GREY,
            _ => BLUE,
        };
        let corners = [(SHORTEST, row + 0.15), (one.ns, row + 0.85)];
        chart.draw_series([Rectangle::new(corners, color.filled())])?;
        let (left, middle) = chart.backend_coord(&(SHORTEST, row + 0.5));
        let (right, _) = chart.backend_coord(&(one.ns, row + 0.5));
        let figures = format!("{} ns, {:.2}×", grouped(one.ns), one.ratio);
        write(&canvas, &one.name, (left - 8, middle), HPos::Right, 15, INK)?;
        write(&canvas, &figures, (right + 8, middle), HPos::Left, 14, INK)?;
    }
    Ok(canvas.present()?)
}

/// A whole number with its thousands apart.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
