//! Folders of manifests: read when something changes in them and by the schedule.
//!
//! A folder is written object by object, so that a look in between sees a part of what is meant. What is new or changed is
//! taken in at once; what is missing is removed by the schedule alone, and only from a folder that was left alone for a
//! minute. So an upload that is under way removes nothing.

use crate::Request;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::store::Home;
use pawl_domain::{Manifests, Problem, Severity};
use pawl_manifests::{ParseOptions, parse};
use pawl_pipeline::index::IndexReport;
use pawl_pipeline::{Apply, ClusterRights, Pipeline};
use pawl_ports::{Clock, Error, Folder, FolderListing, Folders, Ledger, Ports, Registry};

/// How long a folder is left alone before anything is removed for being missing in it.
const QUIET: SignedDuration = SignedDuration::from_secs(60);
/// By how much the clocks of AWS and of this function may differ.
const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// The folders that the function looks after.
#[derive(Clone, Debug)]
pub struct Watched<F> {
    /// Who reads them.
    pub reader: F,
    /// Which they are.
    pub folders: Vec<Folder>,
}

/// The object of an event of S3, and when it was changed.
pub(crate) struct Changed<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) at: Option<Timestamp>,
}

impl Request {
    /// What changed, if this is an event of S3 that EventBridge sends.
    pub(crate) fn changed(&self) -> Option<Changed<'_>> {
        let detail = self.detail.as_ref().filter(|_| self.source.as_deref() == Some("aws.s3"))?;
        let (bucket, object) = (detail.bucket.as_ref()?, detail.object.as_ref()?);
        Some(Changed { bucket: &bucket.name, key: &object.key, at: self.time })
    }
}

/// How folders were taken in, each by its place.
pub(crate) type Taken = Vec<(String, Result<IndexReport, Error>)>;

/// Takes in the folders that hold what changed; without a change all of them. One that cannot be read hides no other.
pub(crate) async fn take_in<P: Ports, F: Folders>(
    pipeline: &Pipeline<P>,
    watched: &Watched<F>,
    changed: Option<Changed<'_>>,
) -> Taken {
    let mut taken = Taken::new();
    for folder in &watched.folders {
        if changed.as_ref().is_some_and(|changed| !folder.holds(changed.bucket, changed.key)) {
            continue;
        }
        let report = take_in_one(pipeline, &watched.reader, folder, changed.as_ref()).await;
        taken.push((folder.place(&folder.prefix), report));
    }
    taken
}

async fn take_in_one<P: Ports, F: Folders>(
    pipeline: &Pipeline<P>,
    reader: &F,
    folder: &Folder,
    changed: Option<&Changed<'_>>,
) -> Result<IndexReport, Error> {
    let (ledger, began) = (pipeline.ports().ledger(), pipeline.ports().clock().now());
    let (read, told) = (format!("folder/{}/read", folder.set), format!("folder/{}/told", folder.set));
    if let Some(changed) = changed {
        // An upload of many objects is as many events: one look at the folder after the last of them is enough.
        let last = ledger.mark(&read).await?.filter(|last| *last <= began);
        if changed.at.zip(last).is_some_and(|(at, last)| at + SKEW < last) {
            return Ok(IndexReport::default());
        }
        ledger.set_mark(&told, began).await?;
    }
    let listing = reader.read(folder).await?;
    let told = ledger.mark(&told).await?;
    let is_quiet = [listing.newest, told].into_iter().flatten().all(|at| at + QUIET < began);
    let apply = Apply {
        set: folder.set.clone(),
        prune: changed.is_none() && is_quiet,
        found_nothing: listing.texts.is_empty() && listing.unreadable.is_empty(),
        // Whoever writes a bucket may declare neither Clusters nor StorePolicies.
        clusters: ClusterRights::None,
        ..Apply::default()
    };
    let manifests = manifests(pipeline, folder, listing).await?;
    let report = pipeline.index_folder(manifests, &apply, began).await?;
    ledger.set_mark(&read, began).await?;
    Ok(report)
}

async fn manifests<P: Ports>(
    pipeline: &Pipeline<P>,
    folder: &Folder,
    listing: FolderListing,
) -> Result<Manifests, Error> {
    let mut options = ParseOptions::new(Home::Applied);
    options.clusters = pipeline.ports().registry().clusters().await?;
    options.default_clusters.clone_from(&folder.clusters);
    let mut all = Manifests::default();
    for (place, text) in &listing.texts {
        all.add(parse(text, place, &options));
    }
    all.problems.extend(listing.unreadable.into_iter().map(|(place, error)| Problem {
        severity: Severity::Error,
        place,
        object: Problem::UNNAMED.to_owned(),
        field: String::new(),
        message: format!("could not be read, so nothing is removed: {error}"),
    }));
    Ok(all)
}
