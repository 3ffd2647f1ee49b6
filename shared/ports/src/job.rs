//! The durable queue, and the work that waits in it.

use crate::Error;
use jiff::Timestamp;
use pawl_domain::{Change, ClusterName, DeclarationId, Namespace};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;

/// The durable queue of work to be done.
pub trait Jobs: Send + Sync {
    /// Hands jobs over. When this returns, none of them can be lost.
    fn enqueue(&self, jobs: &[Job]) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Declarations to bring up to date. Holds ids and the change that caused it, never a value.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Job {
    /// The declarations, at most [`Job::MAX_DECLARATIONS`]. None, where a receipt of the change is asked for.
    pub declarations: Vec<DeclarationId>,
    /// Why: it tells which version must be seen at least.
    pub change: Option<Change>,
    /// When the work came up, so that a job that comes twice does not do it twice.
    pub at: Timestamp,
}

impl Job {
    /// The largest number of declarations in one job: with the longest names it stays below half of SQS's 1 MiB, and
    /// a function that takes it ends well within its time.
    pub const MAX_DECLARATIONS: usize = 200;

    /// Jobs for all of these declarations. A namespace with many of them has jobs of its own, which a queue can tell from those
    /// of others; the few of each other namespace are put together.
    pub fn chunks(declarations: &[DeclarationId], change: Option<&Change>, at: Timestamp) -> Vec<Self> {
        let mut tenants: BTreeMap<(&ClusterName, &Namespace), Vec<DeclarationId>> = BTreeMap::new();
        for id in declarations {
            tenants.entry((&id.cluster, &id.namespace)).or_default().push(id.clone());
        }
        let (few, many): (Vec<_>, Vec<_>) = tenants.into_values().partition(|own| own.len() <= FEW);
        [few.concat()]
            .iter()
            .chain(&many)
            .flat_map(|own| own.chunks(Self::MAX_DECLARATIONS))
            .map(|chunk| Self { declarations: chunk.to_vec(), change: change.cloned(), at })
            .collect()
    }

    /// Asks for the receipt of a change, as soon as it has arrived everywhere. A version of Pawl that tells no receipts passes
    /// it over.
    pub fn receipt(change: &Change, at: Timestamp) -> Self {
        Self { declarations: Vec::new(), change: Some(change.clone()), at }
    }

    /// The change whose receipt is asked for, if this asks for one.
    pub fn asks_receipt(&self) -> Option<&Change> {
        self.change.as_ref().filter(|_| self.declarations.is_empty())
    }

    /// The cluster and namespace that all declarations of the job are in; `None` where they are in several. Whoever orders a
    /// queue gives each of these its turn.
    pub fn tenant(&self) -> Option<(&ClusterName, &Namespace)> {
        let of = |id: &DeclarationId| (id.cluster.clone(), id.namespace.clone());
        let first = self.declarations.first()?;
        self.declarations.iter().all(|id| of(id) == of(first)).then_some((&first.cluster, &first.namespace))
    }

    /// The job as it stands in a queue: JSON with a kind and a version, so that whoever takes it knows what it is.
    pub fn to_wire(&self) -> String {
        // Serialising plain data with text keys cannot fail.
        serde_json::to_string(&Outgoing { label: Label { kind: KIND.into(), version: VERSION }, job: self })
            .unwrap_or_default()
    }

    /// Reads what [`Job::to_wire`] wrote.
    ///
    /// # Errors
    /// [`InvalidJob`] when the text is something else; trying again does not help, except with the version of Pawl
    /// that wrote it.
    pub fn from_wire(text: &str) -> Result<Self, InvalidJob> {
        // The label alone first: a later version may have changed everything else.
        let label: Label<'_> = serde_json::from_str(text).map_err(|_| InvalidJob::Kind)?;
        if label.kind != KIND {
            return Err(InvalidJob::Kind);
        }
        if label.version != VERSION {
            return Err(InvalidJob::Version(label.version));
        }
        serde_json::from_str(text).map_err(|error| InvalidJob::Content(error.to_string()))
    }
}

/// Up to so many declarations of one namespace are put into a job with those of others. A tenth of a job: they hold nobody
/// up, and a key that many namespaces read needs no job for each.
const FEW: usize = Job::MAX_DECLARATIONS / 10;

/// The text is not a job that this version of Pawl can do.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidJob {
    /// It is something else.
    #[error("the message is not a job of Pawl; send only jobs to this queue")]
    Kind,
    /// Another version of Pawl wrote it.
    #[error(
        "the job has version {0}, and this version of Pawl does {VERSION}; let the version that wrote it finish it"
    )]
    Version(u32),
    /// It says that it is a job, and is not.
    #[error("the job cannot be read: {0}")]
    Content(String),
}

const KIND: &str = "pawl.dev/job";
const VERSION: u32 = 1;

/// What a message says that it is.
#[derive(Deserialize, Serialize)]
struct Label<'a> {
    kind: Cow<'a, str>,
    version: u32,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    #[serde(flatten)]
    label: Label<'a>,
    #[serde(flatten)]
    job: &'a Job,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        let change = serde_json::json!({
            "id": "6a7e8feb", "names": ["app/db"], "version": "v2", "moved": "current", "at": "2026-11-22T10:00:00Z",
            "location": { "provider": "secrets-manager", "region": "eu-central-1", "account": null },
        });
        Job {
            declarations: vec!["prod/shop/db".parse().unwrap()],
            change: Some(serde_json::from_value(change).unwrap()),
            at: "2026-11-22T10:00:01Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_job_comes_out_of_the_queue_as_it_went_in() {
        let alone = Job { change: None, ..job() };
        for job in [job(), alone] {
            assert_eq!(Job::from_wire(&job.to_wire()), Ok(job));
        }
    }

    #[test]
    fn a_namespace_with_many_declarations_has_jobs_of_its_own() {
        let ids = |namespace: &str, count: usize| -> Vec<DeclarationId> {
            (0..count).map(|number| format!("blue/{namespace}/d{number}").parse().unwrap()).collect()
        };
        let at = "2026-11-22T10:00:01Z".parse().unwrap();
        let shape = |ids: &[DeclarationId]| -> Vec<(Option<String>, usize)> {
            let jobs = Job::chunks(ids, None, at);
            let mut all: Vec<_> = jobs.iter().flat_map(|job| job.declarations.clone()).collect();
            let mut want = ids.to_vec();
            all.sort();
            want.sort();
            assert_eq!(all, want, "each is in one job");
            let tenant = |job: &Job| job.tenant().map(|(_, namespace)| namespace.to_string());
            jobs.iter().map(|job| (tenant(job), job.declarations.len())).collect()
        };
        let own = |name: &str, count| (Some(name.to_owned()), count);
        assert_eq!(shape(&[]), []);
        assert_eq!(shape(&ids("shop", 3)), [own("shop", 3)]);
        assert_eq!(shape(&ids("evil", 450)), [own("evil", 200), own("evil", 200), own("evil", 50)]);
        assert_eq!(shape(&[ids("evil", 21), ids("shop", 1)].concat()), [own("shop", 1), own("evil", 21)]);
        let small: Vec<_> = (0..30).flat_map(|number| ids(&format!("team-{number}"), 20)).collect();
        assert_eq!(shape(&small), [(None, 200), (None, 200), (None, 200)], "not a job for each of 30");
    }

    #[test]
    fn what_is_no_job_is_told_apart() {
        let wire = job().to_wire();
        for (text, want) in [
            ("", "the message is not a job of Pawl; send only jobs to this queue".to_owned()),
            ("{\"Records\":[]}", InvalidJob::Kind.to_string()),
            (&wire.replace("pawl.dev/job", "other"), InvalidJob::Kind.to_string()),
            (&wire.replace("\"version\":1", "\"version\":2"), InvalidJob::Version(2).to_string()),
        ] {
            assert_eq!(Job::from_wire(text).unwrap_err().to_string(), want, "{text}");
        }
        for text in ["{\"kind\":\"pawl.dev/job\",\"version\":1}", &wire.replace("prod/shop/db", "prod")] {
            let damaged = Job::from_wire(text);
            assert!(matches!(damaged, Err(InvalidJob::Content(_))), "{damaged:?}");
        }
    }
}
