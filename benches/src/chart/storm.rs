//! A storm as it went: each process from its call to its return.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::{BLUE, Drawn, FAINT, INK, MARGIN, RED, TOP, WIDTH, page, write};
use crate::figures::largest;
use crate::machine::Machine;
use crate::results;
use crate::storm::{Bar, Storm, Timeline};

const PANEL: u32 = 210;

pub fn draw(storm: &Storm, machine: &Machine) -> Drawn {
    let Some(any) = storm.timelines.first() else { return Ok(()) };
    let panels = storm.timelines.len();
    let path = results::directory().join("storm.svg");
    let height = PANEL * u32::try_from(panels)? + 150;
    let canvas = SVGBackend::new(&path, (WIDTH, height)).into_drawing_area();
    let body = page(
        &canvas,
        &format!("{} processes find the token expired at the same moment", any.processes),
        &format!(
            "WeChat answers a fetch after {} ms; each line is a process, from its call to its return",
            any.latency_ms
        ),
        machine,
        "storm",
    )?;
    for (x, color, meaning) in [(780, BLUE, "waiting"), (880, RED, "fetching")] {
        let swatch = Rectangle::new([(x, TOP - 24), (x + 14, TOP - 12)], color.filled());
        canvas.draw(&swatch)?;
        write(&canvas, meaning, (x + 20, TOP - 18), HPos::Left, 15, INK)?;
    }
    let end = largest(storm.timelines.iter().flat_map(|one| one.calls.iter().map(|bar| bar.end)));
    for (position, (area, timeline)) in
        body.split_evenly((panels, 1)).iter().zip(&storm.timelines).enumerate()
    {
        panel(area, timeline, end / 1e3, position + 1 == panels)?;
    }
    Ok(canvas.present()?)
}

fn panel(area: &super::Area<'_>, timeline: &Timeline, seconds: f64, is_last: bool) -> Drawn {
    let fetches = timeline.calls.iter().filter(|bar| bar.fetch.is_some()).count();
    let slowest = largest(timeline.calls.iter().map(|bar| bar.end - bar.begin));
    let title = format!(
        "{}: {fetches} {}, slowest caller {slowest:.0} ms",
        timeline.version.name(),
        if fetches == 1 { "fetch" } else { "fetches" },
    );
    let rows = u32::try_from(timeline.calls.len())?;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 17).into_font().color(&INK))
        .margin_right(MARGIN)
        .y_label_area_size(56)
        .x_label_area_size(if is_last { 48 } else { 24 })
        .build_cartesian_2d(0.0..seconds * 1.02, 0.0..f64::from(rows))?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .y_desc("process")
        .y_labels(5)
        .y_label_formatter(&|process| format!("{process:.0}"))
        .x_desc(if is_last { "seconds since the first call" } else { "" })
        .x_label_formatter(&|second| format!("{second:.1}"))
        .label_style(("sans-serif", 13).into_font().color(&INK))
        .draw()?;
    let mut bars: Vec<&Bar> = timeline.calls.iter().collect();
    bars.sort_by(|one, other| other.end.total_cmp(&one.end));
    for (row, bar) in (0..).map(f64::from).zip(bars) {
        let mut spans = vec![((bar.begin, bar.end), BLUE)];
        spans.extend(bar.fetch.map(|fetch| (fetch, RED)));
        chart.draw_series(spans.into_iter().map(|((begin, end), color)| {
            Rectangle::new([(begin / 1e3, row + 0.1), (end / 1e3, row + 0.9)], color.filled())
        }))?;
    }
    Ok(())
}
