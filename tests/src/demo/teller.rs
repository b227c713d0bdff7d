//! Who tells the story: prints what is typed and what is seen.

#![allow(clippy::print_stdout, clippy::unused_self, reason = "the demo is what it prints, and one teller prints it")]

use std::cell::Cell;
use std::io::BufRead as _;
use std::time::Instant;

use super::scene::Scene;

/// Prints the story as it goes.
pub(super) struct Teller {
    begun: Instant,
    step: Cell<u32>,
}

impl Teller {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), step: Cell::new(0) }
    }

    /// A line between the steps.
    pub(super) fn say(&self, text: &str) {
        println!("[{:6.2} s] {text}", self.begun.elapsed().as_secs_f64());
    }

    /// Begins a step.
    pub(super) fn step(&self, number: u32, title: &str) {
        self.step.set(number);
        println!();
        self.say(&format!("{number}. {title}"));
    }

    /// What somebody types.
    pub(super) fn types(&self, command: &str) {
        println!("    $ {command}");
    }

    /// What was seen.
    pub(super) fn saw(&self, text: &str) {
        for line in text.trim_end().lines() {
            println!("      {line}");
        }
    }

    /// The step was seen.
    pub(super) fn tick(&self) {
        println!("    \u{2713} step {}", self.step.get());
    }

    /// The step was not seen.
    pub(super) fn cross(&self, error: &anyhow::Error) {
        for line in format!("{error:#}").lines() {
            println!("      {line}");
        }
        println!("    \u{2717} step {}", self.step.get());
    }

    /// Leaves everything running until somebody presses Enter.
    pub(super) fn keep(&self, scene: &Scene) {
        println!("\nThe mesh goes on. From another shell of the same user:");
        for (name, way) in scene.ways_in() {
            println!("    {name:8} {way}");
        }
        println!("Press Enter to end it (or send this program, {}, a SIGTERM).", std::process::id());
        // Standard input that has ended is an Enter as well.
        let _ = std::io::stdin().lock().read_line(&mut String::new());
    }
}
