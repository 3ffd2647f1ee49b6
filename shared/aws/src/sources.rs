//! The stores of AWS: Secrets Manager and Parameter Store turn keys into values.
//!
//! A call is made with the identity of its access, proven once and kept until shortly before it ends. Keys are asked for
//! once each, in batches where the service has them and the identity may use them, one by one otherwise: the permissions
//! that ESO needs are enough.
//!
//! | module | holds |
//! |---|---|
//! | `secrets_manager` | values, versions and listing of secrets |
//! | `secrets_manager::batch` | many secrets with one call |
//! | `parameter_store` | values, versions and listing of parameters |
//! | `listing` | when the rest of a sorted listing need not be read |

mod listing;
mod parameter_store;
mod secrets_manager;

use crate::clients::Clients;
use crate::credentials::{Identities, Session};
use aws_config::SdkConfig;
use jiff::Timestamp;
use parameter_store::ParameterStore;
use pawl_domain::store::Backend;
use pawl_domain::{Access, Fetched, Kind, Provider, Step, Version};
use pawl_pipeline::Error;
use pawl_pipeline::ports::{Clock, ClusterCredentials, Listed, Sources, Wanted};
use secrets_manager::SecretsManager;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Secrets Manager and Parameter Store as [`Sources`].
///
/// Where it answers other than ESO: a secret that is marked for deletion is `NotFound`, so that deletionPolicy holds for it;
/// ESO fails there. A parameter's missing version or label is `NotFound` as well.
///
/// What a store cannot tell: a secret that was deleted without a recovery window and a deleted parameter vanish from listings
/// since a date, and a parameter's label moves without changing its date. Events and the versions of known keys show them.
pub struct AwsSources<C> {
    clients: Arc<Clients>,
    identities: Identities<C>,
}

impl<C: ClusterCredentials> AwsSources<C> {
    /// Sources that take identity, endpoints, time limits and retries from `base`, as the SDK loads it, and the credentials
    /// that stores name from `clusters`. The clock decides when credentials are renewed.
    pub fn new(base: SdkConfig, clusters: Arc<C>, clock: Arc<dyn Clock>) -> Self {
        let clients = Arc::new(Clients::new(base));
        Self { identities: Identities::new(Arc::clone(&clients), clusters, clock), clients }
    }

    fn store(&self, access: &Access, session: &Arc<Session>) -> AwsStore {
        let Backend::Aws(store) = &access.backend;
        let (region, retries, session) = (store.region.clone(), store.max_retries, Arc::clone(session));
        match store.service {
            Provider::SecretsManager => AwsStore::SecretsManager(SecretsManager {
                client: self.clients.secrets_manager(&region, retries),
                region,
                session,
            }),
            Provider::ParameterStore => AwsStore::ParameterStore(ParameterStore {
                client: self.clients.parameter_store(&region, retries),
                region,
                session,
            }),
        }
    }

    /// The store with an identity, anew where the store has just refused the one before. `None` ends the matter.
    async fn after_refusal(
        &self,
        access: &Access,
        session: &Arc<Session>,
        refused: bool,
    ) -> Option<Result<AwsStore, Error>> {
        if !refused || session.credentials.is_none() {
            return None;
        }
        self.identities.give_up(access, session).await;
        Some(self.identities.session(access).await.map(|session| self.store(access, &session)))
    }
}

impl<C: ClusterCredentials> Sources for AwsSources<C> {
    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.region = region(access), keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        let distinct = Distinct::of(wanted);
        let session = match self.identities.session(access).await {
            Ok(session) => session,
            Err(error) => return same_for_all(&error, wanted.len()),
        };
        let answers = self.store(access, &session).fetch(&distinct.wanted).await;
        let refused = answers.iter().any(is_refusal);
        let answers = match self.after_refusal(access, &session, refused).await {
            None => answers,
            Some(Ok(store)) => store.fetch(&distinct.wanted).await,
            Some(Err(error)) => return same_for_all(&error, wanted.len()),
        };
        distinct.spread(&answers)
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.region = region(access)))]
    async fn changed_since(&self, access: &Access, since: Option<Timestamp>) -> Result<Vec<Listed>, Error> {
        let session = self.identities.session(access).await?;
        let answer = self.store(access, &session).changed_since(since).await;
        match self.after_refusal(access, &session, is_refusal(&answer)).await {
            None => answer,
            Some(store) => store?.changed_since(since).await,
        }
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.region = region(access), keys = wanted.len()))]
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        let distinct = Distinct::of(wanted);
        let session = match self.identities.session(access).await {
            Ok(session) => session,
            Err(error) => return same_for_all(&error, wanted.len()),
        };
        let answers = self.store(access, &session).versions(&distinct.wanted).await;
        let refused = answers.iter().any(is_refusal);
        let answers = match self.after_refusal(access, &session, refused).await {
            None => answers,
            Some(Ok(store)) => store.versions(&distinct.wanted).await,
            Some(Err(error)) => return same_for_all(&error, wanted.len()),
        };
        distinct.spread(&answers)
    }
}

/// One store, with the identity to ask it.
enum AwsStore {
    ParameterStore(ParameterStore),
    SecretsManager(SecretsManager),
}

impl AwsStore {
    async fn fetch(&self, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        match self {
            Self::ParameterStore(store) => store.fetch(wanted).await,
            Self::SecretsManager(store) => store.fetch(wanted).await,
        }
    }

    async fn changed_since(&self, since: Option<Timestamp>) -> Result<Vec<Listed>, Error> {
        match self {
            Self::ParameterStore(store) => store.changed_since(since).await,
            Self::SecretsManager(store) => store.changed_since(since).await,
        }
    }

    async fn versions(&self, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        match self {
            Self::ParameterStore(store) => store.versions(wanted).await,
            Self::SecretsManager(store) => store.versions(wanted).await,
        }
    }
}

/// What is wanted, each once, and where the answers belong.
struct Distinct {
    wanted: Vec<Wanted>,
    places: Vec<usize>,
}

impl Distinct {
    fn of(wanted: &[Wanted]) -> Self {
        let mut first = BTreeMap::new();
        let mut distinct = Self { wanted: Vec::new(), places: Vec::with_capacity(wanted.len()) };
        for one in wanted {
            let place = *first.entry(one).or_insert(distinct.wanted.len());
            if place == distinct.wanted.len() {
                distinct.wanted.push(one.clone());
            }
            distinct.places.push(place);
        }
        distinct
    }

    /// One answer for each that was wanted, in order. `answers` MUST be one for each distinct one.
    fn spread<T: Clone>(&self, answers: &[Result<T, Error>]) -> Vec<Result<T, Error>> {
        self.places.iter().map(|place| shared(&answers[*place])).collect()
    }
}

fn shared<T: Clone>(answer: &Result<T, Error>) -> Result<T, Error> {
    match answer {
        Ok(found) => Ok(found.clone()),
        Err(error) => Err(error.shared()),
    }
}

fn same_for_all<T>(error: &Error, count: usize) -> Vec<Result<T, Error>> {
    (0..count).map(|_| Err(error.shared())).collect()
}

/// The store, asked with a proven identity, does not take its credentials.
fn is_refusal<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(error) if error.step == Step::Authenticate && error.kind == Kind::Denied)
}

fn provider(access: &Access) -> &'static str {
    let Backend::Aws(store) = &access.backend;
    store.service.as_str()
}

fn region(access: &Access) -> &str {
    let Backend::Aws(store) = &access.backend;
    &store.region
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::VersionSelector;

    #[test]
    fn each_key_is_asked_for_once_and_answered_as_often_as_wanted() {
        let wanted = |key: &str, selector| Wanted { key: key.to_owned(), selector };
        let previous = VersionSelector::Label("AWSPREVIOUS".to_owned());
        let all = [
            wanted("a", VersionSelector::Current),
            wanted("b", VersionSelector::Current),
            wanted("a", VersionSelector::Current),
            wanted("a", previous.clone()),
        ];
        let distinct = Distinct::of(&all);
        assert_eq!(distinct.wanted, [all[0].clone(), all[1].clone(), all[3].clone()]);
        let gone = Error::new(Step::Fetch, Kind::NotFound, "gone");
        let answers = distinct.spread(&[Ok(1), Err(gone), Ok(3)]);
        let answers: Vec<_> = answers.into_iter().map(|answer| answer.map_err(|error| error.kind)).collect();
        assert_eq!(answers, [Ok(1), Err(Kind::NotFound), Ok(1), Ok(3)]);
    }
}
