//! Takes in PushSecrets. One that goes is not removed here but marked as on its way out: what it pushed may have to be removed
//! first, which the next pass does.

use crate::base::turn::Taking;
use crate::index::apply::{Apply, Taken};
use crate::index::report::IndexReport;
use crate::parts::Index;
use pawl_domain::{ClusterName, DeclarationId, Home, Kind, Problem, PushSecret, Severity, Step};
use pawl_ports::{Error, Ports, PushScope, Pushes, Put};
use std::collections::BTreeSet;

impl<P: Ports> Index<P> {
    /// Takes in these. One that fails keeps no other out.
    pub(crate) async fn take_in_pushes(
        &self,
        taking: Taking<'_>,
        given: &[PushSecret],
        clusters: &BTreeSet<ClusterName>,
        report: &mut IndexReport,
    ) -> Result<(), Error> {
        for push in given {
            if !self.base.settings.pushes {
                report.problems.push(switched_off(push, taking.apply.is_some()));
                // What lives in a cluster may be ESO's to carry out.
                if taking.apply.is_none() {
                    continue;
                }
            }
            let standing = self.base.ports.registry().push(&push.id).await?;
            let put = match check(push, standing.as_ref(), clusters, taking.apply) {
                Ok(Taken::Same) => Ok(Put::Unchanged),
                Ok(Taken::New | Taken::Edited | Taken::Adopted) => {
                    self.base.take_turn(taking.turn).await?;
                    self.base.ports.registry().put_push(push).await
                }
                Err(error) => Err(error),
            };
            if put.as_ref().is_ok_and(|put| *put != Put::Unchanged) {
                report.pushes.insert(push.id.clone());
            }
            report.objects.push((format!("PushSecret {}", push.id), put));
        }
        Ok(())
    }

    /// What taking these in would do.
    pub(crate) async fn preview_pushes(
        &self,
        given: &[PushSecret],
        clusters: &BTreeSet<ClusterName>,
        apply: &Apply,
        report: &mut IndexReport,
    ) -> Result<(), Error> {
        for push in given {
            if !self.base.settings.pushes {
                report.problems.push(switched_off(push, true));
            }
            let standing = self.base.ports.registry().push(&push.id).await?;
            let taken = check(push, standing.as_ref(), clusters, Some(apply));
            report.objects.push((format!("PushSecret {}", push.id), taken.map(Taken::put)));
        }
        Ok(())
    }

    /// Sends those of a home on their way that are not given.
    pub(crate) async fn prune_pushes(
        &self,
        taking: Taking<'_>,
        home: &Home,
        given: &[PushSecret],
        report: &mut IndexReport,
    ) -> Result<(), Error> {
        let given: BTreeSet<&DeclarationId> = given.iter().map(|push| &push.id).collect();
        let unserved = report.problems.iter().any(|problem| problem.object == "kind PushSecret");
        let spared = |id: &DeclarationId| {
            let name = format!("PushSecret {}/{}", id.namespace, id.name);
            let is_it = |problem: &Problem| problem.object == name || !problem.object.contains(' ');
            report.problems.iter().any(|problem| problem.severity == Severity::Error && is_it(problem))
        };
        if unserved {
            return Ok(());
        }
        let scope = match home {
            Home::Applied => PushScope::All,
            Home::Cluster(cluster) => PushScope::Cluster(cluster.clone()),
        };
        let known = self.base.ports.registry().all_pushes(&scope).await?;
        let own = known.into_iter().filter(|push| {
            let of_set = taking.apply.is_none_or(|apply| push.set.as_ref() == Some(&apply.set));
            push.home == *home && of_set && !push.deleting && !given.contains(&push.id) && !spared(&push.id)
        });
        let gone: Vec<PushSecret> = own.collect();
        for push in gone {
            self.base.take_turn(taking.turn).await?;
            let id = push.id.clone();
            let put = self.send_off(push).await;
            report.pushes.insert(id.clone());
            report.objects.push((format!("PushSecret {id}"), put));
        }
        Ok(())
    }

    /// Marks one as on its way out.
    pub(crate) async fn send_off(&self, push: PushSecret) -> Result<Put, Error> {
        self.base.ports.registry().put_push(&PushSecret { deleting: true, ..push }).await
    }

    /// The same of one that was applied; `false` where there is none.
    pub(crate) async fn send_off_applied(&self, id: &DeclarationId) -> Result<bool, Error> {
        let applied = self.base.ports.registry().push(id).await?.filter(|push| push.home == Home::Applied);
        match applied {
            Some(push) => self.send_off(push).await.map(|_| true),
            None => Ok(false),
        }
    }

    /// Forgets those of a cluster that goes. What they pushed stays in the stores, for others may read it.
    pub(crate) async fn forget_pushes(&self, cluster: &ClusterName) -> Result<(), Error> {
        let registry = self.base.ports.registry();
        for push in registry.all_pushes(&PushScope::Cluster(cluster.clone())).await? {
            registry.remove_push(&push.id).await?;
        }
        Ok(())
    }
}

fn check(
    push: &PushSecret,
    standing: Option<&PushSecret>,
    clusters: &BTreeSet<ClusterName>,
    apply: Option<&Apply>,
) -> Result<Taken, Error> {
    let invalid = |message: String| Err(Error::new(Step::Lookup, Kind::Invalid, message));
    if !clusters.contains(&push.id.cluster) {
        return invalid(format!("cluster {} is not known; apply a Cluster of this name", push.id.cluster));
    }
    if standing.is_some_and(|standing| standing.home != push.home && !standing.deleting) {
        let message =
            "a PushSecret of this name is declared both in the cluster and outside of it; remove one";
        return invalid(message.to_owned());
    }
    match (apply, standing) {
        (Some(apply), standing) => apply.push(standing, push),
        (None, None) => Ok(Taken::New),
        (None, Some(standing)) if standing == push => Ok(Taken::Same),
        (None, Some(_)) => Ok(Taken::Edited),
    }
}

fn switched_off(push: &PushSecret, applied: bool) -> Problem {
    Problem {
        severity: Severity::Warning,
        place: if applied { "what is applied".to_owned() } else { format!("cluster {}", push.id.cluster) },
        object: format!("PushSecret {}/{}", push.id.namespace, push.id.name),
        field: String::new(),
        message: match applied {
            true => "PushSecrets are switched off here; it is carried out where PAWL_PUSH is true".to_owned(),
            false => "PushSecrets are switched off; set PAWL_PUSH=true, or leave it to ESO".to_owned(),
        },
    }
}
