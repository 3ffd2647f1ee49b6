use crate::door::{Door, lock};
use crate::fault::Point;
use pawl_ports::{Error, Job, Jobs};
use std::sync::{Arc, Mutex};

/// A queue that keeps what it was handed until a test takes it.
#[derive(Clone, Debug, Default)]
pub struct FakeJobs {
    pub(crate) door: Door,
    queue: Arc<Mutex<Vec<Job>>>,
}

impl FakeJobs {
    /// What waits, in the order of arrival.
    pub fn waiting(&self) -> Vec<Job> {
        lock(&self.queue).clone()
    }

    /// Takes all that waits.
    pub fn take(&self) -> Vec<Job> {
        std::mem::take(&mut lock(&self.queue))
    }
}

impl Jobs for FakeJobs {
    async fn enqueue(&self, jobs: &[Job]) -> Result<(), Error> {
        let passage = self
            .door
            .pass(Point::Enqueue, &["the job queue"], |calls| {
                calls.enqueues += 1;
                calls.jobs += jobs.len();
            })
            .await?;
        for job in jobs {
            assert!(
                job.declarations.len() <= Job::MAX_DECLARATIONS,
                "a job of {} ids",
                job.declarations.len()
            );
        }
        lock(&self.queue).extend_from_slice(jobs);
        passage.leave(())
    }
}
