//! Who tells the story: prints what is typed and what is seen.

#![allow(clippy::print_stdout, clippy::unused_self, reason = "the demo is what it prints, and one teller prints it")]

use std::cell::Cell;
use std::io::BufRead as _;
use std::time::Instant;

/// Prints the story as it goes.
pub(crate) struct Teller {
    begun: Instant,
    step: Cell<u32>,
}

impl Teller {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), step: Cell::new(0) }
    }

    /// A line between the steps.
    pub(crate) fn say(&self, text: &str) {
        println!("[{:6.2} s] {text}", self.begun.elapsed().as_secs_f64());
    }

    /// Begins a step.
    pub(crate) fn step(&self, number: u32, title: &str) {
        self.step.set(number);
        println!();
        self.say(&format!("{number}. {title}"));
    }

    /// What somebody types.
    pub(crate) fn types(&self, command: &str) {
        println!("    $ {command}");
    }

    /// What was seen.
    pub(crate) fn saw(&self, text: &str) {
        for line in text.trim_end().lines() {
            println!("      {line}");
        }
    }

    /// The step was seen.
    pub(crate) fn tick(&self) {
        println!("    \u{2713} step {}", self.step.get());
    }

    /// The step was not seen.
    pub(crate) fn cross(&self, error: &anyhow::Error) {
        for line in format!("{error:#}").lines() {
            println!("      {line}");
        }
        println!("    \u{2717} step {}", self.step.get());
    }

    /// Leaves everything running until somebody presses Enter.
    pub(crate) fn keep(&self, ways_in: impl IntoIterator<Item = (String, String)>) {
        println!("\nThe mesh goes on. From another shell of the same user:");
        for (name, way) in ways_in {
            println!("    {name:8} {way}");
        }
        println!("Press Enter to end it (or send this program, {}, a SIGTERM).", std::process::id());
        // Standard input that has ended is an Enter as well.
        let _ = std::io::stdin().lock().read_line(&mut String::new());
    }
}
