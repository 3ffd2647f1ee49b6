use pawl_aws::AwsSources;
use pawl_domain::{Access, GeneratorKind, Kind, Provider, PushOutcome, Pushed, RemoteEntry, Step};
use pawl_ports::{
    Answer, Catalogue, Clock, ClusterCredentials, Clusters, Error, Families, Generation, Generators, Jobs,
    Ledger, Ports, Pushes, Receipts, Registry, Sink, Told,
};
use std::sync::Arc;

/// Nothing is pushed in a measurement.
#[derive(Clone, Copy, Debug)]
pub struct NoSink;

impl Sink for NoSink {
    fn providers(&self) -> Vec<Provider> {
        Vec::new()
    }

    fn push<'a>(&'a self, _: &'a Access, _: &'a Pushed) -> Answer<'a, Result<PushOutcome, Error>> {
        Box::pin(async { Err(nowhere()) })
    }

    fn exists<'a>(&'a self, _: &'a Access, _: &'a RemoteEntry) -> Answer<'a, Result<bool, Error>> {
        Box::pin(async { Err(nowhere()) })
    }

    fn remove<'a>(&'a self, _: &'a Access, _: &'a RemoteEntry) -> Answer<'a, Result<(), Error>> {
        Box::pin(async { Err(nowhere()) })
    }
}

fn nowhere() -> Error {
    Error::new(Step::Push, Kind::Invalid, "no store takes values here")
}

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
    R: Registry + Catalogue + Pushes + 'static,
    L: Ledger + 'static,
    C: Clusters + Families + ClusterCredentials + 'static,
    J: Jobs + 'static,
    K: Clock + 'static,
{
    type Registry = R;
    type Ledger = L;
    type Sources = AwsSources<C>;
    type Sink = NoSink;
    type Generators = NoGenerators;
    type Clusters = C;
    type Jobs = J;
    type Receipts = NoReceipts;
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

    fn sink(&self) -> &NoSink {
        &NoSink
    }

    fn generators(&self) -> &NoGenerators {
        &NoGenerators
    }

    fn clusters(&self) -> &C {
        &self.clusters
    }

    fn jobs(&self) -> &J {
        &self.jobs
    }

    fn receipts(&self) -> &NoReceipts {
        &NoReceipts
    }

    fn clock(&self) -> &K {
        &self.clock
    }
}

/// Nobody waits for receipts where figures are measured.
#[derive(Clone, Copy, Debug)]
pub struct NoReceipts;

impl Receipts for NoReceipts {
    fn is_on(&self) -> bool {
        false
    }

    async fn tell(&self, _: &Told) -> Result<(), Error> {
        Ok(())
    }
}

/// Nothing is made where figures are measured.
#[derive(Clone, Copy, Debug)]
pub struct NoGenerators;

impl Generators for NoGenerators {
    fn kinds(&self) -> Vec<GeneratorKind> {
        Vec::new()
    }

    fn generate<'a>(&'a self, _: &'a Access) -> Answer<'a, Result<Generation, Error>> {
        Box::pin(async {
            Err(Error::new(Step::Fetch, Kind::Invalid, "nothing is made where figures are measured"))
        })
    }
}
