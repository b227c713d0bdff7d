//! The result as a table for a terminal and for Markdown.
