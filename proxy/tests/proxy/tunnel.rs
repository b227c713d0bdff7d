//! Tunnels against each other and against peers that are played by hand.

mod ends;
mod full;
mod hostile;
mod keepalive;
mod resets;
mod speech;
