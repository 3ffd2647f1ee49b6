//! GitLab: CI/CD variables of projects and groups.
//!
//! | module | holds |
//! |---|---|
//! | `api` | the calls of GitLab's REST API, and what its answers mean |
//! | `read` | which variable a key means, and what a search finds |

mod api;
mod read;

use crate::kit::{Adapter, Asked, Bounds, Dialect, Link, Material, Proof, Proving, Server};
use api::Api;
use pawl_domain::store::{Backend, GitLabStore};
use pawl_domain::{Fetched, Find, Keep, Provider, SecretValue};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;

/// GitLab as [`Sources`](pawl_ports::Sources).
///
/// The token needs the scope `read_api` and, in the project and each group, the role Maintainer: less than that sees no
/// variables. Few keys are asked for one by one, many by the lists of the project and its groups, 100 a call.
///
/// A variable has no versions, and nothing says when it changed: its version is a digest of its value under the ledger's key,
/// and a sweep reads the lists. That a variable does not exist counts only where GitLab says so of the variable itself: of a
/// project that a token does not see any more, it says something else.
pub type GitLabSources<C> = Adapter<GitLab, C>;

/// What is particular to GitLab.
#[derive(Debug, Default)]
pub struct GitLab;

/// A proven identity at one server.
#[derive(Debug)]
pub struct Session {
    link: Arc<Link>,
    token: SecretValue,
}

impl Dialect for GitLab {
    type Spec = GitLabStore;
    type Session = Session;

    const PROVIDER: Provider = Provider::GitLab;

    fn spec(backend: &Backend) -> Option<&GitLabStore> {
        backend.as_gitlab()
    }

    fn identity(spec: &GitLabStore) -> GitLabStore {
        GitLabStore {
            project_id: None,
            inherit_from_groups: false,
            group_ids: Vec::new(),
            environment: None,
            ..spec.clone()
        }
    }

    fn server<'a>(&'a self, spec: &'a GitLabStore) -> Server<'a> {
        Server { provider: Self::PROVIDER, address: &spec.url, field: "url" }
    }

    /// As ESO's client of GitLab does.
    fn bounds() -> Bounds {
        Bounds { retries: 5, ..Bounds::default() }
    }

    async fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> Result<Proof<Session>, Error> {
        let Proving { proofs, spec, last, .. } = &proving;
        let ca = proofs.authorities(spec.ca_bundle.as_ref(), spec.ca_provider.as_ref()).await?;
        let token = proofs.secret(&spec.access_token).await?;
        let (material, last) = (Material { ca, ..Material::default() }, last.as_ref().map(|last| &last.link));
        let link = proving.link(proofs.server, material, last).await?;
        Ok(proving.of_secrets(Session { link, token }))
    }

    async fn check(asked: &Asked<'_, Self>) -> Result<(), Error> {
        Api::of(asked).check().await
    }

    async fn values(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let keys: Vec<&str> = wanted.iter().map(|one| one.key.as_str()).collect();
        Api::of(asked).values(&keys).await
    }

    async fn find(
        asked: &Asked<'_, Self>,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        Api::of(asked).find(find, keep).await
    }
}
