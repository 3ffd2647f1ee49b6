//! Adapters to AWS: stores, registry, ledger, job queue, event bus and EKS tokens.
//!
//! Each adapter fulfils a port of `pawl_ports` and knows no other adapter. All of them are made from one
//! `SdkConfig` that the composition root loads, so that regions, endpoints, timeouts and identity come from the SDK's
//! own settings. Start reading at [`sources`], which turns keys into values.

pub mod bus;
pub mod folders;
pub mod identity;
pub mod jobs;
mod ledger;
mod pushes;
pub mod queue;
mod registry;
pub mod sources;
pub mod table;

mod clients;
mod credentials;
mod error;

pub use bus::EventBus;
pub use folders::S3Folders;
pub use identity::{AwsIdentity, EksCluster};
pub use jobs::SqsJobs;
pub use queue::Queue;
pub use sources::AwsSources;
pub use table::Table;
