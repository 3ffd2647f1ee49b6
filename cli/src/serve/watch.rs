//! What `pawl serve` does in the clusters whose own ExternalSecrets it reads, beside reading them on a schedule: it watches
//! them and acts at once. One task for each cluster, so that clusters do not wait for each other.

use super::schedule::Stopped;
use pawl_domain::{Cluster, ClusterName};
use pawl_pipeline::{Pipeline, Sightings};
use pawl_ports::{Error, Ports, Registry, Sighting, Watches};
use pawl_runtime::World;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout_at};
use tracing::{error, warn};

/// How often the registry is asked which clusters there are.
const CLUSTERS: Duration = Duration::from_secs(5);
/// After a sighting, so long nothing more may come before it is acted on: `kubectl apply` of a folder is one piece of work.
const QUIET: Duration = Duration::from_millis(50);
/// A sighting is acted on after this time at the latest.
const LONGEST: Duration = Duration::from_millis(300);
/// Sightings that may wait to be coalesced; a watch waits when there is no room.
const ROOM: usize = 64;
/// The pauses after what was seen could not be acted on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Follows every cluster that is to be indexed, and the namespaces of those that applied ClusterExternalSecrets go to.
pub(super) async fn clusters(pipeline: Arc<Pipeline<World>>, mut stopped: Stopped) {
    let mut following: BTreeMap<ClusterName, (Cluster, AbortHandle)> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    let mut looks = interval(CLUSTERS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            _ = looks.tick() => {}
            Some(ended) = tasks.join_next() => {
                if let Err(problem) = ended && problem.is_panic() {
                    error!("a cluster is not followed for the moment: {problem}");
                }
                continue;
            }
        }
        let wanted = match wanted(&pipeline).await {
            Ok(wanted) => wanted,
            Err(problem) => {
                warn!("clusters: {problem}");
                continue;
            }
        };
        following.retain(|name, (cluster, task)| {
            let same = wanted.get(name) == Some(cluster) && !task.is_finished();
            if !same {
                task.abort();
            }
            same
        });
        for (name, cluster) in wanted {
            following.entry(name).or_insert_with(|| {
                let task = follow(Arc::clone(&pipeline), cluster.clone(), stopped.clone());
                (cluster, tasks.spawn(task))
            });
        }
    }
    // Each ends after the piece of work that it began.
    while tasks.join_next().await.is_some() {}
}

/// The clusters that are indexed, and those whose namespaces an applied ClusterExternalSecret chooses from.
async fn wanted(pipeline: &Pipeline<World>) -> Result<BTreeMap<ClusterName, Cluster>, Error> {
    let registry = pipeline.ports().registry();
    let declared = registry.clusters().await?;
    let patterns = registry.patterns().await?;
    let patterned: BTreeSet<ClusterName> =
        patterns.known.iter().map(|pattern| pattern.id().cluster).collect();
    let wanted = declared.into_iter().filter(|it| it.index || patterned.contains(&it.name));
    Ok(wanted.map(|it| (it.name.clone(), it)).collect())
}

/// Follows one cluster until told to stop.
async fn follow(pipeline: Arc<Pipeline<World>>, cluster: Cluster, mut stopped: Stopped) {
    let (told, mut sightings) = mpsc::channel(ROOM);
    let clusters = pipeline.ports().clusters();
    let mut watching = Box::pin(clusters.watch(&cluster, &told));
    let mut seen = Sightings::default();
    let mut failures = 0;
    let mut not_before = Instant::now();
    loop {
        let is_more_to_come = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = &mut watching => return,
            Some(sighting) = sightings.recv() => {
                seen.add(sighting);
                true
            }
            () = sleep_until(not_before), if !seen.is_empty() => false,
        };
        if is_more_to_come {
            tokio::select! {
                () = &mut watching => return,
                () = collect(&mut sightings, &mut seen) => {}
            }
        }
        if seen.is_empty() || Instant::now() < not_before {
            continue;
        }
        let taken =
            seen.take(|namespace, name, version| clusters.writer(&cluster.name, namespace, name, version));
        if !seen.is_empty() {
            not_before = Instant::now() + QUIET;
        }
        if taken.is_empty() {
            continue;
        }
        let acted = {
            let mut acting = Box::pin(pipeline.follow(&cluster, &taken));
            // The watches go on meanwhile, for a server drops those that do not listen.
            loop {
                tokio::select! {
                    acted = &mut acting => break acted,
                    () = &mut watching => return,
                    Some(sighting) = sightings.recv() => seen.add(sighting),
                }
            }
        };
        match acted {
            Ok(()) => failures = 0,
            Err(problem) => {
                warn!(cluster.name = %cluster.name, "cluster {} is not followed: {problem}", cluster.name);
                seen.again(taken);
                not_before = Instant::now() + pause(failures);
                failures += 1;
            }
        }
    }
}

/// Takes in what comes shortly after.
async fn collect(sightings: &mut mpsc::Receiver<Sighting>, seen: &mut Sightings) {
    let latest = Instant::now() + LONGEST;
    while let Ok(Some(sighting)) = timeout_at(latest.min(Instant::now() + QUIET), sightings.recv()).await {
        seen.add(sighting);
    }
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.min(10)).min(LONGEST_PAUSE)
}
