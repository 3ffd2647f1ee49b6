//! Where declarations are that a command means: `<cluster>`, `<cluster>/<namespace>` or `<cluster>/<namespace>/<name>`.

use crate::error::Error;
use pawl_domain::{ClusterName, DeclarationId, Namespace};

/// A cluster, or one of its namespaces, or one declaration there.
pub(super) struct Place {
    pub(super) cluster: ClusterName,
    pub(super) namespace: Option<Namespace>,
    pub(super) declaration: Option<DeclarationId>,
}

impl Place {
    /// Whether the declaration of this id is there.
    pub(super) fn holds(&self, id: &DeclarationId) -> bool {
        self.cluster == id.cluster
            && self.namespace.as_ref().is_none_or(|namespace| *namespace == id.namespace)
            && self.declaration.as_ref().is_none_or(|declaration| declaration == id)
    }
}

impl std::str::FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let usage = |why: &dyn std::fmt::Display| {
            Error::Usage(format!(
                "{text}: {why}; name a cluster, <cluster>/<namespace> or <cluster>/<namespace>/<name>"
            ))
        };
        let parts: Vec<&str> = text.split('/').collect();
        let cluster = parts[0].parse().map_err(|why| usage(&why))?;
        match parts[1..] {
            [] => Ok(Self { cluster, namespace: None, declaration: None }),
            [namespace] => {
                let namespace = Some(namespace.parse().map_err(|why| usage(&why))?);
                Ok(Self { cluster, namespace, declaration: None })
            }
            _ => {
                let id: DeclarationId = text.parse().map_err(|why| usage(&why))?;
                Ok(Self { cluster, namespace: None, declaration: Some(id) })
            }
        }
    }
}
