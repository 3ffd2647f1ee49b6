//! Sequences played: everything in place, one server, and the state after each step.

use crate::judge::{all_chosen, judge};
use crate::plane::Plane;
use crate::snapshot::{self, Looks};
use crate::state::{Memory, State};
use crate::{Choices, Difference, Error, Result, Sequence, Step, act, store};
use futures::future;
use pawl_e2e::{Server, Stage};
use pawl_servers::Aws;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a step is looked at before its state counts: more than one refreshInterval of 5 s, so that a poll that must
/// change nothing has happened.
const LOOK: Duration = Duration::from_millis(7_500);
/// How long no Secret may have been written before a state counts, and no failure told again that is over.
const CALM: Duration = Duration::from_millis(6_500);
/// How long a state is waited for. The operator had 18 s or more; failures are retried after 1, 2, 4... s.
const LIMIT: Duration = Duration::from_secs(30);
/// What Pawl is started with. Stores are swept each second; what happens in the cluster it learns from its watches.
const ARGUMENTS: [&str; 4] = ["--sweep", "1s", "--index", "24h"];

/// What came of a sequence.
#[derive(Debug)]
pub struct Played<'a> {
    /// The sequence.
    pub sequence: &'a Sequence,
    /// Where its states differ from the recorded ones.
    pub differences: Vec<Difference>,
    /// Why it could not be played to its end.
    pub broken: Option<Error>,
}

/// Plays these sequences at the same time. Returns what came of each, in order, and the log of `pawl serve`.
///
/// # Errors
/// When the stage does not come up or breaks down.
pub async fn play<'a>(sequences: &'a [Sequence], choices: &Choices) -> Result<(Vec<Played<'a>>, String)> {
    let mut stage = Stage::start(&[]).await?;
    stage.trust_stores().await?;
    stage.set("PAWL_PUSH", "true");
    stage.set("PAWL_CLUSTER_EXTERNAL_SECRETS", "1");
    let plane = Plane::start(&stage).await?;
    furnish(&plane).await?;
    let declared = stage.write("cluster.yaml", &plane.declared(&stage, "sequences")?)?;
    stage.pawl(&["apply", "--clusters", "-f", &declared.display().to_string()]).await?.well()?;
    let server = Server::start(&stage, &ARGUMENTS).await?;
    let (looks, seen) = watch::channel(None);
    let player = |sequence: &'a Sequence| {
        Player { sequence, plane: &plane, aws: stage.aws(), choices, looks: seen.clone() }.play()
    };
    let all: Vec<_> = sequences.iter().map(player).collect();
    drop(seen);
    let (played, ()) =
        future::try_join(async { Ok(future::join_all(all).await) }, snapshot::look(&plane, looks)).await?;
    Ok((played, server.log()))
}

/// What every sequence finds in place: the credentials, and the store of Secrets Manager.
///
/// # Errors
/// When the API server refuses one.
pub async fn furnish(plane: &Plane) -> Result<()> {
    let secret = |key: &str| json!({ "name": "aws", "namespace": "creds", "key": key });
    let credentials =
        json!({ "accessKeyIDSecretRef": secret("id"), "secretAccessKeySecretRef": secret("key") });
    for object in [
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "creds" } }),
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": "aws", "namespace": "creds" },
            "stringData": { "id": "test", "key": "test" },
        }),
        json!({
            "apiVersion": "external-secrets.io/v1",
            "kind": "ClusterSecretStore",
            "metadata": { "name": "aws-sm" },
            "spec": { "provider": { "aws": {
                "service": "SecretsManager",
                "region": store::REGION,
                "auth": { "secretRef": credentials },
            } } },
        }),
    ] {
        plane.apply(&object).await?;
    }
    Ok(())
}

/// One sequence on its way.
struct Player<'s, 'p> {
    sequence: &'s Sequence,
    plane: &'p Plane,
    aws: &'p Aws,
    choices: &'p Choices,
    looks: Looks,
}

impl<'s> Player<'s, '_> {
    async fn play(mut self) -> Played<'s> {
        let sequence = self.sequence;
        let (mut differences, mut before) = (Vec::new(), Memory::default());
        for (number, step) in sequence.steps.iter().enumerate() {
            match self.step(number, step, &before).await {
                Ok((state, found)) => {
                    before = state.memory;
                    differences.extend(found);
                }
                Err(error) => return Played { sequence, differences, broken: Some(error) },
            }
        }
        Played { sequence, differences, broken: None }
    }

    /// Performs the actions of a step and waits for its state.
    async fn step(
        &mut self,
        number: usize,
        step: &Step,
        before: &Memory,
    ) -> Result<(State, Vec<Difference>)> {
        let mut refused = BTreeMap::new();
        for (number, action) in step.actions.iter().enumerate() {
            match act::perform(action, &self.sequence.name, self.plane, self.aws).await {
                Ok(()) => {}
                Err(Error::Refused { message, .. }) => drop(refused.insert(number, message)),
                Err(error) => return Err(error),
            }
        }
        let began = Instant::now();
        let mut seen = began;
        let mut written: BTreeMap<String, ((String, String), Instant)> = BTreeMap::new();
        loop {
            let snapshot = snapshot::after(&mut self.looks, seen).await;
            let snapshot =
                snapshot.ok_or_else(|| Error::Form("the plane is not looked at any more".to_owned()))?;
            seen = snapshot.begun;
            let calm = pawl_e2e::now().checked_sub(CALM).unwrap_or(jiff::Timestamp::MIN);
            let mut state = State::of(self.sequence, &snapshot, before, calm);
            if step.expect.store.is_some() {
                state.store = store::held(&self.sequence.name, self.aws).await?;
            }
            for (name, version) in &state.memory.secrets {
                if written.get(name).is_none_or(|(known, _)| known != version) {
                    written.insert(name.clone(), (version.clone(), seen));
                }
            }
            let restless =
                |name: &str| written.get(name).is_some_and(|(_, at)| *at > began && at.elapsed() < CALM);
            let found = judge(number, &step.expect, &state, &refused, restless);
            // A Secret that was written just before the limit has its time to be written again.
            let calm = written.values().all(|(_, at)| at.elapsed() >= CALM);
            let is_over = began.elapsed() >= LIMIT && calm || began.elapsed() >= LIMIT + CALM;
            if is_over || began.elapsed() >= LOOK && all_chosen(&found, self.sequence, self.choices) {
                return Ok((state, found));
            }
        }
    }
}
