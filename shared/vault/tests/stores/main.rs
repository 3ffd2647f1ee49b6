//! Stores of Vault: on the double what servers do on good and bad days, on a scripted server what no double gives, and on a
//! real server, where there is one, the contract once more.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

mod answers;
mod contract;
mod faults;
mod find;
mod guards;
mod leaks;
mod logins;
mod made;
mod metrics;
mod open_bao;
mod paths;
mod pushes;
mod real;
mod support;
mod tls;
mod tokens;
mod versions;
