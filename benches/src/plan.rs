//! Which rows are measured, in which order, and how long that takes.
