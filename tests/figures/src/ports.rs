use pawl_aws::AwsSources;
use pawl_ports::{Catalogue, Clock, ClusterCredentials, Clusters, Families, Jobs, Ledger, Ports, Registry};
use std::sync::Arc;

/// The flow's ports, put together as a measurement needs them. The stores are always the real adapter's.
pub struct Assembled<R, L, C, J, K> {
    /// The declarations and stores.
    pub registry: R,
    /// What was done last.
    pub ledger: L,
    /// The stores of AWS.
    pub sources: AwsSources<C>,
    /// The clusters.
    pub clusters: Arc<C>,
    /// The queue.
    pub jobs: J,
    /// The time.
    pub clock: K,
}

impl<R, L, C, J, K> Ports for Assembled<R, L, C, J, K>
where
    R: Registry + Catalogue + 'static,
    L: Ledger + 'static,
    C: Clusters + Families + ClusterCredentials + 'static,
    J: Jobs + 'static,
    K: Clock + 'static,
{
    type Registry = R;
    type Ledger = L;
    type Sources = AwsSources<C>;
    type Clusters = C;
    type Jobs = J;
    type Clock = K;

    fn registry(&self) -> &R {
        &self.registry
    }

    fn ledger(&self) -> &L {
        &self.ledger
    }

    fn sources(&self) -> &AwsSources<C> {
        &self.sources
    }

    fn clusters(&self) -> &C {
        &self.clusters
    }

    fn jobs(&self) -> &J {
        &self.jobs
    }

    fn clock(&self) -> &K {
        &self.clock
    }
}
