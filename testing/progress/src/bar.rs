//! The bar at the bottom of the terminal.

use std::fmt::Write;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::style::TemplateError;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::estimate::Estimate;
use crate::work::Work;

const PARTS: u64 = 1000;

/// The bar, from the first step on.
#[derive(Default)]
pub struct Bar {
    work: Work,
    estimate: Arc<Mutex<Estimate>>,
    drawn: Option<ProgressBar>,
}

impl Bar {
    /// Whether `line` was for the bar alone.
    pub fn takes(&mut self, line: &str) -> bool {
        let Some(step) = self.work.step(line) else { return false };
        let bar = self.drawn.get_or_insert_with(|| draw(&self.estimate));
        // The thread that draws has the bar, and then takes the estimate: never the other way round.
        let elapsed = bar.elapsed();
        self.estimate.lock().unwrap_or_else(PoisonError::into_inner).reach(elapsed, step.done);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 1000"
        )]
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        bar.set_position((step.done * PARTS as f64) as u64);
        bar.set_message(step.name.to_owned());
        step.is_whole_line
    }

    /// Runs what writes to the terminal.
    pub fn above(&self, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match &self.drawn {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Leaves nothing of the bar.
    pub fn end(self) {
        if let Some(bar) = self.drawn {
            bar.finish_and_clear();
        }
    }
}

fn draw(estimate: &Arc<Mutex<Estimate>>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(PARTS), ProgressDrawTarget::stderr());
    if let Ok(style) = style(estimate) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

/// In ASCII and without colours, for every terminal.
fn style(estimate: &Arc<Mutex<Estimate>>) -> Result<ProgressStyle, TemplateError> {
    let estimate = Arc::clone(estimate);
    let left = move |state: &ProgressState, to: &mut dyn Write| {
        let estimate = *estimate.lock().unwrap_or_else(PoisonError::into_inner);
        // There is nobody to tell of an error here.
        let _ = match estimate.left(state.elapsed()) {
            Some(left) => write!(to, "{:#} left", HumanDuration(left)),
            None => Ok(()),
        };
    };
    let style = ProgressStyle::with_template("[{bar:20}] {percent:>3}% {left:>9}  {wide_msg}")?;
    Ok(style.progress_chars("=> ").with_key("left", left))
}
