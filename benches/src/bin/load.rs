//! To come in this commit series.

fn main() {}
