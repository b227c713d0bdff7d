//! What the bench runs on, and whether it is fit for it.
