//! The demo: a story told step by step, each with what an operator would type, what was seen, and a tick or a cross.

mod scene;
mod steps;

use std::process::ExitCode;

use anyhow::Result;

use scene::Scene;

use crate::teller::Teller;

/// Tells the whole story; the first step that was not seen ends it with exit code 1.
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
    teller.say("building the network: a CA, five nodes, six workloads, a stranger");
    let mut scene = Scene::set()?;
    for (number, (title, step)) in (1..).zip(steps::ALL) {
        teller.step(number, title);
        step(teller, &mut scene)?;
        teller.tick();
    }
    if std::env::var_os("KEEP").is_some() {
        teller.keep(scene.ways_in());
    }
    Ok(())
}
