//! Adapters to AWS: stores, registry, ledger, job queue and EKS tokens.
