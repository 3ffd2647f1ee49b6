//! Wire JSON of every sender to Pawl's changes.
