//! What grows with a fleet, and what does not.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{Area, BLUE, Drawn, FAINT, GREEN, INK, WIDTH, page, write};
use crate::figures::largest;
use crate::fleet::Fleet;
use crate::machine::Machine;
use crate::results;

const HEIGHT: u32 = 470;

pub fn draw(fleets: &[Fleet], machine: &Machine) -> Drawn {
    let path = results::directory().join("fleet.svg");
    let canvas = SVGBackend::new(&path, (WIDTH, HEIGHT)).into_drawing_area();
    let body = page(
        &canvas,
        "From 1 to 100 machines with one account",
        "Two processes a machine, all on one computer; WeChat answers a fetch after 200 ms; endpoint stable",
        machine,
        "fleet",
    )?;
    let (left, right) = body.split_horizontally((WIDTH / 2) - 20);
    let line = |of: fn(&Fleet) -> f64| -> Vec<(f64, f64)> {
        fleets
            .iter()
            .map(|fleet| (f64::from(u32::try_from(fleet.machines).unwrap_or(u32::MAX)), of(fleet)))
            .collect()
    };
    let (shared, alone) = (line(|fleet| fleet.fetches), line(|fleet| fleet.fetches_alone));
    panel(
        &left,
        "Fetches at an expiry",
        &[(alone, BLUE, "each server by itself"), (shared, GREEN, "with a store")],
    )?;
    let traffic = line(|fleet| fleet.scripts_per_second);
    panel(
        &right,
        "Scripts that the store runs a second, with traffic on all",
        &[(traffic, GREEN, "")],
    )?;
    Ok(canvas.present()?)
}

/// A figure by the number of machines, its colour, and its name if there are several.
type Line<'a> = (Vec<(f64, f64)>, RGBColor, &'a str);

fn panel(area: &Area<'_>, title: &str, lines: &[Line<'_>]) -> Drawn {
    let points = || lines.iter().flat_map(|(points, ..)| points);
    let (most, highest) =
        (largest(points().map(|point| point.0)), largest(points().map(|point| point.1)));
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 17).into_font().color(&INK))
        .margin_right(24)
        .y_label_area_size(48)
        .x_label_area_size(48)
        .build_cartesian_2d(0.0..most * 1.02, 0.0..highest * 1.12)?;
    chart
        .configure_mesh()
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .x_desc("machines")
        .x_label_formatter(&|machines| format!("{machines:.0}"))
        .y_label_formatter(&|value| {
            if highest < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
        })
        .label_style(("sans-serif", 13).into_font().color(&INK))
        .draw()?;
    for (points, color, name) in lines {
        chart.draw_series([PathElement::new(points.clone(), color.stroke_width(2))])?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, color.filled())))?;
        let Some(last) = points.last() else { continue };
        let (x, y) = chart.backend_coord(last);
        let (left, top) = area.get_base_pixel();
        let label = if name.is_empty() {
            format!("{:.1}", last.1)
        } else {
            format!("{name}: {:.0}", last.1)
        };
        write(area, &label, (x - left - 10, y - top - 14), HPos::Right, 14, INK)?;
    }
    Ok(())
}
