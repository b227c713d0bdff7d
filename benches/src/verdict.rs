//! What the runs of a row say: ratios, intervals, and a sentence.
