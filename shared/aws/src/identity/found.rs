//! The clusters that EKS has.

use super::{Asked, AwsIdentity, bounded};
use futures::{StreamExt, TryStreamExt, stream};
use pawl_domain::{Kind, Step};
use pawl_ports::Error;
use std::collections::BTreeMap;

/// A cluster as EKS describes it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EksCluster {
    /// Its name in EKS.
    pub name: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it can be connected to: it is neither being made nor being deleted, and has not failed.
    pub is_active: bool,
    /// Whether access entries let anybody in: its authentication mode is not `CONFIG_MAP` alone.
    pub takes_access_entries: bool,
}

/// Clusters described at the same time.
const PARALLEL: usize = 8;
/// The most pages of a list, 100 clusters each: EKS allows an account 100 clusters a region, unless it was asked for more.
const MOST_PAGES: usize = 100;

impl AwsIdentity {
    /// The clusters of a region, in the order of their names, asked for with `role` or as Pawl itself. Needs
    /// `eks:ListClusters` and `eks:DescribeCluster`.
    ///
    /// # Errors
    /// Of step `Authenticate`, when they cannot be listed or one of them cannot be described: half a list is none.
    pub async fn eks_clusters(&self, region: &str, role: Option<&str>) -> Result<Vec<EksCluster>, Error> {
        let client = self.eks(region, role).await?;
        let (mut names, mut next) = (Vec::new(), None);
        for page in 0.. {
            if page == MOST_PAGES {
                let message = format!("eks in {region}: the list of clusters does not end; ask again");
                return Err(Error::new(Step::Authenticate, Kind::Transient, message));
            }
            let asked = Asked { service: "eks", region, action: "eks:ListClusters", subject: "clusters" };
            let answer = bounded(asked, client.list_clusters().set_next_token(next).send()).await?;
            names.extend(answer.clusters.unwrap_or_default());
            next = answer.next_token;
            if next.is_none() {
                break;
            }
        }
        names.sort();
        let describe = async |name: String| {
            let asked = Asked { service: "eks", region, action: "eks:DescribeCluster", subject: &name };
            let answer = bounded(asked, client.describe_cluster().name(&name).send()).await?;
            let found = answer.cluster.unwrap_or_else(|| aws_sdk_eks::types::Cluster::builder().build());
            let mode = found.access_config.and_then(|access| access.authentication_mode);
            Ok::<_, Error>(EksCluster {
                tags: found.tags.unwrap_or_default().into_iter().collect(),
                is_active: found
                    .status
                    .is_some_and(|status| ["ACTIVE", "UPDATING"].contains(&status.as_str())),
                takes_access_entries: mode.is_some_and(|mode| mode.as_str().starts_with("API")),
                name,
            })
        };
        stream::iter(names).map(describe).buffered(PARALLEL).try_collect().await
    }
}
