//! What other processes and the machine have spent.
