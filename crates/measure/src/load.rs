//! Clients that make load and the server that answers them.
