//! What paired runs say.
