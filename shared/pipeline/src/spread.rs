//! Makes ExternalSecrets of the ClusterExternalSecrets that stand in a cluster, one in each namespace that they choose, as
//! ESO does. What becomes of these children is not decided here: the index finds them as it finds any other.
//!
//! Namespaces and children are listed whole or nothing is done, so that a list that failed deletes nobody; nor does one that is
//! older than the children. Each child is
//! written as it was seen; where somebody wrote in between, all is looked at again. Interrupted anywhere, it is finished by doing
//! it again: what there is to do follows from what stands in the cluster, and from nothing else. The status names the children
//! before the first is made, so that they are found by a name that they had before.

use crate::parts::Spread;
use futures::{FutureExt, StreamExt, stream};
use pawl_domain::spread::{ChildAction, Family, Namespaces, Parent, Plan, Selection, Told};
use pawl_domain::{Cluster, Kind, Namespace, ObjectName, Problem, Severity, Step};
use pawl_ports::{Error, Families, Parents, Ports};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::timeout;
use tracing::{info, instrument};

/// How many ClusterExternalSecrets of a cluster are worked on at the same time.
const AT_ONCE: usize = 4;
/// How often the children of one are looked at again because somebody wrote in between.
const ROUNDS: u32 = 3;

/// What became of the ClusterExternalSecrets of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Spreading {
    /// What they have wrong, and where children could not be made.
    pub(crate) problems: Vec<Problem>,
    /// Why some of it is to be done again soon.
    pub(crate) again: Option<Error>,
}

/// What was done to the children of one name.
#[derive(Default)]
struct Done {
    provisioned: BTreeSet<Namespace>,
    failed: BTreeMap<Namespace, String>,
    again: Option<Error>,
}

impl<P: Ports> Spread<P> {
    /// Brings the children of every ClusterExternalSecret of a cluster that is indexed to where they are wanted, unless that is
    /// switched off.
    /// The caller sees to it that nobody else in this process does so. One that fails keeps no other from it.
    ///
    /// # Errors
    /// When ClusterExternalSecrets or namespaces could not be listed; nothing was changed then. Doing it again is harmless.
    #[instrument(name = "spread", skip_all, fields(cluster.name = %cluster.name))]
    pub(crate) async fn run(&self, cluster: &Cluster) -> Result<Spreading, Error> {
        if !cluster.index || !self.base.settings.cluster_external_secrets {
            return Ok(Spreading::default());
        }
        let patience = self.base.settings.share_time();
        timeout(patience, self.every_parent(cluster)).await.unwrap_or_else(|_| {
            let message =
                format!("its ClusterExternalSecrets took longer than {patience:?}; the next index goes on");
            Err(Error::new(Step::Read, Kind::Unreachable, message))
        })
    }

    async fn every_parent(&self, cluster: &Cluster) -> Result<Spreading, Error> {
        let Parents { known, problems } = self.parents(cluster).await?;
        let mut spreading = Spreading { problems, again: None };
        if known.is_empty() {
            return Ok(spreading);
        }
        let namespaces = self.namespaces(cluster).await?;
        // Collected, for compilers take no closure over references for one that may be sent.
        let working: Vec<_> =
            known.iter().map(|parent| self.of_parent(cluster, parent, &namespaces).boxed()).collect();
        let mut worked = stream::iter(working).buffered(AT_ONCE);
        let mut parents = known.iter();
        while let Some(worked) = worked.next().await {
            let Some(parent) = parents.next() else { break };
            match worked {
                Ok(done) => {
                    let failed = done.failed.iter();
                    let failed =
                        failed.map(|(at, why)| problem(cluster, parent, &format!("namespace {at}: {why}")));
                    spreading.problems.extend(failed);
                    spreading.again = spreading.again.or(done.again);
                }
                Err(error) => {
                    spreading.problems.push(problem(cluster, parent, error.message()));
                    spreading.again = spreading.again.or(error.is_retryable().then_some(error));
                }
            }
        }
        Ok(spreading)
    }

    async fn of_parent(
        &self,
        cluster: &Cluster,
        parent: &Parent,
        namespaces: &Namespaces,
    ) -> Result<Done, Error> {
        if parent.deleting {
            return self.clean_up(cluster, parent).await;
        }
        let selection = match &parent.selection {
            Ok(selection) => selection,
            // What is wrong with it was told where it was read.
            Err(why) => {
                self.tell(cluster, parent, &parent.told, &parent.told.failing(why)).await?;
                return Ok(Done::default());
            }
        };
        if let Some(former) = parent.former() {
            let done = self.farewell(cluster, parent, former).await?;
            if !done.failed.is_empty() {
                // The former name stays in the status, so that the next time finds what is left of it.
                let told = Told { ready: Some(false), failed: told(&done), ..parent.told.clone() };
                self.tell(cluster, parent, &parent.told, &told).await?;
                return Ok(done);
            }
        }
        let mut standing = parent.told.clone();
        if standing.child.as_ref() != Some(&parent.child) {
            standing = standing.naming(&parent.child);
            self.tell(cluster, parent, &parent.told, &standing).await?;
        }
        let done = self.children(cluster, parent, &parent.child, Some((selection, namespaces))).await?;
        let told = Told::of(&parent.child, done.provisioned.clone(), told(&done));
        self.tell(cluster, parent, &standing, &told).await?;
        Ok(done)
    }

    /// Cleans up for one that waits for a finalizer of ESO's. Without that it goes by itself, and its children with it.
    async fn clean_up(&self, cluster: &Cluster, parent: &Parent) -> Result<Done, Error> {
        let Some(finalizers) = parent.released() else { return Ok(Done::default()) };
        for name in [Some(&parent.child), parent.former()].into_iter().flatten() {
            let done = self.farewell(cluster, parent, name).await?;
            if !done.failed.is_empty() {
                return Ok(done);
            }
        }
        let releasing = self.base.ports.clusters().release_parent(cluster, parent, &finalizers);
        self.base.at_cluster(&cluster.name, Step::Write, releasing).await?;
        info!("ClusterExternalSecret {} is cleaned up and goes", parent.name);
        Ok(Done::default())
    }

    /// Deletes the children of this name.
    async fn farewell(&self, cluster: &Cluster, parent: &Parent, name: &ObjectName) -> Result<Done, Error> {
        self.children(cluster, parent, name, None).await
    }

    /// Brings the children of this name to where they are wanted, without a selection to nowhere, and looks again where somebody
    /// wrote in between.
    async fn children(
        &self,
        cluster: &Cluster,
        parent: &Parent,
        name: &ObjectName,
        wanted: Option<(&Selection, &Namespaces)>,
    ) -> Result<Done, Error> {
        let mut round = 0;
        loop {
            round += 1;
            let listing = self.base.ports.clusters().family(cluster, name);
            let family = self.base.at_cluster(&cluster.name, Step::Read, listing).await?;
            let plan = self.plan(cluster, parent, wanted, &family).await?;
            let done = self.carry_out(cluster, parent, name, plan).await;
            let met = done.again.as_ref().is_some_and(|error| error.kind == Kind::Conflict);
            if !met || round == ROUNDS {
                return Ok(done);
            }
        }
    }

    /// What is to be done to the children of this name. Whether one goes is decided by what was listed after it was seen: it
    /// may have been made by somebody who knew more.
    async fn plan(
        &self,
        cluster: &Cluster,
        parent: &Parent,
        wanted: Option<(&Selection, &Namespaces)>,
        family: &Family,
    ) -> Result<Plan, Error> {
        let plan = |namespaces: Option<&Namespaces>| match (wanted, namespaces) {
            (Some((selection, _)), Some(namespaces)) => parent.plan(selection, namespaces, family),
            _ => parent.farewell(family),
        };
        let first = plan(wanted.map(|(_, namespaces)| namespaces));
        // What is being deleted wants nothing else any more.
        if !first.deletes() || parent.deleting {
            return Ok(first);
        }
        let Parents { known, .. } = self.parents(cluster).await?;
        if !known.iter().any(|it| it.name == parent.name && it.wants_as(parent)) {
            let message =
                format!("ClusterExternalSecret {} was edited meanwhile; it is looked at again", parent.name);
            return Err(Error::new(Step::Read, Kind::Conflict, message));
        }
        if wanted.is_none() {
            return Ok(first);
        }
        Ok(plan(Some(&self.namespaces(cluster).await?)))
    }

    async fn parents(&self, cluster: &Cluster) -> Result<Parents, Error> {
        let listing = self.base.ports.clusters().parents(cluster);
        self.base.at_cluster(&cluster.name, Step::Read, listing).await
    }

    async fn namespaces(&self, cluster: &Cluster) -> Result<Namespaces, Error> {
        let listing = self.base.ports.clusters().namespaces(cluster);
        self.base.at_cluster(&cluster.name, Step::Read, listing).await
    }

    async fn carry_out(&self, cluster: &Cluster, parent: &Parent, name: &ObjectName, plan: Plan) -> Done {
        let Plan { actions, standing, refused } = plan;
        let acting: Vec<_> = actions
            .iter()
            .map(|(namespace, action)| {
                let acting = async move {
                    let clusters = self.base.ports.clusters();
                    let act = clusters.act_on_child(cluster, (namespace, name), action, &parent.content);
                    (namespace, action, self.base.at_cluster(&cluster.name, Step::Write, act).await)
                };
                acting.boxed()
            })
            .collect();
        let mut done = Done { provisioned: standing, failed: refused, again: None };
        let mut acted = stream::iter(acting).buffer_unordered(self.base.settings.concurrency);
        while let Some((namespace, action, result)) = acted.next().await {
            match (result, action) {
                (Ok(()), ChildAction::Delete { .. }) => {}
                (Ok(()), _) => drop(done.provisioned.insert(namespace.clone())),
                (Err(error), _) => {
                    done.failed.insert(namespace.clone(), error.message().to_owned());
                    // A conflict is looked at again at once, whatever else has to wait.
                    let first = done.again.as_ref().is_none_or(|other| other.kind != Kind::Conflict);
                    if error.is_retryable() && first || error.kind == Kind::Conflict {
                        done.again = Some(error);
                    }
                }
            }
        }
        done
    }

    /// Writes the status, unless it says so already.
    async fn tell(
        &self,
        cluster: &Cluster,
        parent: &Parent,
        standing: &Told,
        told: &Told,
    ) -> Result<(), Error> {
        if standing == told {
            return Ok(());
        }
        let telling = self.base.ports.clusters().tell_parent(cluster, &parent.name, told);
        self.base.at_cluster(&cluster.name, Step::Record, telling).await
    }
}

/// The failures as the status has them.
fn told(done: &Done) -> BTreeMap<String, String> {
    done.failed.iter().map(|(namespace, why)| (namespace.to_string(), why.clone())).collect()
}

fn problem(cluster: &Cluster, parent: &Parent, message: &str) -> Problem {
    Problem {
        severity: Severity::Error,
        place: format!("cluster {}", cluster.name),
        object: format!("ClusterExternalSecret {}", parent.name),
        field: String::new(),
        message: message.to_owned(),
    }
}
