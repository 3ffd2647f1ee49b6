//! The `index` Lambda: the registry follows git and the clusters.
//!
//! Called by its schedule it reads the ExternalSecrets that live in the clusters, and folders of manifests; by an event of
//! S3 the folder that changed. Called directly it takes manifests, as `pawl apply` does, but no Clusters.

mod folders;

pub use folders::Watched;

use jiff::Timestamp;
use pawl_domain::store::Home;
use pawl_domain::{ClusterName, Kind, Problem, SetName, Step};
use pawl_manifests::{ParseOptions, parse};
use pawl_pipeline::index::IndexReport;
use pawl_pipeline::{Apply, ClusterRights, Pipeline};
use pawl_ports::{Error, Folders, Ports, Put, Registry};
use pawl_runtime::measure;
use serde::{Deserialize, Serialize};

/// What the function is called with. A schedule's own event reads as the default.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Manifests as YAML, several documents in one text. Without them the clusters are read.
    #[serde(default)]
    pub manifests: Option<String>,
    /// Whose the manifests are; `default` where nobody says.
    #[serde(default)]
    pub set: Option<SetName>,
    /// Remove what this set applied before and is not among the manifests. Wants `set`.
    #[serde(default)]
    pub prune: bool,
    /// Remove it even where that is most of the set.
    #[serde(default)]
    pub prune_most: bool,
    /// Change what belongs to other sets, too; it belongs to this one from then on.
    #[serde(default)]
    pub take_over: bool,
    /// The clusters of declarations that name none.
    #[serde(default)]
    pub clusters: Vec<ClusterName>,
    /// Who sent an event: `aws.s3` where an object changed.
    #[serde(default)]
    pub source: Option<String>,
    /// When that was.
    #[serde(default)]
    pub time: Option<Timestamp>,
    /// What an event of S3 is about.
    #[serde(default)]
    pub detail: Option<Detail>,
}

/// `detail` of an event: of S3's the object; of others nothing is read. Source: S3's user guide, "EventBridge event message
/// structure".
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Detail {
    #[serde(default)]
    bucket: Option<Bucket>,
    #[serde(default)]
    object: Option<Object>,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct Bucket {
    name: String,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
struct Object {
    key: String,
}

/// What the index did.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Declarations that are new or changed.
    pub changed: usize,
    /// Declarations that are as they were.
    pub unchanged: usize,
    /// Declarations that were removed.
    pub removed: usize,
    /// What could not be taken in or removed, with why.
    pub failed: Vec<String>,
    /// What the manifests have wrong.
    pub problems: Vec<Problem>,
}

/// Indexes the manifests given, or the folder that changed, or else clusters and folders.
///
/// # Errors
/// When the registry could not be asked; Lambda then calls again, and so does the schedule. A cluster that cannot be
/// read is in the summary and hides no other, and so is a folder.
pub async fn handle<P: Ports, F: Folders>(
    pipeline: &Pipeline<P>,
    watched: &Watched<F>,
    request: Request,
) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    if let Some(changed) = request.changed() {
        let taken = folders::take_in(pipeline, watched, Some(changed)).await;
        measure::folders(&taken);
        summary.add_folders(taken);
        return Ok(summary);
    }
    let Some(text) = request.manifests else {
        let reports = pipeline.index_clusters().await?;
        measure::indexed(&reports);
        for (cluster, report) in reports {
            match report {
                Ok(report) => summary.add(report),
                Err(error) => summary.failed.push(format!("cluster {cluster}: {error}")),
            }
        }
        let taken = folders::take_in(pipeline, watched, None).await;
        measure::all_folders(&taken);
        summary.add_folders(taken);
        return Ok(summary);
    };
    if request.prune && request.set.is_none() {
        let message = "prune wants set: only what this set applied before is removed";
        return Err(Error::new(Step::Lookup, Kind::Invalid, message));
    }
    // Clusters are an administrator's: this function may not write them.
    let apply = Apply {
        set: request.set.unwrap_or_default(),
        take_over: request.take_over,
        prune: request.prune,
        prune_most: request.prune_most,
        clusters: ClusterRights::None,
        ..Apply::default()
    };
    let mut options = ParseOptions::new(Home::Applied);
    options.clusters = pipeline.ports().registry().clusters().await?;
    options.default_clusters = request.clusters;
    let manifests = parse(&text, "request", &options);
    let report = pipeline.index(manifests, &apply).await?;
    summary.add(report);
    Ok(summary)
}

impl Summary {
    fn add_folders(&mut self, taken: folders::Taken) {
        for (place, report) in taken {
            match report {
                Ok(report) => self.add(report),
                Err(error) => self.failed.push(format!("folder {place}: {error}")),
            }
        }
    }

    fn add(&mut self, report: IndexReport) {
        self.failed.extend(report.failed());
        for (_, result) in report.declarations {
            match result {
                Ok(Put::Created | Put::Changed) => self.changed += 1,
                Ok(Put::Unchanged) => self.unchanged += 1,
                Err(_) => {}
            }
        }
        self.removed += report.removed.iter().filter(|(_, result)| result.is_ok()).count();
        self.problems.extend(report.problems);
    }
}
