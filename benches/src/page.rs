//! The result as one HTML page that stands alone.
