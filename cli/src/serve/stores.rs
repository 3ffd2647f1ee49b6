//! What `pawl serve` does with stores that tell what changes in them as it happens: it watches them. One task for each
//! identity, so that stores do not wait for each other. Each sweep tells anew which there are.

mod follow;
mod news;

use super::schedule::Stopped;
use follow::Follower;
use pawl_domain::Access;
use pawl_pipeline::Pipeline;
use pawl_pipeline::sweep::Watchable;
use pawl_runtime::World;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::{AbortHandle, JoinSet};
use tracing::{error, warn};

/// Watches of one process: each holds a connection, and a line of half a megabyte at most. The other stores live on the sweep.
const MOST: usize = 256;

/// Watches every store that can be watched and that declarations read.
pub(super) async fn stores(pipeline: Arc<Pipeline<World>>, mut stopped: Stopped) {
    let mut watchable = pipeline.watchable();
    // The first sweep may have told already.
    watchable.mark_changed();
    let mut following: BTreeMap<Access, (Watchable, AbortHandle)> = BTreeMap::new();
    let (mut tasks, mut left_out) = (JoinSet::new(), 0);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            Ok(()) = watchable.changed() => {}
            Some(ended) = tasks.join_next() => {
                if let Err(problem) = ended && problem.is_panic() {
                    error!("a store is not watched until the next sweep: {problem}");
                }
                continue;
            }
        }
        let found = watchable.borrow_and_update().clone();
        let before = std::mem::replace(&mut left_out, found.len().saturating_sub(MOST));
        if left_out > 0 && before == 0 {
            warn!("{left_out} stores are not watched, for at most {MOST} are; the sweep finds their changes");
        }
        let tenant = |of: &Watchable| (of.access().cluster.clone(), of.access().namespace.clone());
        let wanted: BTreeMap<Access, Watchable> =
            fair(found, tenant, MOST).into_iter().map(|of| (of.access().clone(), of)).collect();
        following.retain(|access, (of, task)| {
            let same = wanted.get(access) == Some(of) && !task.is_finished();
            if !same {
                task.abort();
            }
            same
        });
        for (access, of) in wanted {
            following.entry(access).or_insert_with(|| {
                let follower = Follower::new(Arc::clone(&pipeline), of.clone());
                let stopped = stopped.clone();
                (of, tasks.spawn(async move { follower.run(&stopped).await }))
            });
        }
    }
    // Each ends after the piece of work that it began.
    while tasks.join_next().await.is_some() {}
}

/// At most so many, and of each tenant as many as of any other that has as many.
fn fair<T, K: Ord>(all: Vec<T>, tenant: impl Fn(&T) -> K, most: usize) -> Vec<T> {
    let mut turns: BTreeMap<K, usize> = BTreeMap::new();
    let mut in_turn = |one: T| {
        let turn = turns.entry(tenant(&one)).or_default();
        *turn += 1;
        (*turn, one)
    };
    let mut ranked: Vec<_> = all.into_iter().map(&mut in_turn).collect();
    ranked.sort_by_key(|(turn, _)| *turn);
    ranked.into_iter().take(most).map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tenant_crowds_out_another() {
        let all = ["a1", "a2", "a3", "a4", "b1", "c1", "c2"];
        let tenant = |one: &&str| one.as_bytes()[0];
        for (most, want) in [
            (2, &["a1", "b1"][..]),
            (4, &["a1", "b1", "c1", "a2"]),
            (5, &["a1", "b1", "c1", "a2", "c2"]),
            (9, &["a1", "b1", "c1", "a2", "c2", "a3", "a4"]),
        ] {
            assert_eq!(fair(all.to_vec(), tenant, most), want, "{most}");
        }
    }
}
