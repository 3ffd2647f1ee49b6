//! The whole of Pawl, story by story. The binaries of the workspace must be built before.

mod api_servers;
mod attacks;
mod bad_input;
mod clouds;
mod intake;
mod jobs;
mod lambdas;
mod least_privilege;
mod receipts;
mod runbooks;
mod see;
mod serve;
mod store_attacks;
mod store_watches;
mod vault;
mod vault_audit;
mod watches;
