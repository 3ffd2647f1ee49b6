//! The flow from a change to written Secrets, over ports that it owns. The only orchestration in the repository.
//!
//! Start reading at [`ports`]: what the flow needs of the world. Then the use cases, one file each. Pure decisions
//! are `pawl_domain`'s; what is here asks and acts.

pub mod error;
pub mod job;
pub mod manifests;
pub mod ports;
pub mod report;
pub mod status;

pub use error::Error;
pub use job::Job;
pub use manifests::{Manifests, Problem, Severity};
pub use ports::Ports;
pub use report::Report;
pub use status::Status;
