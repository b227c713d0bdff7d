//! A small network to try a mesh on: hosts and pods in network namespaces, captures of the wire, faults.
//!
//! For the demo, tests and benches only; nothing that is shipped links it. It knows no certificate, no policy and no
//! Bulkhead protocol: whatever runs in its hosts is a process. It blocks, on threads; there is no async runtime here.
//! Nothing is made in the machine's own network namespace, and no packet leaves the namespaces that a [`Lab`] made.
//!
//! ```no_run
//! # use std::time::Duration;
//! # fn main() -> Result<(), bulkhead_lab::LabError> {
//! bulkhead_lab::rights::ensure()?; // as an ordinary user: once more, inside a user namespace
//! let lab = bulkhead_lab::Lab::new()?;
//! let (shop, bank) = (lab.host("shop")?, lab.host("bank")?);
//! let server = bank.command("python3").args(["-m", "http.server", "8080"]).spawn("bank")?;
//! server.wait_for_log("Serving", Duration::from_secs(10))?;
//! let recording = lab.capture()?;
//! shop.command("curl").arg(format!("http://{}:8080/", bank.ipv4())).run(Duration::from_secs(5))?;
//! assert!(recording.stop()?.payload_contains(b"GET / HTTP/1.1"));
//! # Ok(()) }
//! ```

pub mod binaries;
pub mod capture;
pub mod rights;

mod address;
mod command;
mod error;
mod fault;
mod host;
mod lab;
mod namespace;
mod process;
mod tool;
mod until;
mod wire;

pub use command::{HostCommand, Output};
pub use error::LabError;
pub use host::Host;
pub use lab::Lab;
pub use process::Process;
pub use tool::Tool;
pub use until::{Probe, until};
