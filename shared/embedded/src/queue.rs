//! Taking jobs: a job is leased, done, and then acknowledged or put back. Nothing is lost in between.
//!
//! A job is a document here, whoever wrote it: whether it can be read is for who takes it to say.

mod stored;
mod turns;

pub use stored::{JobCounts, JobState, StoredJob};

use crate::Embedded;
use crate::error::Error;
use jiff::Timestamp;
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
    /// The job as it was handed over.
    pub document: String,
}

/// Names one lease of one job. Of a lease that ended and was given to somebody else, it names nothing any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Receipt {
    number: i64,
    /// Which attempt this is, from 1.
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

impl Embedded {
    /// Leases up to `limit` jobs that are due at `now` until `now + lease`: in turn those of the namespaces that have fewest
    /// leased, of each the longest due first. A job whose lease ends without an answer is due again; one that was tried too
    /// often is dead.
    ///
    /// # Errors
    /// As the file has it; nothing is leased then.
    pub async fn lease(&self, now: Timestamp, limit: usize, lease: Duration) -> Result<Vec<Leased>, Error> {
        self.lease_some(now, limit, lease, None).await
    }

    /// The same for whoever can do `free` more jobs at a time and no others: a namespace gets no more leased than twice what
    /// remains free, so that there is room for the jobs of others whenever they come.
    ///
    /// # Errors
    /// As the file has it; nothing is leased then.
    pub async fn lease_share(
        &self,
        now: Timestamp,
        free: usize,
        lease: Duration,
    ) -> Result<Vec<Leased>, Error> {
        self.lease_some(now, free, lease, Some(free)).await
    }

    async fn lease_some(
        &self,
        now: Timestamp,
        limit: usize,
        lease: Duration,
        free: Option<usize>,
    ) -> Result<Vec<Leased>, Error> {
        let due = now.as_millisecond();
        let until = due.saturating_add(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX));
        // Looking first costs no lock and no disk while the queue is empty.
        if !self.readers.read(move |connection| waits(connection, due)).await? {
            return Ok(Vec::new());
        }
        let work = move |connection: &Connection| {
            let mut leased = Vec::new();
            for number in turns::next(connection, due, limit, free)? {
                let text = "SELECT attempts, document FROM jobs WHERE number = ?1";
                let (attempts, document): (u32, String) = connection
                    .prepare_cached(text)?
                    .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
                if attempts >= MOST_ATTEMPTS {
                    bury(connection, number, "it was tried too often")?;
                    continue;
                }
                let text = "UPDATE jobs SET attempts = attempts + 1, due = ?2, leased = 1 WHERE number = ?1";
                connection.prepare_cached(text)?.execute(params![number, until])?;
                leased.push(Leased { receipt: Receipt { number, attempt: attempts + 1 }, document });
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
        let last = receipt.attempt >= MOST_ATTEMPTS;
        self.put_back(receipt, at, last.then(|| reason.to_owned())).await
    }

    /// Nobody shall try the job again, for `reason`: it stays among the dead.
    ///
    /// # Errors
    /// As the file has it; the job comes again when its lease ends.
    pub async fn give_up(&self, receipt: Receipt, reason: &str) -> Result<Retried, Error> {
        self.put_back(receipt, Timestamp::UNIX_EPOCH, Some(reason.to_owned())).await
    }

    async fn put_back(
        &self,
        receipt: Receipt,
        at: Timestamp,
        dead: Option<String>,
    ) -> Result<Retried, Error> {
        let due = at.as_millisecond();
        let work = move |connection: &Connection| {
            let text = "UPDATE jobs SET due = ?3, leased = 0
                WHERE number = ?1 AND attempts = ?2 AND leased = 1 AND dead IS NULL";
            let mut put_back = connection.prepare_cached(text)?;
            if put_back.execute(params![receipt.number, receipt.attempt, due])? == 0 {
                return Ok(Retried::Ended);
            }
            match dead {
                None => Ok(Retried::Waits),
                Some(reason) => bury(connection, receipt.number, &reason).map(|()| Retried::Dead),
            }
        };
        self.writer.write(work).await
    }

    /// Ends all leases, for whoever had them is gone: a server that was killed leaves jobs leased. A job waits for a pause that
    /// grows with its attempts, for it may be what ended the server. Where a holder lives after all, its lease has ended, and the
    /// job is done twice. Returns how many there were.
    ///
    /// # Errors
    /// As the file has it; the leases end by themselves then.
    pub async fn end_leases(
        &self,
        now: Timestamp,
        pause: impl Fn(u32) -> Duration + Send + 'static,
    ) -> Result<usize, Error> {
        let work = move |connection: &Connection| {
            let mut leased = connection
                .prepare_cached("SELECT number, attempts FROM jobs WHERE leased = 1 AND dead IS NULL")?;
            let leased = leased.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let leased: Vec<(i64, u32)> = leased.collect::<Result<_, _>>()?;
            for (number, attempts) in &leased {
                let pause = i64::try_from(pause(*attempts).as_millis()).unwrap_or(i64::MAX);
                let text = "UPDATE jobs SET due = ?2, leased = 0 WHERE number = ?1";
                let due = now.as_millisecond().saturating_add(pause);
                connection.prepare_cached(text)?.execute(params![number, due])?;
            }
            Ok(leased.len())
        };
        self.writer.write(work).await
    }

    /// Waits until this process hands over jobs. Jobs of other processes are not heard of: look at intervals as well,
    /// and make this future before the look, or an arrival between the two is missed.
    pub fn job_arrival(&self) -> impl Future<Output = ()> + Send + use<> {
        std::sync::Arc::clone(&self.arrival).notified_owned()
    }
}

/// Whether a job is due.
fn waits(connection: &Connection, due: i64) -> Result<bool, Error> {
    let text = "SELECT EXISTS (SELECT 1 FROM jobs WHERE dead IS NULL AND due <= ?1)";
    Ok(connection.prepare_cached(text)?.query_row([due], |row| row.get(0))?)
}

fn bury(connection: &Connection, number: i64, reason: &str) -> Result<(), Error> {
    let text = "UPDATE jobs SET dead = ?2, leased = 0 WHERE number = ?1";
    connection.prepare_cached(text)?.execute(params![number, reason])?;
    Ok(())
}
