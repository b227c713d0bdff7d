//! Every arm there is, and how `ARMS=` chooses among them.
