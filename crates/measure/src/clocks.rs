//! What other processes and the machine have spent.
//!
//! Everything is read from the kernel at the moment of the call: there is no task here, nothing waits, and nothing is
//! kept between two readings. A measure is the difference of two readings, which the caller takes at the two ends.

pub mod machine;
pub mod memory;

mod descendants;
mod error;
mod file;
mod processor;
mod status;

pub use descendants::children;
pub use error::ClockError;
pub use processor::ProcessorClock;
pub use status::is_running;
