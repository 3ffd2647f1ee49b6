//! Stores that are JSON over HTTPS: what adapters of them have in common.
//!
//! [`kit`] has the connection, the proof of identities, paging, and what failures mean. It knows no provider.

pub mod kit;
