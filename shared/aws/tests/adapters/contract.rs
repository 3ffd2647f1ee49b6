//! The ports' contract suites on moto.

use crate::at::{REGION, config, fresh, fresh_table, moto};
use pawl_aws::{Queue, SqsJobs};
use pawl_pipeline::Job;
use pawl_world::contract;
use std::time::{Duration, Instant};

#[tokio::test]
async fn the_table_is_a_registry() {
    contract::registry::suite(fresh_table).await;
}

#[tokio::test]
async fn the_table_is_a_ledger() {
    contract::ledger::suite(fresh_table).await;
}

#[tokio::test]
async fn the_queue_takes_jobs() {
    contract::jobs::suite(async || Jobs::new().await, Jobs::receive).await;
}

/// A queue from both ends.
struct Jobs {
    queue: Queue,
    jobs: SqsJobs,
}

impl Jobs {
    async fn new() -> Self {
        let moto = moto().await;
        let created = moto.create_queue(REGION, &fresh("jobs"), &[]).await.unwrap();
        let queue = Queue::new(&config(moto.endpoint()), &created.url);
        Self { jobs: SqsJobs::new(queue.clone()), queue }
    }

    async fn receive(&self, count: usize) -> Vec<Job> {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut jobs = Vec::new();
        while jobs.len() < count && Instant::now() < deadline {
            for message in self.queue.receive(Queue::MOST_MESSAGES, Duration::from_secs(1)).await.unwrap() {
                jobs.push(Job::from_wire(&message.body).unwrap());
                self.queue.delete(&message.receipt).await.unwrap();
            }
        }
        jobs
    }
}

impl pawl_pipeline::ports::Jobs for Jobs {
    async fn enqueue(&self, jobs: &[Job]) -> Result<(), pawl_pipeline::Error> {
        self.jobs.enqueue(jobs).await
    }
}
