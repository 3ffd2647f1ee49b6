//! The cluster answers as a real kube-apiserver answered. `PAWL_REGENERATE=1` with the ignored test, which `make
//! kubernetes` runs, takes the recording anew from the server of `KUBEBUILDER_ASSETS`; without it, that test says whether
//! the recording still is what the server answers.

#![allow(clippy::unwrap_used, reason = "a test fails where its helpers do")]

use crate::common;
use crate::recording::{self, Exchange};
use kube::{Client, Config};
use pawl_devcluster::{DevCluster, Options, User};
use pawl_servers::ApiServer;

/// ESO's kinds as far as the recording needs them: any content.
const DEFINITIONS: &str = include_str!("../../../shared/kubernetes/tests/data/crds.yaml");

#[tokio::test]
async fn every_answer_is_the_recorded_one() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    cluster.add_token("low", User::new("low"));
    let clients = Clients {
        admin: common::client(&cluster).await,
        low: common::client_with(&cluster, "low").await,
        nobody: common::client_with(&cluster, "nobody").await,
    };
    let recorded = recording::exchanges();
    assert!(recorded.len() > 150, "the recording is whole");
    same(&recorded, &clients.again(&recorded).await);
}

#[tokio::test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn the_recording_is_what_a_real_server_answers() {
    let server = ApiServer::builder().user("low", &[]).start().await.unwrap();
    server.apply_crds(DEFINITIONS).await.unwrap();
    let clients = Clients {
        admin: client(&server, server.token()),
        low: client(&server, server.token_of("low").unwrap()),
        nobody: client(&server, "nobody"),
    };
    let recorded = recording::exchanges();
    let found = clients.again(&recorded).await;
    if std::env::var_os("PAWL_REGENERATE").is_some() {
        recording::keep(&found);
        return;
    }
    same(&recorded, &found);
}

/// Those who send requests.
struct Clients {
    admin: Client,
    low: Client,
    nobody: Client,
}

impl Clients {
    /// The same requests with the answers that they get here.
    async fn again(&self, exchanges: &[Exchange]) -> Vec<Exchange> {
        let mut again = Vec::new();
        for exchange in exchanges {
            let client = match exchange.user.as_str() {
                "admin" => &self.admin,
                "low" => &self.low,
                _ => &self.nobody,
            };
            let (code, answer) = recording::send(client, exchange).await;
            again.push(Exchange { code, answer, ..exchange.clone() });
        }
        again
    }
}

fn client(server: &ApiServer, token: &str) -> Client {
    let mut config = Config::new(server.url().parse().unwrap());
    config.accept_invalid_certs = true;
    config.default_retry = false;
    config.auth_info.token = Some(token.to_owned().into());
    Client::try_from(config).unwrap()
}

/// Fails with every answer that is another than the recorded one.
fn same(recorded: &[Exchange], found: &[Exchange]) {
    let differing = recorded
        .iter()
        .zip(found)
        .filter(|(recorded, found)| (recorded.code, &recorded.answer) != (found.code, &found.answer));
    let shown: Vec<String> = differing
        .map(|(recorded, found)| {
            let Exchange { user, method, path, body, code, answer, .. } = recorded;
            format!(
                "{user} {method} {path} {body}\nrecorded {code} {answer}\nfound    {} {}",
                found.code, found.answer
            )
        })
        .collect();
    assert!(shown.is_empty(), "{} of {} differ:\n{}", shown.len(), recorded.len(), shown.join("\n\n"));
}
