//! How each kind of row is measured.
