//! Fulfils the port: one session per identity, answers in order, one new login after a refusal.

use crate::kv::Kv;
use crate::options::Options;
use crate::rules::Rules;
use crate::session::{Identities, Session, engine};
use futures::{StreamExt, stream};
use pawl_domain::{Access, DigestKey, Fetched, Find, Keep, Kind, Provider, Step, Version};
use pawl_ports::{CallerIdentity, Clock, ClusterCredentials, Error, Sources, Wanted};
use pawl_stores::kit::Batch;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Vault and OpenBao as [`Sources`].
///
/// | capability | on | for |
/// |---|---|---|
/// | `read` | `<mount>/data/<key>`, of KV version 1 `<mount>/<key>` | values; enough where nothing is searched |
/// | `read` | `<mount>/metadata/<key>` | versions without values, `metadataPolicy: Fetch`, `find.tags` |
/// | `list` | `<mount>/metadata/<folder>`, of KV version 1 `<mount>/<folder>` | `find` |
///
/// | capability, to push | on | for |
/// |---|---|---|
/// | `read`, `create`, `update` | `<mount>/data/<key>`, of KV version 1 `<mount>/<key>` | values |
/// | `read`, `create`, `update` | `<mount>/metadata/<key>` | the mark of new keys |
/// | `delete` | `<mount>/metadata/<key>`, of KV version 1 `<mount>/<key>` | `deletionPolicy: Delete` |
///
/// Where it answers other than ESO: a mount or namespace that does not exist is an error and not a missing key, so that
/// no deletionPolicy makes a Secret go because of a typing error; metadata of a missing key is `NotFound`; a search of
/// an OpenBao looks into folders, and knows tags; `find` in an empty mount finds nothing.
///
/// What a store cannot tell: which keys changed since a moment, so that the sweep asks for the versions of all declared
/// keys. KV version 1 and other engines cannot even tell versions: their values are read, and a digest under the ledger's key
/// is the version. Data that is made for each read and lives under a lease is never the same, and is not read to find
/// that out.
pub struct VaultSources<C, A> {
    pub(crate) identities: Identities<C, A>,
    pub(crate) clock: Arc<dyn Clock>,
    digest_key: DigestKey,
}

impl<C: ClusterCredentials, A: CallerIdentity> VaultSources<C, A> {
    /// Sources that take the credentials that stores name from `clusters` and, for logins of type `iam`, from `aws`. The
    /// digest key is the ledger's.
    pub fn new(
        clusters: Arc<C>,
        aws: Arc<A>,
        clock: Arc<dyn Clock>,
        digest_key: DigestKey,
        options: Options,
    ) -> Self {
        Self { identities: Identities::new(clusters, aws, Arc::clone(&clock), options), clock, digest_key }
    }

    /// One answer for each key that is wanted, in order. Keys whose answer is that the token was refused are asked once
    /// more, if a new login may help.
    async fn each<Q: Question>(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Q::Answer, Error>> {
        let batch = Batch::of(wanted);
        batch.answers(self.distinct::<Q>(access, &batch.distinct).await)
    }

    async fn distinct<Q: Question>(
        &self,
        access: &Access,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Q::Answer, Error>>, Error> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let session = self.identities.session(access).await?;
        let mut answers = self.ask::<Q>(access, &session, wanted).await?;
        let refused: Vec<_> = (0..wanted.len()).filter(|place| is_refusal(&answers[*place])).collect();
        if !self.gave_up(access, &session, answers.iter()).await {
            return Ok(answers);
        }
        let session = self.identities.session(access).await?;
        let again: Vec<_> = refused.iter().map(|place| wanted[*place].clone()).collect();
        let renewed = self.ask::<Q>(access, &session, &again).await?;
        for (place, answer) in refused.into_iter().zip(renewed) {
            answers[place] = answer;
        }
        Ok(answers)
    }

    async fn ask<Q: Question>(
        &self,
        access: &Access,
        session: &Arc<Session>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Q::Answer, Error>>, Error> {
        let kv = self.kv(access, session, Step::Fetch)?;
        let calls: Vec<_> = wanted.iter().map(|one| Q::ask(&kv, one)).collect();
        Ok(stream::iter(calls).buffered(session.link.concurrency()).collect().await)
    }

    /// Whether answers were refused and the session was given up for it.
    pub(crate) async fn gave_up<'a, T: 'a>(
        &self,
        access: &Access,
        session: &Arc<Session>,
        answers: impl Iterator<Item = &'a Result<T, Error>>,
    ) -> bool {
        // A token that is refused says more than one that may not do something.
        let refusals = answers.filter(|answer| is_refusal(answer)).filter_map(|answer| answer.as_ref().err());
        match refusals.min_by_key(|error| error.step != Step::Authenticate).map(Error::shared) {
            Some(refusal) => self.identities.give_up(access, session, &refusal).await,
            None => false,
        }
    }

    pub(crate) fn kv<'a>(
        &'a self,
        access: &'a Access,
        session: &Arc<Session>,
        step: Step,
    ) -> Result<Kv<'a>, Error> {
        let (store, rules, session) = (engine(access)?, Rules::of(access), Arc::clone(session));
        let (backend, now) = (&access.backend, self.clock.now());
        Ok(Kv { backend, store, rules, session, digest_key: &self.digest_key, now, step })
    }
}

impl<C: ClusterCredentials, A: CallerIdentity> Sources for VaultSources<C, A> {
    fn providers(&self) -> Vec<Provider> {
        vec![Provider::OpenBao, Provider::Vault]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.identities.session(access).await.map(drop)
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.server = server(access), keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        self.each::<Values>(access, wanted).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.server = server(access)))]
    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        let session = self.identities.session(access).await?;
        let answer = self.kv(access, &session, Step::Fetch)?.find(find, keep).await;
        if !self.gave_up(access, &session, std::iter::once(&answer)).await {
            return answer;
        }
        let session = self.identities.session(access).await?;
        self.kv(access, &session, Step::Fetch)?.find(find, keep).await
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.server = server(access), keys = wanted.len()))]
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        self.each::<Versions>(access, wanted).await
    }

    /// Revokes the tokens that logins gave. Tokens end by themselves as well.
    async fn close(&self) {
        self.identities.close().await;
    }
}

/// What is asked of each key.
trait Question {
    type Answer: Clone + Send + Sync + 'static;

    fn ask(kv: &Kv<'_>, wanted: &Wanted) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

struct Values;

impl Question for Values {
    type Answer = Fetched;

    async fn ask(kv: &Kv<'_>, wanted: &Wanted) -> Result<Fetched, Error> {
        kv.fetch(wanted).await
    }
}

struct Versions;

impl Question for Versions {
    type Answer = Version;

    async fn ask(kv: &Kv<'_>, wanted: &Wanted) -> Result<Version, Error> {
        kv.version(wanted).await
    }
}

/// The server does not take the token, or does not let it.
fn is_refusal<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(error) if error.kind == Kind::Denied)
}

pub(crate) fn provider(access: &Access) -> &'static str {
    Rules::of(access).provider.as_str()
}

pub(crate) fn server(access: &Access) -> &str {
    engine(access).map_or("", |store| &store.server)
}
