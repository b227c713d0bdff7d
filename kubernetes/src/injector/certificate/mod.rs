//! The certificate by which the API server knows this program: made here, published in the webhook configuration, replaced
//! before it ends, and the same in every replica.
//!
//! A *generation* is a CA of its own and the one certificate that it has signed; the CA's key is forgotten at once. The
//! replicas share the generations in a Secret. What is to be done at any moment is worked out by [`rotation`], which is pure;
//! [`keeper`] does it.

mod authorities;
mod cluster;
mod generation;
mod keeper;
mod make;
mod rotation;
mod serving;

pub(crate) use keeper::{Keeper, KeeperTools};
pub(crate) use serving::Served;

#[cfg(test)]
mod simulation;
