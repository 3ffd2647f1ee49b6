use super::FakeClock;
use crate::door::{Door, lock};
use crate::fault::Point;
use pawl_domain::{Access, Kind, SecretValue, Step};
use pawl_ports::{
    BearerToken, CallerIdentity, Clock, ClusterIdentity, EksEndpoint, Error, Question, SignedRequest,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long its EKS tokens last, as EKS has it.
const LIFETIME: Duration = Duration::from_secs(14 * 60);

/// What connections to clusters need of AWS, in memory.
#[derive(Clone, Debug, Default)]
pub struct FakeIdentity {
    pub(crate) door: Door,
    pub(crate) clock: FakeClock,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    tokens: u64,
    endpoints: BTreeMap<(String, String), EksEndpoint>,
    secrets: BTreeMap<String, SecretValue>,
}

impl FakeIdentity {
    /// An EKS cluster comes into being.
    pub fn add_eks(&self, region: &str, cluster: &str, endpoint: EksEndpoint) {
        lock(&self.state).endpoints.insert((region.to_owned(), cluster.to_owned()), endpoint);
    }

    /// A secret that holds a bearer token comes into being, or changes.
    pub fn set_token_secret(&self, name: &str, token: &str) {
        lock(&self.state).secrets.insert(name.to_owned(), SecretValue::new(token));
    }

    /// How many EKS tokens were made.
    pub fn tokens_made(&self) -> u64 {
        lock(&self.state).tokens
    }
}

impl ClusterIdentity for FakeIdentity {
    async fn eks_token(&self, region: &str, cluster: &str, role: Option<&str>) -> Result<BearerToken, Error> {
        let passage =
            self.door.pass(Point::Credentials, &[cluster], |calls| calls.credential_reads += 1).await?;
        let number = {
            let mut state = lock(&self.state);
            state.tokens += 1;
            state.tokens
        };
        let token = format!("token-{number}-{region}-{cluster}-{}", role.unwrap_or("own"));
        passage.leave(BearerToken { token: SecretValue::new(token), expires: self.clock.now() + LIFETIME })
    }

    async fn eks_endpoint(
        &self,
        region: &str,
        cluster: &str,
        _role: Option<&str>,
    ) -> Result<EksEndpoint, Error> {
        let passage =
            self.door.pass(Point::Credentials, &[cluster], |calls| calls.credential_reads += 1).await?;
        let found = lock(&self.state).endpoints.get(&(region.to_owned(), cluster.to_owned())).cloned();
        passage.leave(found.ok_or_else(|| missing(&format!("EKS cluster {cluster} in {region}")))?)
    }

    async fn token_secret(&self, name: &str) -> Result<SecretValue, Error> {
        let passage =
            self.door.pass(Point::Credentials, &[name], |calls| calls.credential_reads += 1).await?;
        let found = lock(&self.state).secrets.get(name).cloned();
        passage.leave(found.ok_or_else(|| missing(&format!("secret {name}")))?)
    }
}

fn missing(what: &str) -> Error {
    Error::new(
        Step::Authenticate,
        Kind::NotFound,
        format!("{what} does not exist; create it or correct its name"),
    )
}

/// Signs nothing, for stores that need none of it.
#[derive(Clone, Copy, Debug)]
pub struct NoAws;

impl CallerIdentity for NoAws {
    async fn signed_caller_identity(
        &self,
        _: &Access,
        _: &BTreeMap<String, String>,
        _: Question,
    ) -> Result<SignedRequest, Error> {
        panic!("the identity is no one's of AWS")
    }
}
