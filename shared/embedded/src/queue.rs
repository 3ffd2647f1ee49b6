//! Taking jobs: a job is leased, done, and then acknowledged or put back. Nothing is lost in between.

use crate::Embedded;
use crate::error::Error;
use jiff::Timestamp;
use pawl_pipeline::Job;
use rusqlite::{Connection, params};
use std::time::Duration;

/// How often a job is leased before it is called dead: with pauses of some minutes, after hours. The sweep still
/// finds its declarations then.
const MOST_ATTEMPTS: u32 = 50;

/// A job that nobody else gets before the lease ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leased {
    /// What to give back with the answer.
    pub receipt: Receipt,
    /// The job.
    pub job: Job,
}

/// Names one lease of one job. Of a lease that ended and was given to somebody else, it names nothing any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Receipt {
    number: i64,
    /// The how manieth attempt this is, from 1.
    pub attempt: u32,
}

/// What became of a job that was put back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retried {
    /// It waits for its next attempt.
    Waits,
    /// It was its last attempt; the job stays to be looked at and redriven.
    Dead,
    /// The lease had ended, and the job is somebody else's or done.
    Ended,
}

/// A job that is not tried again until somebody says so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeadJob {
    /// Its number in the queue.
    pub number: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it died.
    pub reason: String,
    /// The job, where it can be read.
    pub job: Option<Job>,
}

/// How many jobs there are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct JobCounts {
    /// To be had now.
    pub ready: u64,
    /// Put back until later.
    pub delayed: u64,
    /// With somebody.
    pub leased: u64,
    /// Not tried again.
    pub dead: u64,
}

impl Embedded {
    /// Leases up to `limit` jobs that are due at `now`, the longest due first, until `now + lease`. A job whose lease
    /// ends without an answer is due again; one that was tried too often, or cannot be read, is dead.
    ///
    /// # Errors
    /// As the file has it; nothing is leased then.
    pub async fn lease(&self, now: Timestamp, limit: usize, lease: Duration) -> Result<Vec<Leased>, Error> {
        let due = milliseconds(now);
        let until = due.saturating_add(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // Looking first costs no lock and no disk while the queue is empty.
        let waits = self.readers.read(move |connection| Ok(!waiting(connection, due, 1)?.is_empty())).await?;
        if !waits {
            return Ok(Vec::new());
        }
        let work = move |connection: &Connection| {
            let mut leased = Vec::new();
            for (number, attempts, document) in waiting(connection, due, limit)? {
                let job = match Job::from_wire(&document) {
                    _ if attempts >= MOST_ATTEMPTS => Err("it was tried too often".to_owned()),
                    Ok(job) => Ok(job),
                    Err(error) => Err(error.to_string()),
                };
                match job {
                    Ok(job) => {
                        let text =
                            "UPDATE jobs SET attempts = attempts + 1, due = ?2, leased = 1 WHERE number = ?1";
                        connection.prepare_cached(text)?.execute(params![number, until])?;
                        leased.push(Leased { receipt: Receipt { number, attempt: attempts + 1 }, job });
                    }
                    Err(reason) => bury(connection, number, &reason)?,
                }
            }
            Ok(leased)
        };
        self.writer.write(work).await
    }

    /// The job is done: it is gone when this returns. `false` if the lease had ended and the job went to somebody else.
    ///
    /// # Errors
    /// As the file has it; the job comes again then.
    pub async fn ack(&self, receipt: Receipt) -> Result<bool, Error> {
        let text = "DELETE FROM jobs WHERE number = ?1 AND attempts = ?2 AND leased = 1 AND dead IS NULL";
        let work = move |connection: &Connection| {
            Ok(connection.prepare_cached(text)?.execute(params![receipt.number, receipt.attempt])? > 0)
        };
        self.writer.write(work).await
    }

    /// The job failed, for `reason`, and shall be tried again at `at`, unless this was its last attempt.
    ///
    /// # Errors
    /// As the file has it; the job comes again when its lease ends.
    pub async fn retry_at(&self, receipt: Receipt, at: Timestamp, reason: &str) -> Result<Retried, Error> {
        let due = milliseconds(at);
        let reason = reason.to_owned();
        let work = move |connection: &Connection| {
            let text = "UPDATE jobs SET due = ?3, leased = 0
                WHERE number = ?1 AND attempts = ?2 AND leased = 1 AND dead IS NULL";
            let mut put_back = connection.prepare_cached(text)?;
            if put_back.execute(params![receipt.number, receipt.attempt, due])? == 0 {
                return Ok(Retried::Ended);
            }
            if receipt.attempt < MOST_ATTEMPTS {
                return Ok(Retried::Waits);
            }
            bury(connection, receipt.number, &reason)?;
            Ok(Retried::Dead)
        };
        self.writer.write(work).await
    }

    /// Up to `limit` dead jobs, the oldest first.
    ///
    /// # Errors
    /// As the file has it.
    pub async fn dead_jobs(&self, limit: usize) -> Result<Vec<DeadJob>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let work = move |connection: &Connection| {
            let text = "SELECT number, attempts, dead, document FROM jobs
                WHERE dead IS NOT NULL ORDER BY number LIMIT ?1";
            let mut statement = connection.prepare_cached(text)?;
            let dead = statement.query_map([limit], |row| {
                let document: String = row.get(3)?;
                Ok(DeadJob {
                    number: row.get(0)?,
                    attempts: row.get(1)?,
                    reason: row.get(2)?,
                    job: Job::from_wire(&document).ok(),
                })
            })?;
            Ok(dead.collect::<Result<_, _>>()?)
        };
        self.readers.read(work).await
    }

    /// Lets every dead job be tried again from its first attempt, at once. Returns how many there were.
    ///
    /// # Errors
    /// As the file has it.
    pub async fn redrive(&self) -> Result<usize, Error> {
        let text = "UPDATE jobs SET dead = NULL, attempts = 0, due = 0, leased = 0 WHERE dead IS NOT NULL";
        let redriven = self.writer.write(move |connection| Ok(connection.execute(text, [])?)).await?;
        self.arrival.notify_waiters();
        Ok(redriven)
    }

    /// How many jobs there are at `now`.
    ///
    /// # Errors
    /// As the file has it.
    pub async fn job_counts(&self, now: Timestamp) -> Result<JobCounts, Error> {
        let due = milliseconds(now);
        let work = move |connection: &Connection| {
            let text = "SELECT
                count(*) FILTER (WHERE dead IS NULL AND due <= ?1),
                count(*) FILTER (WHERE dead IS NULL AND due > ?1 AND leased = 0),
                count(*) FILTER (WHERE dead IS NULL AND due > ?1 AND leased = 1),
                count(*) FILTER (WHERE dead IS NOT NULL) FROM jobs";
            let number = |row: &rusqlite::Row<'_>, index| row.get::<_, i64>(index).map(i64::cast_unsigned);
            let counts = connection.prepare_cached(text)?.query_row([due], |row| {
                Ok(JobCounts {
                    ready: number(row, 0)?,
                    delayed: number(row, 1)?,
                    leased: number(row, 2)?,
                    dead: number(row, 3)?,
                })
            })?;
            Ok(counts)
        };
        self.readers.read(work).await
    }

    /// Waits until this process hands over jobs. Jobs of other processes are not heard of: look at intervals as well,
    /// and make this future before the look, or an arrival between the two is missed.
    pub fn job_arrival(&self) -> impl Future<Output = ()> + Send + use<> {
        std::sync::Arc::clone(&self.arrival).notified_owned()
    }
}

/// Number, attempts and document of jobs that are due.
fn waiting(connection: &Connection, due: i64, limit: i64) -> Result<Vec<(i64, u32, String)>, Error> {
    let text = "SELECT number, attempts, document FROM jobs
        WHERE dead IS NULL AND due <= ?1 ORDER BY due, number LIMIT ?2";
    let mut statement = connection.prepare_cached(text)?;
    let rows = statement.query_map([due, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn bury(connection: &Connection, number: i64, reason: &str) -> Result<(), Error> {
    let text = "UPDATE jobs SET dead = ?2, leased = 0 WHERE number = ?1";
    connection.prepare_cached(text)?.execute(params![number, reason])?;
    Ok(())
}

fn milliseconds(at: Timestamp) -> i64 {
    at.as_millisecond()
}
