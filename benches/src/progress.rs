//! How far the bench has come, on standard error: a bar with the time left at a terminal, one line for each row
//! elsewhere.

mod estimate;

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::plan::minutes;
use estimate::Estimate;

/// What is shown of a bench that runs.
pub struct Progress {
    face: Face,
    estimate: Estimate,
    began: Instant,
    row: String,
}

enum Face {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

impl Progress {
    /// The progress of a bench that should take so many seconds.
    pub fn new(planned_seconds: f64) -> Self {
        let face = if io::stderr().is_terminal() { Face::Bar(bar(planned_seconds)) } else { Face::Lines };
        Self::with(face, planned_seconds)
    }

    /// A progress that nobody sees, for tests.
    pub fn hidden(planned_seconds: f64) -> Self {
        Self::with(Face::Nothing, planned_seconds)
    }

    fn with(face: Face, planned_seconds: f64) -> Self {
        let (estimate, began) = (Estimate::new(planned_seconds), Instant::now());
        Self { face, estimate, began, row: String::new() }
    }

    /// A row begins, or the setting up before the first one.
    pub fn row(&mut self, name: &str, what: &str) {
        name.clone_into(&mut self.row);
        match &self.face {
            Face::Lines => say(format_args!("{name}: {what}; {} left", self.left())),
            _ => self.show(""),
        }
    }

    /// A run of the row begins; `what` says whose.
    pub fn run(&mut self, what: &str) {
        self.show(what);
    }

    /// So much of the plan has been done.
    pub fn done(&mut self, planned_seconds: f64) {
        self.estimate.done(planned_seconds);
        if let Face::Bar(bar) = &self.face {
            bar.set_position(millis(self.estimate.planned_done()));
        }
    }

    /// A sentence that stays.
    pub fn say(&self, sentence: &str) {
        match &self.face {
            Face::Bar(bar) => bar.suspend(|| say(format_args!("{sentence}"))),
            Face::Lines => say(format_args!("{sentence}")),
            Face::Nothing => {}
        }
    }

    /// The bar goes.
    pub fn end(&self) {
        if let Face::Bar(bar) = &self.face {
            bar.finish_and_clear();
        }
    }

    fn show(&self, what: &str) {
        if let Face::Bar(bar) = &self.face {
            bar.set_message(format!("{} {what}  {} left", self.row, self.left()));
        }
    }

    fn left(&self) -> String {
        minutes(self.estimate.left(self.began.elapsed().as_secs_f64()))
    }
}

fn bar(planned_seconds: f64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(millis(planned_seconds)), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:24} {percent:>3} %  {msg}").map(|style| style.progress_chars("=> "));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn millis(seconds: f64) -> u64 {
    u64::try_from(Duration::try_from_secs_f64(seconds).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// Standard error may be closed; a bench goes on without anybody who looks.
fn say(words: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{words}");
}
