//! The driver between a CA in memory and the index of live connections, over hours in milliseconds.

mod acknowledging;
mod believing;
mod dialing;
mod restarting;
mod sweeping;
mod world;
