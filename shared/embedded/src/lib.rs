//! Adapters to one local SQLite file: registry, ledger and job queue.
