//! How many requests it takes.

use crate::pawl::{id, now, pawl};
use crate::server::Server;
use jiff::SignedDuration;
use pawl_domain::reconcile::Deed;
use pawl_domain::{Failure, Kind, Outcome, Step};
use pawl_ports::{Clusters, Status, StoreStatus, Validity};
use serde_json::json;

/// Tells these one after the other, each knowing of the one before, and counts the requests of each.
struct Teller {
    server: Server,
    status: Status,
}

impl Teller {
    async fn new() -> Self {
        let server = Server::embedded().await;
        let path = "/apis/external-secrets.io/v1/namespaces/default/externalsecrets";
        let object = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": { "name": "es" }, "spec": {},
        });
        let made = server.create(path, object).await;
        let status = Status {
            at: now(),
            uid: made["metadata"]["uid"].as_str().map(str::to_owned),
            synced: Some("1-hash".to_owned()),
            kind: None,
            target: "db".to_owned(),
            result: Ok(Outcome::Unchanged),
            deed: Deed::Nothing,
            retired: false,
            overtaken: false,
            before: None,
        };
        Self { server, status }
    }

    async fn tell(&mut self, result: Result<Outcome, Failure>, deed: Deed) -> Vec<String> {
        self.status.at += SignedDuration::from_secs(1);
        self.status.result = result;
        self.status.deed = deed;
        let pawl = pawl(&self.server, &self.server.pawl);
        pawl.publish(&id("default", "es"), &self.status).await.unwrap();
        self.status.before = self.status.told();
        self.server.calls().into_iter().map(|(what, times)| format!("{times} {what}")).collect()
    }
}

#[tokio::test]
async fn a_status_and_an_event_cost_one_request_each_and_nothing_new_costs_none() {
    let mut teller = Teller::new().await;
    let failure = pawl_ports::Error::new(Step::Fetch, Kind::NotFound, "no key k").to_failure(1);
    let changed = ["1 create events", "1 patch externalsecrets/status"];
    assert_eq!(teller.tell(Ok(Outcome::Written), Deed::Created).await, changed);
    assert_eq!(teller.tell(Ok(Outcome::Written), Deed::Updated).await, changed);
    assert_eq!(teller.tell(Ok(Outcome::Unchanged), Deed::Nothing).await, [""; 0]);
    assert_eq!(teller.tell(Err(failure.clone()), Deed::Nothing).await, changed);
    assert_eq!(teller.tell(Err(failure), Deed::Nothing).await, ["1 patch events"]);
    assert_eq!(teller.tell(Ok(Outcome::Unchanged), Deed::Nothing).await, ["1 patch externalsecrets/status"]);
    // Only refreshInterval was edited: a status says of which edit it speaks.
    teller.status.synced = Some("2-hash".to_owned());
    assert_eq!(teller.tell(Ok(Outcome::Unchanged), Deed::Nothing).await, ["1 patch externalsecrets/status"]);
}

#[tokio::test]
async fn a_store_costs_a_request_when_it_turns_and_none_while_it_stays() {
    let server = Server::embedded().await;
    let path = "/apis/external-secrets.io/v1/namespaces/default/secretstores";
    let annotations = json!({ "external-secrets.io/ignore-maintenance-checks": "true" });
    let object = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
        "metadata": { "name": "s", "annotations": annotations }, "spec": { "provider": { "fake": { "data": [] } } },
    });
    server.create(path, object).await;
    let pawl = pawl(&server, &server.pawl);
    let cluster = crate::pawl::cluster(&server);
    let tell = async |edited: bool| {
        let found = pawl.manifests(&cluster).await.unwrap();
        server.calls();
        for (id, standing) in found.standing {
            let status = StoreStatus { at: now(), standing, validity: Validity::Valid, edited };
            pawl.publish_store(&id, &status).await.unwrap();
        }
        server.calls().into_iter().map(|(what, times)| format!("{times} {what}")).collect::<Vec<_>>()
    };
    assert_eq!(tell(true).await, ["1 create events", "1 patch secretstores/status"]);
    assert_eq!(tell(false).await, [""; 0]);
}
