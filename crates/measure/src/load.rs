//! Clients that make load and the server that answers them.
//!
//! [`serve()`] is the application: one port for every kind of work, told apart by the first byte of a connection.
//! [`drive()`] is its client: it follows one [`Order`](crate::Order) and returns one [`Sample`](crate::Sample). Both run on
//! one thread, so that what they cost is one core at most, and both mark whatever they send with [`MARKER`].

mod bulk;
mod connect;
mod crew;
mod descriptors;
mod drive;
mod error;
mod failure;
mod grpc;
mod handshake;
mod http;
mod idle;
mod kind;
mod ledger;
mod meter;
mod open_loop;
mod payload;
mod ping_pong;
mod reading;
mod requests;
mod rhythm;
mod server;
mod tls;
mod wire;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use drive::drive;
pub use error::LoadError;
pub use idle::Held;
pub use payload::MARKER;
pub use server::{listen, serve};
