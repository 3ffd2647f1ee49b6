//! Stores of Azure Key Vault, on their double.

mod identities;
mod made;
mod sweep;

use jiff::Timestamp;
use pawl_domain::store::{AzureAuth, AzureCloud, AzureKvStore, Backend, SecretKeyRef};
use pawl_domain::{Access, Fetched, Find, Grant, Keep, Kind, Provider, Step, Version, VersionSelector};
use pawl_ports::{Error, Listed, Part, Sources, Wanted};
use pawl_servers::azurekv::{AzureKv, CLIENT, SECRET, TENANT};
use pawl_stores::AzureKvSources;
use pawl_stores::kit::Bounds;
use pawl_world::build::{cluster_name, namespace, patterns};
use pawl_world::contract::sources::{Held, suite};
use pawl_world::{FakeClock, FakeClusters};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A vault, and a store that reads it.
struct World {
    vault: AzureKv,
    clusters: Arc<FakeClusters>,
    clock: FakeClock,
    sources: AzureKvSources<FakeClusters>,
    access: Access,
}

fn at(key: &str) -> SecretKeyRef {
    SecretKeyRef { name: "azure".parse().unwrap(), key: key.to_owned(), namespace: None }
}

async fn world(edit: impl FnOnce(&mut AzureKvStore)) -> World {
    let vault = AzureKv::start().await.unwrap();
    let clusters = Arc::new(FakeClusters::default());
    clusters.add(&cluster_name("blue"));
    clusters.edit("blue/shop/azure", |secret| {
        secret.set("id", CLIENT);
        secret.set("secret", SECRET);
    });
    let mut store = AzureKvStore {
        vault_url: vault.address().to_owned(),
        cloud: AzureCloud::Public,
        authority: Some(vault.address().to_owned()),
        auth: AzureAuth::Secret {
            tenant: TENANT.to_owned(),
            client_id: at("id"),
            client_secret: at("secret"),
        },
        use_azure_sdk: true,
    };
    edit(&mut store);
    let bounds = Bounds {
        attempt_timeout: Duration::from_secs(1),
        deadline: Duration::from_secs(4),
        first_pause: Duration::from_millis(1),
        last_pause: Duration::from_millis(50),
        ..Bounds::default()
    };
    let clock = FakeClock::default();
    let sources = AzureKvSources::new(Arc::clone(&clusters), Arc::new(clock.clone())).bounded(bounds);
    let access = Access {
        backend: Backend::from(store),
        cluster: Some(cluster_name("blue")),
        namespace: Some(namespace("shop")),
        tags: None,
        grant: Grant::default(),
    };
    World { vault, clusters, clock, sources, access }
}

fn wanted(key: &str, version: Option<&str>, part: Part) -> Wanted {
    let selector = version.map_or(VersionSelector::Current, |id| VersionSelector::Id(id.to_owned()));
    Wanted { key: key.to_owned(), selector, part }
}

fn current(key: &str) -> Wanted {
    wanted(key, None, Part::Value)
}

/// The value, or the kind of failure.
fn told(answer: &Result<Fetched, Error>) -> String {
    match answer {
        Ok(fetched) => fetched.value.expose_str().unwrap().to_owned(),
        Err(error) => error.kind.to_string(),
    }
}

impl World {
    async fn read(&self, keys: &[&str]) -> Vec<String> {
        let wanted: Vec<_> = keys.iter().map(|key| current(key)).collect();
        self.sources.fetch(&self.access, &wanted).await.iter().map(told).collect()
    }

    async fn one(&self, wanted: Wanted) -> Result<Fetched, Error> {
        self.sources.fetch(&self.access, &[wanted]).await.remove(0)
    }

    async fn failure(&self, key: &str) -> Error {
        self.one(current(key)).await.unwrap_err()
    }

    async fn found(&self, find: &Find) -> Result<BTreeMap<String, String>, Error> {
        let found = self.sources.find(&self.access, find, &Keep::everything(Provider::AzureKv)).await?;
        let text = |fetched: Fetched| fetched.value.expose_str().unwrap().to_owned();
        Ok(found.into_iter().map(|(key, fetched)| (key, text(fetched))).collect())
    }

    async fn listed(&self) -> Result<Vec<Listed>, Error> {
        self.sources.changed_since(&self.access, None).await.map(|listing| listing.keys)
    }
}

fn named(pattern: &str, tags: &[(&str, &str)]) -> Find {
    let tags = tags.iter().map(|&(tag, value)| (tag.to_owned(), value.to_owned())).collect();
    Find { name: Some(pattern.to_owned()), path: None, tags }
}

impl Held for World {
    type Sources = AzureKvSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        self.vault.set(key, value)
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("versions have no labels");
    }

    async fn delete(&self, key: &str) {
        self.vault.delete(&format!("secrets/{key}"));
    }

    fn unknown_version(&self) -> &'static str {
        "00000000000000000000000000000000"
    }

    fn listed(&self, version: &str) -> String {
        let created = self.vault.created(version).unwrap();
        Version::listed_since(Timestamp::from_second(created).unwrap())
    }
}

#[tokio::test]
async fn the_double_is_a_source() {
    suite(&world(|_| {}).await).await;
    suite(&world(|store| store.use_azure_sdk = false).await).await;
}

#[tokio::test]
async fn objects_are_read_by_their_prefix() {
    let world = world(|_| {}).await;
    world.vault.set("db", "secret");
    world.vault.set_key("db", json!({ "kty": "RSA", "key_ops": ["sign"], "n": "bg", "e": "AQAB" }));
    let version = world.vault.set_certificate("db", b"\x30\x82\xff");
    let keys = ["db", "secret/DB", "key/db", "key/none", "cert/none", "none"];
    let kid = "/keys/db/";
    let read = world.read(&keys).await;
    assert_eq!((read[0].as_str(), read[1].as_str()), ("secret", "secret"), "names have no case");
    assert!(
        read[2].starts_with(r#"{"e":"AQAB","key_ops":["sign"],"kid":"#) && read[2].contains(kid),
        "{}",
        read[2]
    );
    assert_eq!(read[3..], ["not-found", "not-found", "not-found"]);
    let certificate = world.one(current("cert/db")).await.unwrap();
    assert_eq!(certificate.value.expose(), b"\x30\x82\xff", "DER, which is no text");
    assert_eq!(certificate.version.id, version);
    let refused = world.failure("other/db").await;
    assert_eq!(refused.kind, Kind::Invalid, "{refused}");
    let asked = world.vault.asked();
    assert!(asked.iter().any(|asked| asked == "GET /certificates/db?api-version=7.4"), "{asked:?}");
}

#[tokio::test]
async fn the_older_client_writes_keys_in_its_own_order() {
    let world = world(|store| store.use_azure_sdk = false).await;
    world.vault.set_key("k", json!({ "kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ" }));
    let read = world.read(&["key/k"]).await;
    assert!(
        read[0].starts_with(r#"{"kid":""#)
            && read[0].ends_with(r#","kty":"EC","crv":"P-256","x":"eA","y":"eQ"}"#)
    );
}

#[tokio::test]
async fn versions_are_read_by_their_id_and_by_nothing_else() {
    let world = world(|_| {}).await;
    let first = world.vault.set("db", "one");
    world.vault.set("db", "two");
    let of = |version: &str| wanted("db", Some(version), Part::Value);
    assert_eq!(told(&world.one(of(&first)).await), "one");
    assert_eq!(told(&world.one(of(&first.to_uppercase())).await), "one");
    for wrong in ["versions", "1", "", "../x", "f9557720362042d4954a56ac75da272g"] {
        world.vault.asked();
        let error = world.one(of(wrong)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{wrong}: {error}");
        assert_eq!(world.vault.asked(), [""; 0], "{wrong} would be another path");
    }
}

/// A lost right must not make Secrets go.
#[tokio::test]
async fn only_the_vault_says_that_something_does_not_exist() {
    let world = world(|_| {}).await;
    for (status, body, kind) in [
        (404, json!({ "error": { "code": "SecretNotFound", "message": "hunter2" } }), Kind::NotFound),
        (404, json!({ "error": { "code": "KeyNotFound", "message": "hunter2" } }), Kind::Invalid),
        (404, json!({ "error": { "code": "NotFound" } }), Kind::Invalid),
        (404, json!({ "message": "hunter2" }), Kind::Invalid),
        (404, json!([]), Kind::Invalid),
        (403, json!({ "error": { "code": "SecretNotFound" } }), Kind::Denied),
        (
            403,
            json!({ "error": { "code": "Forbidden", "innererror": { "code": "ForbiddenByFirewall" } } }),
            Kind::Denied,
        ),
        (
            403,
            json!({ "error": { "code": "Forbidden", "innerError": { "code": "SecretDisabled" } } }),
            Kind::Invalid,
        ),
        (400, json!({ "error": { "code": "BadParameter", "message": "hunter2" } }), Kind::Invalid),
        (302, json!({}), Kind::Invalid),
        (200, json!({ "value": "hunter2" }), Kind::Transient),
        (200, json!({ "id": "https://v/secrets/db/1" }), Kind::Transient),
        (200, json!([]), Kind::Transient),
    ] {
        world.sources.validate(&world.access).await.unwrap();
        world.vault.answer(status, &[("location", "https://elsewhere.example.com/")], body.clone());
        let error = world.failure("db").await;
        assert_eq!((error.step, error.kind), (Step::Fetch, kind), "{status} {body}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        assert!(
            error.message().starts_with(&format!("azurekv at {}: db: ", world.vault.address())),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_disabled_secret_is_an_error_and_no_missing_one() {
    let world = world(|_| {}).await;
    world.vault.set("db", "value");
    world.vault.edit("secrets/db", |db| db.enable(false));
    let error = world.failure("db").await;
    assert_eq!(error.kind, Kind::Invalid);
    assert!(error.message().ends_with("the secret is disabled; enable it"), "{error}");
    let listed = world.listed().await.unwrap();
    assert_eq!(listed[0].version, None, "it is listed as one that cannot be read");
    world.vault.set_key("k", json!({ "kty": "oct" }));
    world.vault.edit("keys/k", |key| key.enable(false));
    assert!(world.one(current("key/k")).await.is_ok(), "a vault gives out disabled keys");
    let listed = world.listed().await.unwrap();
    assert!(listed.iter().any(|each| each.names.contains("key/k") && each.version.is_some()));
}

#[tokio::test]
async fn tags_are_metadata_and_times_are_beside_them_in_the_older_client() {
    for (new, want) in [
        (true, r#"{"env":"prod","team":"a\u0026b"}"#),
        (
            false,
            r#"{"attribute.created":"2023-11-14T22:13:30Z","attribute.expires":"2030-01-01T00:00:00Z","attribute.notBefore":"2020-01-01T00:00:00Z","attribute.updated":"2023-11-14T22:13:40Z","env":"prod","team":"a\u0026b"}"#,
        ),
    ] {
        let world = world(|store| store.use_azure_sdk = new).await;
        world.vault.set("db", "value");
        world.vault.edit("secrets/db", |db| {
            db.tag("team", "a&b");
            db.tag("env", "prod");
            db.limit(1_577_836_800, 1_893_456_000);
        });
        let both = [wanted("db", None, Part::Metadata), current("db")];
        let answers = world.sources.fetch(&world.access, &both).await;
        assert_eq!(told(&answers[0]), want);
        assert_eq!(told(&answers[1]), "value", "metadata hides no value");
        let asked = world.vault.asked();
        assert_eq!(asked.iter().filter(|asked| asked.contains("/secrets/db")).count(), 1, "{asked:?}");
        let listed = &world.listed().await.unwrap()[0];
        let id = Version::id_of_tags(listed.tags.as_ref().unwrap());
        assert_eq!(answers[0].as_ref().unwrap().version.id, id, "a listing tells the version of metadata");
        let missing = world.one(wanted("none", None, Part::Metadata)).await.unwrap_err();
        assert_eq!(missing.kind, Kind::NotFound, "as in ESO");
    }
}

#[tokio::test]
async fn searches_find_enabled_secrets_by_name_and_tags() {
    let world = world(|_| {}).await;
    for (name, tags) in [
        ("App-a", &[("team", "shop"), ("env", "prod")][..]),
        ("app-b", &[("team", "shop")]),
        ("app-c", &[]),
        ("web", &[("team", "shop")]),
        ("app-off", &[("team", "shop")]),
    ] {
        world.vault.set(name, &format!("of {name}"));
        world.vault.edit(&format!("secrets/{name}"), |secret| {
            tags.iter().for_each(|(tag, value)| secret.tag(tag, value));
        });
    }
    world.vault.set_key("app-key", json!({ "kty": "oct" }));
    world.vault.edit("secrets/app-off", |secret| secret.enable(false));
    for (find, want) in [
        (Find::default(), &["App-a", "app-b", "app-c", "web"][..]),
        (named("(?i)^app", &[]), &["App-a", "app-b", "app-c"]),
        (named("^app", &[]), &["app-b", "app-c"]),
        (named("app|web", &[("team", "shop")]), &["app-b", "web"]),
        (Find { name: None, ..named("", &[("team", "shop"), ("env", "prod")]) }, &["App-a"]),
        (named("", &[("team", "sho")]), &[]),
    ] {
        let want = want.iter().map(|&name| (name.to_owned(), format!("of {name}"))).collect();
        assert_eq!(world.found(&find).await.unwrap(), want, "{find:?}");
    }
    for refused in [Find { path: Some("app".to_owned()), ..named("a", &[]) }, named("a(", &[])] {
        assert_eq!(world.found(&refused).await.unwrap_err().kind, Kind::Invalid, "{refused:?}");
    }
}

#[tokio::test]
async fn what_may_not_be_read_is_not_asked_for_and_what_goes_is_left_out() {
    let world = world(|_| {}).await;
    for name in ["kept-a", "withheld"] {
        world.vault.set(name, "value");
    }
    let keep = Keep::new(Provider::AzureKv, Some(patterns(&["kept-*"])), Default::default());
    let found = world.sources.find(&world.access, &named("", &[]), &keep).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["kept-a"]);
    let asked = world.vault.asked();
    assert!(!asked.iter().any(|asked| asked.contains("withheld")), "{asked:?}");

    let list = json!({ "value": [
        { "id": "https://v/secrets/kept-a", "attributes": { "enabled": true, "created": 1, "updated": 1 } },
        { "id": "https://v/secrets/gone", "attributes": { "enabled": true, "created": 1, "updated": 1 } },
    ], "nextLink": null });
    world.vault.answer(200, &[], list.clone());
    let want = BTreeMap::from([("kept-a".to_owned(), "value".to_owned())]);
    assert_eq!(world.found(&named("", &[])).await.unwrap(), want, "it went meanwhile");
    world.vault.set("gone", "value");
    world.vault.edit("secrets/gone", |secret| secret.enable(false));
    world.vault.answer(200, &[], list.clone());
    assert_eq!(world.found(&named("", &[])).await.unwrap(), want, "it was disabled meanwhile");
    world.vault.deny("secrets/get");
    world.vault.answer(200, &[], list);
    assert_eq!(world.found(&named("", &[])).await.unwrap_err().kind, Kind::Denied);
}

#[tokio::test]
async fn lists_have_pages_of_25_and_lead_nowhere_else() {
    let world = world(|_| {}).await;
    for number in 0..60 {
        world.vault.set(&format!("key-{number:02}"), &number.to_string());
    }
    world.vault.asked();
    assert_eq!(world.listed().await.unwrap().len(), 60);
    let asked = world.vault.asked();
    let of = |kind: &str| asked.iter().filter(|asked| asked.starts_with(&format!("GET /{kind}?"))).count();
    assert_eq!((of("secrets"), of("keys"), of("certificates")), (3, 1, 1), "{asked:?}");
    assert!(asked.iter().all(|asked| !asked.contains("/secrets/")), "no value is read: {asked:?}");
    for link in ["https://evil.example.com/secrets?$skiptoken=eyJ25", "nonsense", "/secrets?$skiptoken=eyJ25"]
    {
        world.vault.mislead(link);
        let error = world.listed().await.unwrap_err();
        assert_eq!(error.kind, Kind::Transient, "{link}: {error}");
        assert!(!error.message().contains("evil"), "{error}");
    }
    world.vault.mislead(&format!("{}/secrets?api-version=7.4&$skiptoken=eyJ25", world.vault.address()));
    let error = world.listed().await.unwrap_err();
    assert!(error.message().contains("leads back to a page"), "{error}");
}

#[tokio::test]
async fn an_identity_that_may_list_secrets_alone_sweeps_them() {
    let world = world(|_| {}).await;
    world.vault.set("db", "value");
    world.vault.set_key("k", json!({ "kty": "oct" }));
    world.vault.deny("keys/list");
    world.vault.deny("certificates/list");
    let listing = world.sources.changed_since(&world.access, None).await.unwrap();
    assert!(listing.complete);
    let names: Vec<_> = listing.keys.iter().flat_map(|each| &each.names).collect();
    assert_eq!(names, ["db"]);
    world.vault.deny("secrets/list");
    let error = world.listed().await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Fetch, Kind::Denied), "the known keys are asked for then");
    assert_eq!(world.read(&["db", "key/k"]).await[0], "value");
}

/// Lists tell versions apart by the second in which they came to be.
#[tokio::test]
async fn two_versions_of_one_second_are_told_apart_by_the_next_listing() {
    let world = world(|_| {}).await;
    world.vault.set("db", "zero");
    world.vault.stand_still(true);
    world.vault.set("db", "one");
    let first = world.one(current("db")).await.unwrap().version;
    world.vault.set("db", "two");
    world.vault.stand_still(false);
    let listed = world.listed().await.unwrap();
    let listed = listed[0].version.as_deref().unwrap();
    assert!(!first.is_listed_as(listed), "the value was read within the second in which another one came");
    let second = world.one(current("db")).await.unwrap();
    assert_eq!(told(&Ok(second.clone())), "two");
    assert!(second.version.is_listed_as(listed), "it is asked for once more and then no more");
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_nothing() {
    for (status, kind, asked) in [
        (429, Kind::Throttled, 1),
        (500, Kind::Transient, 3),
        (503, Kind::Transient, 3),
        (409, Kind::Invalid, 1),
    ] {
        let world = world(|_| {}).await;
        world.sources.validate(&world.access).await.unwrap();
        world.vault.asked();
        let headers = if status == 429 { &[("retry-after", "120")][..] } else { &[] };
        for _ in 0..asked {
            world.vault.answer(status, headers, json!({ "error": { "code": "X", "message": "hunter2" } }));
        }
        let error = world.failure("a").await;
        assert_eq!((error.step, error.kind), (Step::Fetch, kind), "{status}: {error}");
        assert_eq!(world.vault.asked().len(), asked, "{status}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        let rest = (status == 429).then_some(Duration::from_secs(120));
        assert_eq!(error.retry_after(), rest, "{status}");
    }
}
