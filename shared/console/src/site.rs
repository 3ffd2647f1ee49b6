//! What the pages are made from.

use crate::door::Door;
use crate::snapshot::{Snapshot, Taken};
use futures::future::BoxFuture;
use pawl_domain::Cluster;
use pawl_pipeline::Pipeline;
use pawl_pipeline::explain::fleet::Fleet;
use pawl_ports::{Clock, DocumentKind, Error, Ports, Registry, Unreadable};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Pages made at the same time; whoever comes while so many are made is asked to come again.
const PLACES: usize = 8;
/// How many jobs are shown.
pub(crate) const MOST_JOBS: usize = 200;

/// Looks at the job queue: up to so many jobs.
pub type Desk = Arc<dyn Fn(usize) -> BoxFuture<'static, Result<Queue, Error>> + Send + Sync>;

/// What the job queue holds.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// How many jobs wait or are worked on.
    pub waiting: u64,
    /// How many nobody tries again.
    pub dead: u64,
    /// Those that can be seen.
    pub jobs: Vec<QueuedJob>,
}

/// One job.
#[derive(Clone, Debug, Default)]
pub struct QueuedJob {
    /// What names it in the verbs of `pawl jobs`.
    pub id: String,
    /// `ready`, `delayed`, `leased` or `dead`.
    pub state: &'static str,
    /// How often it was taken out.
    pub attempts: u32,
    /// Since when it is there, where it can be read.
    pub since: Option<String>,
    /// The first of its declarations, or why it cannot be read.
    pub what: String,
    /// Why it is dead, where that is known.
    pub reason: Option<String>,
}

/// What a walk through all declarations tells.
pub(crate) struct Survey {
    pub(crate) fleet: Fleet,
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) unreadable: Vec<Unreadable>,
}

impl Survey {
    pub(crate) fn unreadable_of(&self, kind: DocumentKind) -> impl Iterator<Item = &Unreadable> {
        self.unreadable.iter().filter(move |each| each.kind == kind)
    }
}

pub(crate) struct Site<P> {
    pub(crate) pipeline: Arc<Pipeline<P>>,
    pub(crate) door: Door,
    pub(crate) places: Semaphore,
    desk: Desk,
    survey: Arc<Snapshot<Survey>>,
    queue: Arc<Snapshot<Queue>>,
}

impl<P: Ports> Site<P> {
    pub(crate) fn new(pipeline: Arc<Pipeline<P>>, desk: Desk, door: Door) -> Self {
        Self {
            pipeline,
            door,
            places: Semaphore::new(PLACES),
            desk,
            survey: Arc::default(),
            queue: Arc::default(),
        }
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.pipeline.ports().clock().now()
    }

    /// The last walk through all declarations; `None` while the first one is being made.
    pub(crate) async fn survey(&self) -> Option<Taken<Survey>> {
        let pipeline = Arc::clone(&self.pipeline);
        let take = async move {
            let registry = pipeline.ports().registry();
            let fleet = pipeline.fleet(|_| true).await?;
            let (clusters, unreadable) = (registry.clusters().await?, registry.unreadable().await?);
            Ok(Survey { fleet, clusters, unreadable })
        };
        self.survey.look(self.now(), take).await
    }

    /// The last one that was made, without making one.
    pub(crate) fn known_survey(&self) -> Option<Arc<Survey>> {
        self.survey.last()?.result.ok()
    }

    /// What the job queue held when it was last looked at; `None` while that is done for the first time.
    pub(crate) async fn queue(&self) -> Option<Taken<Queue>> {
        self.queue.look(self.now(), (self.desk)(MOST_JOBS)).await
    }
}
