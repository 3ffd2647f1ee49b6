//! Watches of declarations, stores and managed Secrets.

use crate::pawl::{Pawl, blue, cluster, id, name, pawl};
use crate::server::Server;
use pawl_domain::reconcile::{Action, Desired, Owner, Parts};
use pawl_domain::{DeclarationId, StoreId};
use pawl_ports::{Clusters, Declared, Sighting, TargetRef, Watches, Writer};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;

const V1: &str = "/apis/external-secrets.io/v1";
const LIMIT: Duration = Duration::from_secs(20);

/// A watch under way. Dropping it ends it.
struct Watching {
    told: mpsc::Receiver<Sighting>,
    task: tokio::task::JoinHandle<()>,
}

impl Watching {
    /// Starts to watch, and waits until all four kinds are watched.
    async fn start(pawl: std::sync::Arc<Pawl>, server: &Server) -> Self {
        let (tell, told) = mpsc::channel(64);
        let cluster = cluster(server);
        let task = tokio::spawn(async move { pawl.watch(&cluster, &tell).await });
        let mut watching = Self { told, task };
        let mut anew = Vec::new();
        while anew.len() < 4 {
            match watching.any().await {
                Sighting::Declarations => anew.push("declarations"),
                Sighting::Targets => anew.push("targets"),
                other => panic!("nothing happened yet: {other:?}"),
            }
        }
        anew.sort_unstable();
        assert_eq!(anew, ["declarations", "declarations", "declarations", "targets"]);
        watching
    }

    async fn any(&mut self) -> Sighting {
        tokio::time::timeout(LIMIT, self.told.recv()).await.unwrap().unwrap()
    }

    /// The next sighting in this namespace: other parts of the suite work in their own.
    async fn next(&mut self, namespace: &str) -> Sighting {
        loop {
            let sighting = self.any().await;
            let here = match &sighting {
                Sighting::Standing(declared, _) | Sighting::Gone(declared) => match declared {
                    Declared::ExternalSecret(at, _) | Declared::PushSecret(at, _) => at.as_str() == namespace,
                    Declared::Store(id) => id.namespace.as_ref().is_none_or(|at| at.as_str() == namespace),
                },
                Sighting::Target(at, _, _) | Sighting::Source(at, ..) => at.as_str() == namespace,
                Sighting::Declarations | Sighting::Targets | Sighting::Sources | Sighting::Families => true,
            };
            if here {
                return sighting;
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn external_secret(name: &str) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": { "name": name },
        "spec": { "secretStoreRef": { "name": "aws" }, "data": [{ "secretKey": "a", "remoteRef": { "key": "k" } }] },
    })
}

pub(crate) async fn tell_of_declarations_and_stores(server: &Server) {
    server.namespace("watched").await;
    let mut watching = Watching::start(pawl(server, &server.pawl).into(), server).await;
    let collection = format!("{V1}/namespaces/watched/externalsecrets");
    server.create(&collection, external_secret("app")).await;
    let app = Declared::ExternalSecret("watched".parse().unwrap(), name("app"));
    let Sighting::Standing(declared, manifests) = watching.next("watched").await else { panic!("it stands") };
    assert_eq!(declared, app);
    let ids: Vec<DeclarationId> = manifests.declarations.into_iter().map(|each| each.id).collect();
    assert_eq!(ids, [id("watched", "app")]);

    // A status says nothing new of it; a label may.
    let one = format!("{collection}/app");
    server
        .merge(&format!("{one}/status"), json!({ "status": { "refreshTime": "2026-11-22T05:00:00Z" } }))
        .await;
    server.merge(&one, json!({ "metadata": { "labels": { "app": "shop" } } })).await;
    let Sighting::Standing(declared, manifests) = watching.next("watched").await else { panic!("it stands") };
    assert_eq!(declared, app);
    assert_eq!(manifests.declarations.len(), 1);

    let stores = format!("{V1}/namespaces/watched/secretstores");
    let store = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": { "name": "aws" },
        "spec": { "provider": { "aws": { "service": "SecretsManager", "region": "eu-central-1" } } },
    });
    server.create(&stores, store).await;
    let Sighting::Standing(Declared::Store(declared), manifests) = watching.next("watched").await else {
        panic!("it stands")
    };
    let home = pawl_domain::Home::Cluster(blue());
    let aws =
        StoreId { home, namespace: Some("watched".parse().unwrap()), name: name("aws"), generator: None };
    assert_eq!((&declared, manifests.stores.len()), (&aws, 1));

    server.delete(&one).await;
    let gone = watching.next("watched").await;
    assert!(matches!(&gone, Sighting::Gone(declared) if *declared == app), "{gone:?}");
    server.delete(&format!("{stores}/aws")).await;
    let gone = watching.next("watched").await;
    assert!(matches!(&gone, Sighting::Gone(Declared::Store(declared)) if *declared == aws), "{gone:?}");
}

pub(crate) async fn tell_of_generators_once_something_names_their_kind(server: &Server) {
    server.namespace("watched-makers").await;
    let mut watching = Watching::start(pawl(server, &server.pawl).into(), server).await;
    let generators = "/apis/generators.external-secrets.io/v1alpha1/namespaces/watched-makers";
    let generator = |kind: &str| {
        let api_version = "generators.external-secrets.io/v1alpha1";
        json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": "id" }, "spec": {} })
    };
    server.create(&format!("{generators}/uuids"), generator("UUID")).await;
    server.create(&format!("{generators}/fakes"), generator("Fake")).await;
    let mut declared = external_secret("app");
    let made = json!({ "sourceRef": { "generatorRef": { "kind": "UUID", "name": "id" } } });
    declared["spec"] = json!({ "dataFrom": [made] });
    server.create(&format!("{V1}/namespaces/watched-makers/externalsecrets"), declared).await;
    let standing = watching.next("watched-makers").await;
    assert!(matches!(standing, Sighting::Standing(Declared::ExternalSecret(..), _)), "{standing:?}");
    // Generators of its kind stand there already, so that all is read once.
    let anew = watching.next("watched-makers").await;
    assert!(matches!(anew, Sighting::Declarations), "{anew:?}");
    server.delete(&format!("{generators}/fakes/id")).await;
    server.delete(&format!("{generators}/uuids/id")).await;
    let Sighting::Gone(Declared::Store(gone)) = watching.next("watched-makers").await else {
        panic!("it goes")
    };
    assert_eq!(gone.generator, Some(pawl_domain::GeneratorKind::Uuid));
}

pub(crate) async fn tell_of_managed_secrets_and_know_their_own(server: &Server) {
    server.namespace("watched-secrets").await;
    let pawl = std::sync::Arc::new(pawl(server, &server.pawl));
    let mut watching = Watching::start(pawl.clone(), server).await;
    let secrets = "/api/v1/namespaces/watched-secrets/secrets";
    // One without the label is nobody's business.
    server.create(secrets, json!({ "metadata": { "name": "foreign" } })).await;
    let declaration = id("watched-secrets", "es");
    let labels = [("reconcile.external-secrets.io/managed".to_owned(), "true".to_owned())].into();
    let desired = Desired { labels, ..Desired::default() };
    pawl.apply(TargetRef::secret(&declaration, &name("db")), &Action::Create(desired)).await.unwrap();
    let Sighting::Target(namespace, target, Some(version)) = watching.next("watched-secrets").await else {
        panic!("it was written")
    };
    assert_eq!((namespace.as_str(), target.as_str()), ("watched-secrets", "db"));
    assert_eq!(pawl.writer(&blue(), &namespace, &target, Some(&version)), Writer::Own);

    let one = format!("{secrets}/db");
    // A change of its owners concerns whoever else keeps it up.
    let (data, owners) =
        (Parts { annotations: true, ..Parts::default() }, Parts { owners: true, ..Parts::default() });
    let mut resource_version = version;
    for (parts, writer) in [(data, Writer::Own), (owners, Writer::Other)] {
        let owner = Owner {
            api_version: "external-secrets.io/v1".to_owned(),
            kind: "ExternalSecret".to_owned(),
            name: "es".to_owned(),
            uid: "1".to_owned(),
            controller: true,
            block_owner_deletion: true,
        };
        let annotations = [("a".to_owned(), "1".to_owned())].into();
        let desired = Desired { annotations, owners: vec![owner], ..Desired::default() };
        let action = Action::Update { resource_version, desired, parts };
        pawl.apply(TargetRef::secret(&declaration, &name("db")), &action).await.unwrap();
        let Sighting::Target(_, _, Some(version)) = watching.next("watched-secrets").await else {
            panic!("it was written")
        };
        assert_eq!(pawl.writer(&blue(), &namespace, &target, Some(&version)), writer);
        resource_version = version;
    }
    server.merge(&one, json!({ "metadata": { "ownerReferences": null }, "data": { "a": "MQ==" } })).await;
    let Sighting::Target(_, _, Some(version)) = watching.next("watched-secrets").await else {
        panic!("it was edited")
    };
    assert_eq!(pawl.writer(&blue(), &namespace, &target, Some(&version)), Writer::Other);
    // Without its label it is no longer managed.
    let unlabelled = json!({ "metadata": { "labels": { "reconcile.external-secrets.io/managed": null } } });
    server.merge(&one, unlabelled).await;
    assert!(matches!(watching.next("watched-secrets").await, Sighting::Target(_, _, None)));
    let labelled = json!({ "metadata": { "labels": { "reconcile.external-secrets.io/managed": "true" } } });
    server.merge(&one, labelled).await;
    assert!(matches!(watching.next("watched-secrets").await, Sighting::Target(_, _, Some(_))));
    server.delete(&one).await;
    assert!(matches!(watching.next("watched-secrets").await, Sighting::Target(_, _, None)));
}
