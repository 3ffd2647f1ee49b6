//! The adapters of AWS: state and stores.

mod adapters;
mod stores;
