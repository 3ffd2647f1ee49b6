//! The settings of the flow, each with a default that suits most users.

use crate::base::shares::Tenant;
use std::collections::BTreeSet;
use std::time::Duration;

/// A store that never answers costs a call's deadline, and its declarations another one to be told so.
const SHORTEST_SHARE: Duration = Duration::from_secs(45);

/// How much the flow does at once, and how patient it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Up to this many targets are written by a sweep within its call, and ten times as many by a sync, whose targets
    /// share one fetch; more go to the job queue.
    pub inline_targets: usize,
    /// How many declarations are worked on at the same time in one cluster.
    pub concurrency: usize,
    /// How often a write that met somebody else's is started again from the read.
    pub conflict_attempts: u32,
    /// How often a store that answers with an older version than the change's is asked again.
    pub stale_attempts: u32,
    /// The first pause before trying again; each further one is twice as long, with jitter.
    pub pause: Duration,
    /// The time between two sweeps: by so much more than `refreshInterval` a target may be stale.
    pub sweep_period: Duration,
    /// How long a sweep, or the index of one cluster, may take; what is not done by then is left to the next.
    pub sweep_time: Duration,
    /// How long may be taken for a store that tells what changed, for those of the operator's own identities, and for
    /// retries that read them. Less where a tenant decides how long a call takes: [`Settings::share_time`].
    pub visit_time: Duration,
    /// By how much sweeps overlap: listings of stores may lag (Secrets Manager: up to five minutes).
    pub sweep_overlap: Duration,
    /// Whether targets may be of other kinds than Secrets. Off, for then values may be stored unencrypted and be read
    /// by more people.
    pub generic_targets: bool,
    /// Whether stores whose values stand in their manifests may be used. Off, for these values stand unencrypted in the
    /// registry.
    pub fake_stores: bool,
    /// Whether PushSecrets are carried out. Off, for then whoever may write one writes to stores with Pawl's rights.
    pub pushes: bool,
    /// Whether ExternalSecrets are made of the ClusterExternalSecrets that stand in clusters. Off, for it takes more rights.
    pub cluster_external_secrets: bool,
    /// Names or ARNs of Secrets Manager secrets that Pawl lives by and no declaration may read, beside the tokens that
    /// clusters name.
    pub own_secrets: BTreeSet<String>,
    /// How often the Secrets in the clusters are compared with what was written; zero for never.
    pub drift_interval: Duration,
    /// How often sweeps validate the stores that live in clusters and tell them how they are; `None` where the index does,
    /// whose process then needs whatever identities stores name.
    pub store_status_interval: Option<Duration>,
}

impl Settings {
    /// Up to this many targets are written within a sync.
    pub fn sync_targets(&self) -> usize {
        self.inline_targets.saturating_mul(10)
    }

    /// How long may be taken for one tenant's stores, one tenant's retries, or a look at one cluster: three quarters of a sweep
    /// period. So a pass ends before the next one is due, also where only one runs at a time, and whoever is slow keeps
    /// nobody else from being looked at in time.
    pub fn share_time(&self) -> Duration {
        self.sweep_period.mul_f64(0.75).max(SHORTEST_SHARE)
    }

    /// How long may be taken for what is this tenant's.
    pub(crate) fn time_of(&self, tenant: &Tenant) -> Duration {
        match tenant {
            (None, None) => self.visit_time,
            _ => self.share_time(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            inline_targets: 200,
            concurrency: 64,
            conflict_attempts: 5,
            stale_attempts: 4,
            pause: Duration::from_millis(100),
            sweep_period: Duration::from_secs(60),
            sweep_time: Duration::from_secs(10 * 60),
            visit_time: Duration::from_secs(5 * 60),
            sweep_overlap: Duration::from_secs(10 * 60),
            generic_targets: false,
            fake_stores: false,
            pushes: false,
            cluster_external_secrets: false,
            own_secrets: BTreeSet::new(),
            drift_interval: Duration::from_secs(60 * 60),
            store_status_interval: None,
        }
    }
}
