//! The job queue as `pawl jobs` shows it: what waits, what is dead and why; and how jobs are redriven or deleted.
//!
//! Of a local file every job can be seen. Of SQS, only how many wait, for each look at a message counts as one of the
//! tries that it has; and the dead letters one by one.

use super::{Inbox, local};
use crate::clock::SystemClock;
use futures::{StreamExt, TryStreamExt, stream};
use pawl_aws::Queue;
use pawl_aws::queue::Message;
use pawl_domain::{Kind, Step};
use pawl_embedded::{Embedded, JobState};
use pawl_ports::{Clock, Error, Job};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long dead letters are kept from others while they are looked at. They are given back before.
const HOLD: Duration = Duration::from_secs(60);
/// A dead-letter queue of SQS may have empty answers while it still holds messages.
const EMPTY_LOOKS: usize = 2;
/// Requests at the same time.
const PARALLEL: usize = 8;

/// What the queue holds.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Messages that wait or are worked on, whether they are among `jobs` or not.
    pub waiting: u64,
    /// Messages that nobody tries again.
    pub dead: u64,
    /// The messages that can be seen.
    pub jobs: Vec<Shelved>,
}

/// A message of the queue.
#[derive(Clone, Debug)]
pub struct Shelved {
    /// What names it in the verbs of `pawl jobs`.
    pub id: String,
    /// `ready`, `delayed`, `leased` or `dead`.
    pub state: &'static str,
    /// How often it was taken out.
    pub attempts: u32,
    /// Why it is dead, where that is known: SQS does not tell.
    pub reason: Option<String>,
    /// What was handed over.
    pub body: String,
}

impl Shelved {
    /// The job, or why this version of Pawl cannot read it.
    ///
    /// # Errors
    /// As for [`Job::from_wire`].
    pub fn job(&self) -> Result<Job, pawl_ports::InvalidJob> {
        Job::from_wire(&self.body)
    }
}

/// Which messages are meant.
#[derive(Clone, Debug)]
pub enum Which {
    /// All dead ones.
    AllDead,
    /// Those with these ids.
    Ids(BTreeSet<String>),
}

impl Which {
    fn takes(&self, id: &str) -> bool {
        match self {
            Self::AllDead => true,
            Self::Ids(ids) => ids.contains(id),
        }
    }
}

impl Inbox {
    /// Up to `limit` messages.
    ///
    /// # Errors
    /// When the queue, or the dead-letter queue that it names, cannot be asked.
    pub async fn shown(&self, limit: usize) -> Result<Shown, Error> {
        match self {
            Self::Local(file) => {
                let now = SystemClock.now();
                let counts = file.job_counts(now).await.map_err(local)?;
                let jobs = file.stored_jobs(now, limit).await.map_err(local)?;
                let waiting = counts.ready + counts.delayed + counts.leased;
                Ok(Shown { waiting, dead: counts.dead, jobs: jobs.into_iter().map(stored).collect() })
            }
            Self::Sqs { queue, .. } => {
                let depth = queue.depth().await?;
                let mut shown = Shown { waiting: depth.ready + depth.in_flight, ..Shown::default() };
                if let Some(dead) = queue.dead_letters().await? {
                    let depth = dead.depth().await?;
                    shown.dead = depth.ready + depth.in_flight;
                    shown.jobs = dead_letters(&dead, limit, |_| true).await?;
                }
                Ok(shown)
            }
        }
    }

    /// The message of this id: any of a local file, a dead letter of SQS.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    pub async fn one(&self, id: &str) -> Result<Option<Shelved>, Error> {
        match self {
            Self::Local(file) => {
                let Ok(number) = id.parse() else { return Ok(None) };
                Ok(file.stored_job(SystemClock.now(), number).await.map_err(local)?.map(stored))
            }
            Self::Sqs { queue, .. } => {
                let dead = required(queue).await?;
                Ok(dead_letters(&dead, 1, |message| message.id == id).await?.pop())
            }
        }
    }

    /// Lets dead messages be tried again, from their first attempt. Returns the ids of those that are. One that is
    /// interrupted in SQS may be tried and stay among the dead letters as well, which is harmless.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    pub async fn redrive(&self, which: &Which) -> Result<BTreeSet<String>, Error> {
        match self {
            Self::Local(file) => {
                each_of_file(
                    file,
                    which,
                    |state| state == "dead",
                    async |number| Ok(file.redrive(Some(number)).await.map_err(local)? > 0),
                )
                .await
            }
            Self::Sqs { queue, .. } => {
                let dead = required(queue).await?;
                each_of_sqs(&dead, which, async |message| {
                    queue.send(&message.body).await?;
                    dead.delete(&message.receipt).await
                })
                .await
            }
        }
    }

    /// Removes messages for good: any of a local file, dead letters of SQS. Returns the ids of those that were.
    ///
    /// # Errors
    /// When the queue cannot be asked.
    pub async fn discard(&self, which: &Which) -> Result<BTreeSet<String>, Error> {
        match self {
            Self::Local(file) => {
                let all_dead = matches!(which, Which::AllDead);
                each_of_file(
                    file,
                    which,
                    |state| !all_dead || state == "dead",
                    async |number| file.remove_job(number).await.map_err(local),
                )
                .await
            }
            Self::Sqs { queue, .. } => {
                let dead = required(queue).await?;
                each_of_sqs(&dead, which, async |message| dead.delete(&message.receipt).await).await
            }
        }
    }
}

async fn each_of_file(
    file: &Embedded,
    which: &Which,
    fits: impl Fn(&str) -> bool,
    act: impl AsyncFn(i64) -> Result<bool, Error>,
) -> Result<BTreeSet<String>, Error> {
    let jobs = file.stored_jobs(SystemClock.now(), usize::MAX).await.map_err(local)?;
    let mut done = BTreeSet::new();
    for job in jobs {
        let (number, shelved) = (job.number, stored(job));
        if fits(shelved.state) && which.takes(&shelved.id) && act(number).await? {
            done.insert(shelved.id);
        }
    }
    Ok(done)
}

async fn each_of_sqs(
    dead: &Queue,
    which: &Which,
    act: impl AsyncFn(&Message) -> Result<(), Error>,
) -> Result<BTreeSet<String>, Error> {
    let limit = match which {
        Which::AllDead => usize::MAX,
        Which::Ids(ids) => ids.len(),
    };
    let seen = look(dead, limit, |message| which.takes(&message.id)).await?;
    let mut done = BTreeSet::new();
    let mut failed = Ok(());
    for message in seen.iter().filter(|message| which.takes(&message.id)) {
        match act(message).await {
            Ok(()) => _ = done.insert(message.id.clone()),
            Err(error) => failed = failed.and(Err(error)),
        }
    }
    give_back(dead, seen.iter().filter(|message| !done.contains(&message.id))).await?;
    failed.map(|()| done)
}

/// Up to `limit` fitting dead letters, which nobody is kept from any more.
async fn dead_letters(
    dead: &Queue,
    limit: usize,
    fits: impl Fn(&Message) -> bool,
) -> Result<Vec<Shelved>, Error> {
    let seen = look(dead, limit, &fits).await?;
    give_back(dead, &seen).await?;
    Ok(seen.iter().filter(|message| fits(message)).take(limit).map(dead_letter).collect())
}

/// All messages that had to be looked at until there were `limit` fitting ones. Nobody else gets them for [`HOLD`].
async fn look(dead: &Queue, limit: usize, fits: impl Fn(&Message) -> bool) -> Result<Vec<Message>, Error> {
    let mut seen: Vec<Message> = Vec::new();
    let mut known = BTreeSet::new();
    let mut empty = 0;
    while empty < EMPTY_LOOKS && seen.iter().filter(|message| fits(message)).count() < limit {
        let held = dead.hold(HOLD).await?;
        let before = known.len();
        seen.extend(held.into_iter().filter(|message| known.insert(message.id.clone())));
        // Only known ones means that the first hold has ended: the whole queue was seen.
        empty = if known.len() == before { empty + 1 } else { 0 };
    }
    Ok(seen)
}

async fn give_back<'m>(dead: &Queue, messages: impl IntoIterator<Item = &'m Message>) -> Result<(), Error> {
    let releases: Vec<_> =
        messages.into_iter().map(|message| dead.release(&message.receipt, Duration::ZERO)).collect();
    stream::iter(releases).buffer_unordered(PARALLEL).try_collect().await
}

async fn required(queue: &Queue) -> Result<Queue, Error> {
    queue.dead_letters().await?.ok_or_else(|| {
        let message = "the job queue has no dead-letter queue: set its redrive policy as template.yaml does";
        Error::new(Step::Lookup, Kind::Invalid, message)
    })
}

fn dead_letter(message: &Message) -> Shelved {
    Shelved {
        id: message.id.clone(),
        state: "dead",
        attempts: message.receive_count,
        reason: None,
        body: message.body.clone(),
    }
}

fn stored(job: pawl_embedded::StoredJob) -> Shelved {
    let (state, reason) = match job.state {
        JobState::Ready => ("ready", None),
        JobState::Delayed(_) => ("delayed", None),
        JobState::Leased(_) => ("leased", None),
        JobState::Dead(reason) => ("dead", Some(reason)),
    };
    Shelved { id: job.number.to_string(), state, attempts: job.attempts, reason, body: job.document }
}
