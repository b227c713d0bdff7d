//! The story on a real Kubernetes: label a namespace, and its pods are in the mesh. `make demo-kubernetes` tells it, and
//! `make e2e` tells all of it, step by step with a tick or a cross.

mod pods;
mod running;
mod scene;
mod shell;
mod steps;
mod wire;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::teller::Teller;
use scene::Scene;

/// How much of the story is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// What an operator sees on the first day.
    Demo,
    /// That, and everything that can go wrong.
    All,
}

/// Tells the story; the first step that was not seen ends it with exit code 1.
pub fn tell() -> ExitCode {
    let teller = Teller::new();
    match story(&teller) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            teller.cross(&error);
            ExitCode::FAILURE
        }
    }
}

fn story(teller: &Teller) -> Result<()> {
    let length = match std::env::args().nth(1).as_deref() {
        None | Some("demo") => Length::Demo,
        Some("all") => Length::All,
        Some(other) => bail!("`{other}` is neither `demo` nor `all`"),
    };
    let mut scene = Scene::find()?;
    let told = steps::ALL.into_iter().filter(|step| length == Length::All || step.in_demo);
    for (number, step) in (1..).zip(told) {
        teller.step(number, step.title);
        let begun = Instant::now();
        step.tell(teller, &mut scene)?;
        teller.saw(&format!("({:.1} s)", begun.elapsed().as_secs_f64()));
        teller.tick();
    }
    Ok(())
}
