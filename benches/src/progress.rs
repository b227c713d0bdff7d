//! The bar with the time left.
