//! Stores of GitLab, on its double.

use pawl_domain::store::{Backend, GitLabStore, SecretKeyRef};
use pawl_domain::{
    Access, DigestKey, Fetched, Find, Grant, Keep, Kind, Provider, SecretValue, Step, VersionSelector,
};
use pawl_ports::{Error, Part, Sources, Wanted};
use pawl_servers::gitlab::{GitLab, TOKEN};
use pawl_stores::GitLabSources;
use pawl_stores::kit::Bounds;
use pawl_world::build::{cluster_name, namespace};
use pawl_world::contract::sources::{Held, suite};
use pawl_world::{FakeClock, FakeClusters};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A GitLab, and a store that reads project 1 of it.
struct World {
    gitlab: GitLab,
    clusters: Arc<FakeClusters>,
    clock: FakeClock,
    sources: GitLabSources<FakeClusters>,
    access: Access,
}

async fn world(edit: impl FnOnce(&mut GitLabStore)) -> World {
    let gitlab = GitLab::start().await.unwrap();
    let clusters = Arc::new(FakeClusters::default());
    clusters.add(&cluster_name("blue"));
    clusters.edit("blue/shop/gitlab", |secret| secret.set("token", TOKEN));
    let mut store = GitLabStore {
        url: gitlab.address().to_owned(),
        access_token: SecretKeyRef {
            name: "gitlab".parse().unwrap(),
            key: "token".to_owned(),
            namespace: None,
        },
        project_id: Some("1".to_owned()),
        inherit_from_groups: false,
        group_ids: Vec::new(),
        environment: None,
        ca_bundle: None,
        ca_provider: None,
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
    let sources = GitLabSources::new(Arc::clone(&clusters), Arc::new(clock.clone()), digest_key());
    let sources = sources.bounded(bounds);
    let access = Access {
        backend: Backend::from(store),
        cluster: Some(cluster_name("blue")),
        namespace: Some(namespace("shop")),
        tags: None,
        grant: Grant::default(),
    };
    World { gitlab, clusters, clock, sources, access }
}

fn digest_key() -> DigestKey {
    DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap()
}

fn digest(value: &str) -> String {
    digest_key().parts().with(value).digest()
}

fn current(key: &str) -> Wanted {
    Wanted { key: key.to_owned(), selector: VersionSelector::Current, part: Part::Value }
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

    /// The same, of a key among so many that the lists are read.
    async fn read_among_many(&self, key: &str) -> String {
        let others = (0..20).map(|number| current(&format!("other_{number}")));
        let wanted: Vec<_> = std::iter::once(current(key)).chain(others).collect();
        told(&self.sources.fetch(&self.access, &wanted).await[0])
    }

    async fn failure(&self, key: &str) -> Error {
        self.sources.fetch(&self.access, &[current(key)]).await.remove(0).unwrap_err()
    }

    async fn found(&self, find: &Find) -> Result<BTreeMap<String, String>, Error> {
        let found = self.sources.find(&self.access, find, &Keep::everything(Provider::GitLab)).await?;
        let text = |fetched: Fetched| fetched.value.expose_str().unwrap().to_owned();
        Ok(found.into_iter().map(|(key, fetched)| (key, text(fetched))).collect())
    }
}

impl Held for World {
    type Sources = GitLabSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        self.gitlab.set("projects/1", &self.key(key), "*", Some(value));
        digest(value)
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("variables have no labels");
    }

    async fn delete(&self, key: &str) {
        self.gitlab.unset("projects/1", &self.key(key));
    }

    fn unknown_version(&self) -> &'static str {
        "99"
    }

    fn key(&self, name: &str) -> String {
        name.replace('-', "_")
    }
}

#[tokio::test]
async fn the_double_is_a_source() {
    suite(&world(|_| {}).await).await;
    suite(&world(|store| store.environment = Some("production".to_owned())).await).await;
}

#[tokio::test]
async fn the_project_counts_before_groups_and_a_scope_before_all_scopes() {
    let all = ["both", "scoped", "group", "nearest", "far", "other", "gone"];
    for (environment, want) in [
        (None, ["project", "prod", "g2", "g2", "g1", "staging", "not-found"]),
        (Some("prod"), ["project", "prod", "g2", "g2", "g1", "not-found", "not-found"]),
        (Some("*"), ["project", "not-found", "g2", "g2", "g1", "not-found", "not-found"]),
    ] {
        for inherits in [false, true] {
            let world = world(|store| {
                store.environment = environment.map(str::to_owned);
                match inherits {
                    true => store.inherit_from_groups = true,
                    false => store.group_ids = vec!["1".to_owned(), "2".to_owned()],
                }
            })
            .await;
            world.gitlab.put_in("1", &[(2, "company/shop"), (1, "company")]);
            for (owner, key, scope, value) in [
                ("projects/1", "both", "*", "project"),
                ("groups/1", "both", "*", "group"),
                ("projects/1", "scoped", "prod", "prod"),
                ("groups/2", "group", "*", "g2"),
                ("groups/1", "nearest", "prod", "g1"),
                ("groups/2", "nearest", "*", "g2"),
                ("groups/1", "far", "*", "g1"),
                ("projects/1", "other", "staging", "staging"),
            ] {
                world.gitlab.set(owner, key, scope, Some(value));
            }
            assert_eq!(world.read(&all).await, want, "{environment:?} {inherits}");
            for (key, want) in all.into_iter().zip(want) {
                assert_eq!(world.read_among_many(key).await, want, "{environment:?} {inherits} {key}");
            }
        }
    }
}

#[tokio::test]
async fn a_name_in_several_scopes_wants_a_scope() {
    let world = world(|_| {}).await;
    world.gitlab.set("projects/1", "a", "*", Some("any"));
    world.gitlab.set("projects/1", "a", "prod", Some("prod"));
    let error = world.failure("a").await;
    assert_eq!(error.kind, Kind::Invalid);
    assert!(error.message().ends_with("set the store's environment"), "{error}");
    assert_eq!(world.read_among_many("a").await, "invalid");
}

#[tokio::test]
async fn groups_are_read_without_a_project() {
    let world = world(|store| {
        store.project_id = None;
        store.group_ids = vec!["team/a".to_owned()];
    })
    .await;
    world.gitlab.set("groups/team/a", "a", "*", Some("value"));
    assert_eq!(world.read(&["a", "b"]).await, ["value", "not-found"]);
    assert!(world.gitlab.asked().iter().all(|asked| asked.starts_with("/api/v4/groups/team%2Fa/")));
    let find = Find { name: Some("a".to_owned()), ..Find::default() };
    assert_eq!(world.found(&find).await.unwrap(), BTreeMap::from([("a".to_owned(), "value".to_owned())]));
}

/// A token that lost its rights must not make Secrets go.
#[tokio::test]
async fn a_project_that_is_not_seen_is_no_missing_variable() {
    let world = world(|store| store.group_ids = vec!["1".to_owned()]).await;
    world.gitlab.set("projects/1", "a", "*", Some("project"));
    world.gitlab.set("groups/1", "a", "*", Some("group"));
    assert_eq!(world.read(&["a", "b"]).await, ["project", "not-found"]);
    world.gitlab.hide("projects/1");
    assert_eq!(world.read(&["a", "b"]).await, ["invalid", "invalid"]);
    assert_eq!(world.read_among_many("b").await, "invalid");
    let error = world.failure("b").await;
    assert!(error.message().contains("there is no project 1, or the token does not see it"), "{error}");
    world.gitlab.make("projects/1");
    world.gitlab.hide("groups/1");
    assert_eq!(world.read(&["b"]).await, ["invalid"]);
}

#[tokio::test]
async fn values_that_are_hidden_or_empty_are_none() {
    let world = world(|_| {}).await;
    world.gitlab.set("projects/1", "empty", "*", Some(""));
    world.gitlab.set("projects/1", "hidden", "*", None);
    assert_eq!(world.read(&["empty", "hidden"]).await, ["invalid", "invalid"]);
    assert_eq!(world.read_among_many("hidden").await, "invalid");
}

#[tokio::test]
async fn searches_find_what_eso_finds() {
    let world = world(|store| store.group_ids = vec!["1".to_owned(), "2".to_owned()]).await;
    for (owner, key, scope, value) in [
        ("groups/1", "app_a", "*", "g1"),
        ("groups/2", "app_a", "*", "g2"),
        ("groups/1", "app_b", "*", "g1"),
        ("groups/2", "app_b", "prod", "g2 prod"),
        ("projects/1", "app_b", "*", "project"),
        ("projects/1", "app_c", "prod", "prod"),
        ("projects/1", "app_c", "*", "any"),
        ("projects/1", "app_d", "staging", "staging"),
        ("projects/1", "web", "*", "web"),
    ] {
        world.gitlab.set(owner, key, scope, Some(value));
    }
    let find = |scope: Option<&str>| Find {
        name: Some("^app".to_owned()),
        tags: scope.map(|scope| ("environment_scope".to_owned(), scope.to_owned())).into_iter().collect(),
        ..Find::default()
    };
    let all = [("app_a", "g1"), ("app_b", "project"), ("app_c", "prod"), ("app_d", "staging")];
    for (scope, want) in [(None, &all[..]), (Some("*"), &all), (Some("prod"), &all[..3])] {
        let want = want.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        assert_eq!(world.found(&find(scope)).await.unwrap(), want, "{scope:?}");
    }
    for refused in [
        Find::default(),
        Find { path: Some("a".to_owned()), ..find(None) },
        Find { name: Some("a(".to_owned()), ..find(None) },
    ] {
        assert_eq!(world.found(&refused).await.unwrap_err().kind, Kind::Invalid, "{refused:?}");
    }
}

#[tokio::test]
async fn all_pages_are_read_whether_or_not_headers_tell_of_them() {
    let world = world(|_| {}).await;
    for number in 0..250 {
        world.gitlab.set("projects/1", &format!("key_{number}"), "*", Some(&number.to_string()));
    }
    let find = Find { name: Some("key".to_owned()), ..Find::default() };
    assert_eq!(world.found(&find).await.unwrap().len(), 250);
    assert_eq!(world.gitlab.asked().len(), 3);
    world.gitlab.hide_pages();
    assert_eq!(world.found(&find).await.unwrap().len(), 250);
    assert_eq!(world.gitlab.asked().len(), 3);
    // A sweep of many keys costs the lists, of few a call for each.
    let wanted: Vec<_> = (0..200).map(|number| current(&format!("key_{number}"))).collect();
    let versions = world.sources.versions(&world.access, &wanted).await;
    assert_eq!(versions[7].as_ref().unwrap().id, digest("7"));
    assert_eq!(world.gitlab.asked().len(), 3);
    world.sources.versions(&world.access, &wanted[..3]).await;
    assert_eq!(world.gitlab.asked().len(), 3);
}

#[tokio::test]
async fn a_rotated_token_is_read_again() {
    let world = world(|_| {}).await;
    world.gitlab.set("projects/1", "a", "*", Some("value"));
    assert_eq!(world.read(&["a"]).await, ["value"]);
    world.gitlab.rotate("glpat-new");
    world.clock.advance(Duration::from_secs(10));
    let error = world.failure("a").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "the Secret has the old one");
    assert!(!format!("{error:?}").contains("glpat"), "{error:?}");
    world.clusters.edit("blue/shop/gitlab", |secret| secret.set("token", "glpat-new"));
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.read(&["a"]).await, ["value"]);
}

#[tokio::test]
async fn stores_are_validated_by_what_they_list() {
    let world = world(|store| store.group_ids = vec!["1".to_owned()]).await;
    world.gitlab.make("groups/1");
    world.sources.validate(&world.access).await.unwrap();
    world.gitlab.hide("groups/1");
    let error = world.sources.validate(&world.access).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid), "{error}");
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_nothing() {
    for (status, kind, asked) in [
        (400, Kind::Invalid, 1),
        (403, Kind::Denied, 1),
        (404, Kind::Invalid, 1),
        (302, Kind::Invalid, 1),
        (429, Kind::Throttled, 1),
        (500, Kind::Transient, 3),
        (503, Kind::Transient, 3),
    ] {
        let world = world(|_| {}).await;
        let headers = match status {
            429 => &[("retry-after", "120")][..],
            302 => &[("location", "https://elsewhere.example.com/api/v4/projects/1/variables/a")],
            _ => &[],
        };
        for _ in 0..asked {
            world.gitlab.answer(status, headers);
        }
        let error = world.failure("a").await;
        assert_eq!((error.step, error.kind), (Step::Fetch, kind), "{status}: {error}");
        assert_eq!(world.gitlab.asked().len(), asked, "{status}");
        assert!(
            error.message().starts_with(&format!("gitlab at {}: a of project 1: ", world.gitlab.address()))
        );
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        let rest = (status == 429).then_some(Duration::from_secs(120));
        assert_eq!(error.retry_after(), rest, "{status}");
    }
    let world = world(|_| {}).await;
    world.gitlab.set("projects/1", "a", "*", Some("value"));
    world.gitlab.answer(502, &[]);
    assert_eq!(world.read(&["a"]).await, ["value"], "a failure of the moment passes");
}
