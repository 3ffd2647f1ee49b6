//! The composition root: configuration, telemetry and wiring. The only crate that sees all adapters.
//!
//! Executables begin here: functions at [`lambda::start`], the command line at [`open`]. Start reading at [`wiring`],
//! which says what is put together with what; [`config`] lists the variables that decide it. [`intake`] (of events), [`jobs`]
//! and [`audit`] are the behaviour that functions and server share.

pub mod adapters;
pub mod audit;
pub mod backoff;
pub mod clock;
pub mod config;
pub mod directory;
mod error;
pub mod event_grid;
pub mod function_url;
pub mod generators;
pub mod inbox;
pub mod intake;
pub mod jobs;
pub mod lambda;
pub mod measure;
pub mod oidc;
pub mod process;
pub mod pubsub;
pub mod pull;
pub mod receipts;
pub mod signature;
pub mod sinks;
pub mod sources;
mod state;
pub mod telemetry;
pub mod vendors;
pub mod wiring;

pub use error::Error;
pub use generators::Makers;
pub use inbox::Inbox;
pub use pawl_aws::queue::Message as EventMessage;
pub use pawl_aws::{EksCluster, EventBus, Queue as EventQueue};
pub use sinks::Sinks;
pub use sources::Stores;
pub use state::State;
pub use wiring::{AwsWorld, World, eks_clusters, event_bus, event_queue, inbox, open, open_registry};
