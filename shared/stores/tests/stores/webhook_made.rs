//! The generator Webhook, on a double of somebody's API.

use crate::webhook::sources;
use pawl_domain::store::{Headers, WebhookSecret, WebhookStore};
use pawl_domain::{Access, Generator, Grant, Kind, Step};
use pawl_ports::{Error, Generation, Generators};
use pawl_servers::webhook::{Api, TOKEN};
use pawl_stores::WebhookSources;
use pawl_world::build::{cluster_name, namespace};
use pawl_world::{FakeClock, FakeClusters};
use std::sync::Arc;
use std::time::Duration;

/// An API, and a generator that asks it.
struct World {
    api: Api,
    clusters: Arc<FakeClusters>,
    clock: FakeClock,
    makers: WebhookSources<FakeClusters>,
    access: Access,
}

async fn world(edit: impl FnOnce(&mut WebhookStore)) -> World {
    let api = Api::start().await.unwrap();
    let clusters = Arc::new(FakeClusters::default());
    clusters.add(&cluster_name("blue"));
    clusters.edit("blue/shop/api", |secret| {
        let (label, value) = WebhookStore::LABEL;
        secret.labels.insert(label.to_owned(), value.to_owned());
        secret.set("token", TOKEN);
    });
    let mut spec = WebhookStore {
        url: format!("{}/tokens?for={{{{ .api.token }}}}", api.address()),
        method: "POST".to_owned(),
        headers: Headers([("Authorization".to_owned(), "Bearer {{ .api.token }}".to_owned())].into()),
        body: "[{{ .remoteRef.key }}]".to_owned(),
        json_path: "$.data".to_owned(),
        secrets: vec![WebhookSecret {
            name: "api".to_owned(),
            secret: "api".parse().unwrap(),
            namespace: None,
        }],
        ..WebhookStore::default()
    };
    edit(&mut spec);
    let access = Access {
        backend: Generator::Webhook(Box::new(spec)).into(),
        cluster: Some(cluster_name("blue")),
        namespace: Some(namespace("shop")),
        tags: None,
        grant: Grant::default(),
    };
    let clock = FakeClock::default();
    let makers = sources(&clusters, &clock);
    World { api, clusters, clock, makers, access }
}

impl World {
    async fn made(&self) -> Result<Generation, Error> {
        self.makers.generate(&self.access).await
    }

    /// The values, or the step and kind of failure, of which no value is shown.
    async fn told(&self) -> String {
        match self.made().await {
            Ok(Generation { values, expires }) => {
                assert_eq!(expires, None);
                let text = |(key, value): (&String, &pawl_domain::SecretValue)| {
                    format!("{key}={}", value.expose_str().unwrap())
                };
                values.iter().map(text).collect::<Vec<_>>().join(" ")
            }
            Err(error) => {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains("hunter2") && !shown.contains(TOKEN), "{shown}");
                assert!(shown.contains("generator at http://127.0.0.1"), "{shown}");
                format!("{:?} {}", error.step, error.kind)
            }
        }
    }
}

#[tokio::test]
async fn one_request_makes_the_values_and_templates_see_secrets_alone() {
    let world = world(|_| {}).await;
    world.api.answer(201, &[], r#"{"data":{"user":"a","ttl":3600,"more":{"b":[1]}},"other":"x"}"#);
    assert_eq!(world.told().await, r#"more={"b":[1]} ttl=3600 user=a"#);
    let asked = world.api.asked();
    assert_eq!(asked.len(), 1);
    let (method, uri) = (asked[0].method.as_str(), asked[0].uri.as_str());
    assert_eq!((method, uri), ("POST", format!("/tokens?for={TOKEN}").as_str()));
    assert_eq!(asked[0].headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(asked[0].body, "[<no value>]", "no key is read");
}

#[tokio::test]
async fn the_whole_answer_is_taken_without_a_path_and_a_path_is_no_template() {
    let whole = world(|spec| spec.json_path.clear()).await;
    whole.api.answer(200, &[], r#""{\"a\":1.0}""#);
    assert_eq!(whole.told().await, "a=1");
    let templated = world(|spec| spec.json_path = "{{ .api.token }}".to_owned()).await;
    templated.api.answer(200, &[], r#"{"data":{}}"#);
    assert_eq!(templated.told().await, "Fetch invalid");
}

#[tokio::test]
async fn what_is_refused_or_is_no_object_is_an_error_and_asked_once() {
    for (status, body, told) in [
        (200, r#"{"data":["hunter2"]}"#, "Fetch invalid"),
        (200, r#"{"data":"hunter2"}"#, "Fetch invalid"),
        (200, r#"{"other":"hunter2"}"#, "Fetch invalid"),
        (200, "<html>hunter2", "Fetch transient"),
        (302, "hunter2", "Fetch invalid"),
        (304, "", "Fetch transient"),
        (400, "hunter2", "Fetch invalid"),
        (401, "hunter2", "Authenticate denied"),
        (403, "hunter2", "Fetch denied"),
        (404, "hunter2", "Fetch invalid"),
        (429, "hunter2", "Fetch throttled"),
        (500, "hunter2", "Fetch transient"),
    ] {
        let world = world(|_| {}).await;
        world.api.answer(status, &[], body);
        assert_eq!(world.told().await, told, "{status} {body}");
        assert_eq!(world.api.asked().len(), 1, "{status} {body}");
    }
}

#[tokio::test]
async fn a_rotated_secret_is_read_again_where_the_server_refuses_the_old_one() {
    let world = world(|_| {}).await;
    world.api.answer(200, &[], r#"{"data":{"a":"1"}}"#);
    assert_eq!(world.told().await, "a=1");
    world.clusters.edit("blue/shop/api", |secret| secret.set("token", "api-new"));
    world.clock.advance(Duration::from_secs(10));
    world.api.answer(401, &[], "hunter2");
    world.api.answer(200, &[], r#"{"data":{"a":"2"}}"#);
    assert_eq!(world.told().await, "a=2");
    let shown: Vec<_> =
        world.api.asked().into_iter().map(|asked| asked.headers["authorization"].clone()).collect();
    assert_eq!(shown, [TOKEN, TOKEN, "api-new"].map(|token| format!("Bearer {token}")));
}

#[tokio::test]
async fn only_marked_secrets_are_seen() {
    for label in [None, Some("other")] {
        let world = world(|_| {}).await;
        world.clusters.edit("blue/shop/api", |secret| {
            secret.labels =
                label.map(|value| (WebhookStore::LABEL.0.to_owned(), value.to_owned())).into_iter().collect();
        });
        let error = world.made().await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid));
        assert!(error.message().ends_with("has no label external-secrets.io/type: webhook; give it one"));
        assert_eq!(world.api.asked(), []);
    }
}

#[tokio::test]
async fn a_template_decides_no_server_and_a_wrong_one_is_told() {
    for (edit, told) in [
        ((|spec: &mut WebhookStore| spec.url += "/..") as fn(&mut WebhookStore), "the generator's url"),
        (|spec| spec.body = "{{ fail .api.token }}".to_owned(), "the generator's body"),
        (|spec| spec.headers.0 = [("X".to_owned(), "a\nb".to_owned())].into(), "the generator's headers[X]"),
    ] {
        let world = world(|spec| {
            spec.url = spec.url.split('?').next().unwrap_or_default().to_owned();
            edit(spec);
        })
        .await;
        let error = world.made().await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Fetch, Kind::Invalid), "{error}");
        assert!(error.message().contains(told) && !format!("{error:?}").contains(TOKEN), "{error:?}");
        assert_eq!(world.api.asked(), []);
    }
}
