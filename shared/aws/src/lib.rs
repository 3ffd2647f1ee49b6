//! Adapters to AWS: stores, registry, ledger, job queue and EKS tokens.
//!
//! Each adapter fulfils a port of `pawl_pipeline` and knows no other adapter. All of them are made from one
//! `SdkConfig` that the composition root loads, so that regions, endpoints, timeouts and identity come from the SDK's
//! own settings. Start reading at [`sources`], which turns keys into values.

pub mod sources;

mod clients;
mod credentials;
mod error;

pub use sources::AwsSources;
