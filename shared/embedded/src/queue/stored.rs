//! Lists, counts, redrives and deletes jobs, for `pawl jobs`.

use crate::Embedded;
use crate::error::Error;
use jiff::Timestamp;
use rusqlite::{Connection, params};

/// A job in the queue, whatever its state.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredJob {
    /// Its number in the queue.
    pub number: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether it waits, for whom or why.
    pub state: JobState,
    /// The job as it was handed over.
    pub document: String,
}

/// Where a job stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum JobState {
    /// It can be had.
    Ready,
    /// It was put back until this time.
    Delayed(Timestamp),
    /// Somebody has it until this time.
    Leased(Timestamp),
    /// It is not tried again until somebody says so, for this reason.
    Dead(String),
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
    /// Up to `limit` jobs as they stand at `now`, the dead ones first, then by age.
    ///
    /// # Errors
    /// As the file has it.
    pub async fn stored_jobs(&self, now: Timestamp, limit: usize) -> Result<Vec<StoredJob>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let work = move |connection: &Connection| {
            let text = "SELECT number, attempts, due, leased, dead, document FROM jobs
                ORDER BY dead IS NULL, number LIMIT ?1";
            let mut statement = connection.prepare_cached(text)?;
            let jobs = statement.query_map([limit], |row| stored(row, now))?;
            Ok(jobs.collect::<Result<_, _>>()?)
        };
        self.readers.read(work).await
    }

    /// The job of this number.
    ///
    /// # Errors
    /// As the file has it.
    pub async fn stored_job(&self, now: Timestamp, number: i64) -> Result<Option<StoredJob>, Error> {
        let work = move |connection: &Connection| {
            let text = "SELECT number, attempts, due, leased, dead, document FROM jobs WHERE number = ?1";
            let mut statement = connection.prepare_cached(text)?;
            let job = statement.query_map([number], |row| stored(row, now))?.next().transpose()?;
            Ok(job)
        };
        self.readers.read(work).await
    }

    /// Lets dead jobs be tried again from their first attempt, at once: the one of this number, or all. Returns how
    /// many there were.
    ///
    /// # Errors
    /// As the file has it.
    pub async fn redrive(&self, number: Option<i64>) -> Result<usize, Error> {
        let text = "UPDATE jobs SET dead = NULL, attempts = 0, due = 0, leased = 0
            WHERE dead IS NOT NULL AND (?1 IS NULL OR number = ?1)";
        let redriven = self.writer.write(move |connection| Ok(connection.execute(text, params![number])?));
        let redriven = redriven.await?;
        self.arrival.notify_waiters();
        Ok(redriven)
    }

    /// Removes a job for good, whatever its state. `false` if there is none of this number.
    ///
    /// # Errors
    /// As the file has it.
    pub async fn remove_job(&self, number: i64) -> Result<bool, Error> {
        let text = "DELETE FROM jobs WHERE number = ?1";
        self.writer.write(move |connection| Ok(connection.execute(text, [number])? > 0)).await
    }

    /// How many jobs there are at `now`.
    ///
    /// # Errors
    /// As the file has it.
    pub async fn job_counts(&self, now: Timestamp) -> Result<JobCounts, Error> {
        let due = now.as_millisecond();
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
}

fn stored(row: &rusqlite::Row<'_>, now: Timestamp) -> rusqlite::Result<StoredJob> {
    let (due, leased, dead): (i64, bool, Option<String>) = (row.get(2)?, row.get(3)?, row.get(4)?);
    let until = Timestamp::from_millisecond(due).unwrap_or(Timestamp::MAX);
    let state = match dead {
        Some(reason) => JobState::Dead(reason),
        None if until <= now => JobState::Ready,
        None if leased => JobState::Leased(until),
        None => JobState::Delayed(until),
    };
    Ok(StoredJob { number: row.get(0)?, attempts: row.get(1)?, state, document: row.get(5)? })
}
