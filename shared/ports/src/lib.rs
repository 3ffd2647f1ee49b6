//! What the use cases need of the world, as contracts, and the [`Error`] of all of them. Suites hold the adapters to
//! the contracts: in `tests/world`, and for clusters in `shared/kubernetes/tests/clusters`.
//!
//! Every method is bounded in time by its adapter, may be dropped at any await without harm, and classifies its
//! errors with [`pawl_domain::Kind`]. Errors never hold values.

mod asked;
mod caller;
mod clusters;
mod credentials;
mod error;
mod families;
mod folders;
mod generators;
mod job;
mod known;
mod ledger;
mod pages;
mod push_status;
mod pushes;
mod receipts;
mod registry;
mod sink;
mod source;
mod sources;
mod status;
mod store_status;
mod store_watch;
mod target;
mod unreadable;
mod watches;
mod workload;

pub use asked::{Listed, Listing, Part, Wanted};
pub use caller::{CallerIdentity, Question, SignedRequest};
pub use clusters::{Clusters, TemplateKind};
pub use credentials::{
    ApiEndpoint, BearerToken, ClusterCredentials, ClusterIdentity, EksEndpoint, WholeSecret,
};
pub use error::Error;
pub use families::{Families, Parents};
pub use folders::{Folder, FolderListing, Folders};
pub use generators::{Generation, Generators};
pub use job::{InvalidJob, Job, Jobs};
pub use known::{Known, Patterns, Policies};
pub use ledger::{Entry, Ledger, Revision};
pub use pages::{PAGE, Pages, UnsettledPages};
pub use push_status::{PushStatus, PushVerdict, wants_finalizer};
pub use pushes::{PushPage, PushScope, Pushes};
pub use receipts::{Receipts, Told};
pub use registry::{Catalogue, Put, Registry, Scope, SweptStore};
pub use sink::{MOST_TRIES, OVERTAKEN, Sink};
pub use source::{Answer, Source};
pub use sources::Sources;
pub use status::Status;
pub use store_status::{StoreStatus, Validity};
pub use store_watch::StoreSighting;
pub use target::TargetRef;
pub use unreadable::{DocumentKind, Unreadable, readable};
pub use watches::{Declared, Sighting, Watches, Writer};
pub use workload::{Usage, Workload};

use jiff::Timestamp;

/// All that the flow needs, bundled. One type parameter instead of nine.
pub trait Ports: Send + Sync + 'static {
    /// The declarations and stores, to read and to keep up.
    type Registry: Registry + Catalogue + Pushes;
    /// What was done last.
    type Ledger: Ledger;
    /// The stores.
    type Sources: Sources;
    /// The stores, where they take values.
    type Sink: Sink;
    /// The generators.
    type Generators: Generators;
    /// The clusters.
    type Clusters: Clusters + Families;
    /// The durable queue of work to be done.
    type Jobs: Jobs;
    /// Whoever waits for receipts.
    type Receipts: Receipts;
    /// The time.
    type Clock: Clock;

    /// The declarations and stores.
    fn registry(&self) -> &Self::Registry;
    /// What was done last.
    fn ledger(&self) -> &Self::Ledger;
    /// The stores.
    fn sources(&self) -> &Self::Sources;
    /// The stores, where they take values.
    fn sink(&self) -> &Self::Sink;
    /// The generators.
    fn generators(&self) -> &Self::Generators;
    /// The clusters.
    fn clusters(&self) -> &Self::Clusters;
    /// The queue.
    fn jobs(&self) -> &Self::Jobs;
    /// Whoever waits for receipts.
    fn receipts(&self) -> &Self::Receipts;
    /// The time.
    fn clock(&self) -> &Self::Clock;
}

/// Tells the time, so that tests can.
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Timestamp;
}
