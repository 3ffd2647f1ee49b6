//! What is said of Clusters before they are used: which credentials they may name.

use pawl_domain::cluster::{Allowed, Refusal};
use pawl_domain::{Cluster, Manifests, Problem, Severity};

/// Whatever is refused when the cluster is connected to. What some setting allows is a warning: the Pawl that connects to
/// the cluster may have that setting.
pub(super) fn problems(allowed: &Allowed, cluster: &Cluster, place: &str) -> Vec<Problem> {
    let problem = |refusal: Refusal| Problem {
        severity: if refusal.always { Severity::Error } else { Severity::Warning },
        place: place.to_owned(),
        object: format!("Cluster {}", cluster.name),
        field: refusal.field.to_owned(),
        message: refusal.message,
    };
    allowed.refusals(&cluster.connection).into_iter().map(problem).collect()
}

/// Takes out the Clusters that can never be used, and notes what is wrong with them and with others.
pub(super) fn refuse(allowed: &Allowed, manifests: &mut Manifests) {
    let Manifests { clusters, problems: noted, .. } = manifests;
    clusters.retain(|cluster| {
        let found = problems(allowed, cluster, "clusters");
        let is_usable = found.iter().all(|problem| problem.severity == Severity::Warning);
        noted.extend(found);
        is_usable
    });
}

/// What is said of a Cluster that is applied without leave.
pub(super) fn for_administrators(cluster: &Cluster, place: &str) -> Problem {
    Problem {
        severity: Severity::Warning,
        place: place.to_owned(),
        object: format!("Cluster {}", cluster.name),
        field: String::new(),
        message: "pawl apply takes Clusters only with --clusters, for they say where Secrets are sent and with whose \
                  credentials"
            .to_owned(),
    }
}
