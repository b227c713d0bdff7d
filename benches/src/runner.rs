//! Runs a plan: every arm in every round, and keeps what was found.
