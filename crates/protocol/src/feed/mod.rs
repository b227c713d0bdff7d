//! What is true in the mesh, as the CA tells it: numbered and signed facts, from the CA's log to every subscriber.
//!
//! There is no socket, clock, task or file in here. Messages and moments go in; messages, changes and deadlines come
//! out, and the drivers in the CA, the agent and the proxy do the rest. So the two ends run against each other in a
//! simulation (`tests/simulation.rs`), over hours of bad network in milliseconds.

mod limits;
pub mod log;
mod moment;
mod position;
pub mod signature;
mod statement;
pub mod subscriber;
#[cfg(test)]
pub(crate) mod testing;

pub use limits::Limits;
pub use log::{Log, Subscription};
pub use moment::Moment;
pub use position::{Incarnation, MissingPosition, Position};
pub use signature::{FeedSigner, FeedVerifier, SignedBody, SignedFact};
pub use statement::{AddressAnswer, Statement};
pub use subscriber::Subscriber;

/// The capability that both ends must have: the record kinds and the rules of `feed.proto` as they stand.
pub const FACTS_1: &str = "facts-1";
