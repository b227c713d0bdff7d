//! `bulkhead-ca`: see `bulkhead-ca --help`.

fn main() {}
