//! What the first packets of each run say: captured, encrypted, mutual, or an error in place of a figure.
