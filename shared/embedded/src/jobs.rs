//! The port that puts jobs into the queue. [`queue`](crate::queue) takes them out.

use crate::Embedded;
use pawl_domain::Step;
use pawl_ports::{Job, Jobs};

impl Jobs for Embedded {
    async fn enqueue(&self, jobs: &[Job]) -> Result<(), pawl_ports::Error> {
        if jobs.is_empty() {
            return Ok(());
        }
        let tenant = |job: &Job| {
            job.tenant().map(|(cluster, namespace)| format!("{cluster}/{namespace}")).unwrap_or_default()
        };
        let rows: Vec<(String, String)> = jobs.iter().map(|job| (tenant(job), job.to_wire())).collect();
        let work = move |connection: &rusqlite::Connection| {
            let mut insert =
                connection.prepare_cached("INSERT INTO jobs (tenant, document) VALUES (?1, ?2)")?;
            for row in rows {
                insert.execute(row)?;
            }
            Ok(())
        };
        self.writer.write(work).await.map_err(|error| error.at(Step::Enqueue))?;
        self.arrival.notify_waiters();
        Ok(())
    }
}
