//! Stores of CyberArk Conjur, on its double, and beside ESO's own provider.

use crate::eso_vendors as eso;
use crate::world::{CANARY, World, at, current, told};
use pawl_domain::store::{ConjurAuth, ConjurStore, ConjurToken};
use pawl_domain::{Access, Find, Keep, Kind, Provider, Step, VersionSelector};
use pawl_ports::{Sources, Wanted};
use pawl_servers::conjur::{ACCOUNT, API_KEY, Conjur, JWT, LOGIN, May};
use pawl_stores::ConjurSources;
use pawl_world::FakeClusters;
use pawl_world::contract::sources::{Held, suite};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

struct Store {
    conjur: Conjur,
    world: World<pawl_stores::Conjur>,
}

async fn store(edit: impl FnOnce(&mut ConjurStore)) -> Store {
    let conjur = Conjur::start().await.unwrap();
    let mut store = ConjurStore {
        url: conjur.address().to_owned(),
        account: ACCOUNT.to_owned(),
        auth: ConjurAuth::ApiKey { user: at("user"), key: at("key") },
        ca_bundle: None,
        ca_provider: None,
    };
    edit(&mut store);
    let world = World::of(store, &[("user", LOGIN), ("key", API_KEY), ("token", JWT)]);
    Store { conjur, world }
}

impl Store {
    /// A key, among so many that the list is read.
    async fn read_among_many(&self, key: &str) -> String {
        for number in 0..20 {
            self.conjur.set(&format!("other/{number}"), b"other");
        }
        let others = (0..20).map(|number| current(&format!("other/{number}")));
        let wanted: Vec<_> = std::iter::once(current(key)).chain(others).collect();
        let answers = self.world.sources.fetch(&self.world.access, &wanted).await;
        assert!(
            answers[1..].iter().all(|answer| told(answer) == "other"),
            "the others are read all the same"
        );
        told(&answers[0])
    }

    fn paths(&self) -> Vec<String> {
        self.conjur.asked().into_iter().map(|asked| asked.uri).filter(|uri| !uri.contains("/authn")).collect()
    }
}

impl Held for Store {
    type Sources = ConjurSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.world.sources
    }

    fn access(&self) -> &Access {
        &self.world.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        self.conjur.set(key, value.as_bytes()).to_string()
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("variables have no labels");
    }

    async fn delete(&self, key: &str) {
        self.conjur.unset(key);
    }

    fn absence(&self) -> Kind {
        Kind::Invalid
    }

    fn unknown_version(&self) -> &'static str {
        "99"
    }
}

#[tokio::test]
async fn the_double_is_a_source() {
    suite(&store(|_| {}).await).await;
}

#[tokio::test]
async fn identities_are_proven_in_each_way() {
    let jwt = |host: Option<&str>, token| ConjurAuth::Jwt {
        service: "k8s".to_owned(),
        host: host.map(str::to_owned),
        token,
    };
    let account = |audiences: &[&str]| ConjurToken::ServiceAccount {
        name: "pawl".parse().unwrap(),
        namespace: None,
        audiences: audiences.iter().map(|&audience| audience.to_owned()).collect(),
    };
    for (auth, path) in [
        (ConjurAuth::ApiKey { user: at("user"), key: at("key") }, "/authn/shop/host%2Fshop/authenticate"),
        (jwt(None, ConjurToken::Secret(at("token"))), "/authn-jwt/k8s/shop/authenticate"),
        (
            jwt(Some("host/team"), ConjurToken::Secret(at("token"))),
            "/authn-jwt/k8s/shop/host%2Fteam/authenticate",
        ),
    ] {
        let store = store(|store| store.auth = auth).await;
        store.conjur.set("a", b"value");
        assert_eq!(store.world.read(&["a"]).await, ["value"], "{path}");
        assert_eq!(store.conjur.asked()[0].uri, path);
    }
    let wrong = store(|store| store.auth = jwt(None, account(&["conjur"]))).await;
    wrong.world.clusters.add_service_account("blue/shop/pawl", &[]);
    let error = wrong.world.failure("a").await;
    assert_eq!(
        (error.step, error.kind),
        (Step::Authenticate, Kind::Denied),
        "another token than it takes: {error}"
    );
    let asked = wrong.conjur.asked();
    assert_eq!((asked.len(), asked[0].uri.as_str()), (1, "/authn-jwt/k8s/shop/authenticate"));
    assert!(asked[0].body.starts_with("jwt="), "the cluster made one");
}

#[tokio::test]
async fn tokens_are_had_anew() {
    let store = store(|_| {}).await;
    store.conjur.set("a", b"value");
    assert_eq!(store.world.read(&["a"]).await, ["value"]);
    store.conjur.expire();
    let error = store.world.failure("a").await;
    assert_eq!(
        (error.step, error.kind),
        (Step::Authenticate, Kind::Denied),
        "it was proven just now: {error}"
    );
    store.world.clock.advance(Duration::from_secs(10));
    assert_eq!(store.world.read(&["a"]).await, ["value"], "refused, and proven once more");
    store.world.clock.advance(Duration::from_secs(301));
    store.conjur.rotate("another");
    let error = store.world.failure("a").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied));
    assert!(!format!("{error:?}").contains(API_KEY), "{error:?}");
    store.world.clusters.edit("blue/shop/creds", |secret| secret.set("key", "another"));
    store.world.clock.advance(Duration::from_secs(10));
    assert_eq!(store.world.read(&["a"]).await, ["value"]);
    store.world.sources.validate(&store.world.access).await.unwrap();
}

/// Of what is not there, has no value or may not be seen, Conjur says the same: a lost permission must not make Secrets go.
#[tokio::test]
async fn nothing_counts_as_missing() {
    for may in [None, Some(May::Nothing), Some(May::Read)] {
        let store = store(|_| {}).await;
        if let Some(may) = may {
            store.conjur.set("a", b"value");
            store.conjur.let_do("a", may);
        }
        let want = if may == Some(May::Read) { Kind::Denied } else { Kind::Invalid };
        assert_eq!(store.world.failure("a").await.kind, want, "{may:?}");
        assert_eq!(store.read_among_many("a").await, want.to_string(), "{may:?}");
    }
    let store = store(|_| {}).await;
    store.conjur.make("a");
    let error = store.world.failure("a").await;
    assert_eq!(error.kind, Kind::Invalid);
    assert!(error.message().contains("does not say which"), "{error}");
}

#[tokio::test]
async fn ids_of_all_kinds_are_read_alone_and_among_others() {
    for id in ["app/db/password", "a b%2Fc?d#e&f+g'\"", "schlüssel/日本", "comma,in it", "a:b", "user:x"] {
        let store = store(|_| {}).await;
        store.conjur.set(id, b"value");
        assert_eq!(store.world.read(&[id]).await, ["value"], "{id}");
        assert_eq!(store.read_among_many(id).await, "value", "{id}");
        let find = Find { name: Some(".".to_owned()), ..Find::default() };
        assert_eq!(store.world.found(&find).await.unwrap()[id], "value", "{id}");
    }
}

#[tokio::test]
async fn values_are_bytes() {
    let bytes = [0xff, 0x00, 0xfe, b'a'].repeat(40);
    for (is_old, many) in [(false, false), (false, true), (true, true)] {
        let store = store(|_| {}).await;
        store.conjur.set("a", &bytes);
        (0..20).for_each(|number| _ = store.conjur.set(&format!("b{number}"), b"text"));
        if is_old {
            store.conjur.grow_old();
        }
        let others = (0..if many { 20 } else { 1 }).map(|number| current(&format!("b{number}")));
        let wanted: Vec<_> = std::iter::once(current("a")).chain(others).collect();
        let read = store.world.sources.fetch(&store.world.access, &wanted).await;
        assert_eq!(read[0].as_ref().unwrap().value.expose(), bytes, "{is_old} {many}");
        assert_eq!(told(&read[1]), "text");
    }
}

#[tokio::test]
async fn what_reads_and_sweeps_cost() {
    let store = store(|_| {}).await;
    for number in 0..250 {
        store.conjur.set(&format!("app/{number:03}"), b"value");
    }
    let wanted: Vec<_> = (0..250).map(|number| current(&format!("app/{number:03}"))).collect();
    let (sources, access) = (&store.world.sources, &store.world.access);
    sources.fetch(access, &wanted[..2]).await;
    assert_eq!(store.paths().len(), 4, "its version, then its value by that version");
    let listing = sources.changed_since(access, None).await.unwrap();
    assert_eq!((listing.keys.len(), listing.complete), (250, true));
    assert_eq!(store.paths().len(), 3, "100 a call");
    assert!(sources.versions(access, &wanted).await.iter().all(Result::is_ok));
    assert_eq!(store.paths().len(), 3, "100 a call");
    assert!(sources.fetch(access, &wanted).await.iter().all(Result::is_ok));
    let paths = store.paths();
    assert!(paths.len() < 10, "{paths:?}");
    assert!(paths.iter().all(|path| path.len() < 8000));
    let read: Vec<_> = paths.iter().filter(|path| path.starts_with("/secrets?")).collect();
    assert_eq!(paths.len(), 3 + read.len(), "no value is read by itself");
    let first = Wanted { selector: VersionSelector::Id("1".to_owned()), ..current("app/000") };
    store.conjur.set("app/000", b"two");
    assert_eq!(told(&sources.fetch(access, &[first]).await[0]), "value");
}

#[tokio::test]
async fn searches_find_what_has_a_value_and_may_be_read() {
    let store = store(|_| {}).await;
    let find = |name: Option<&str>, tags: &[(&str, &str)]| Find {
        name: name.map(str::to_owned),
        tags: tags.iter().map(|&(tag, value)| (tag.to_owned(), value.to_owned())).collect(),
        ..Find::default()
    };
    for (id, team) in [("app/a", "shop"), ("app/b", "other"), ("web/a", "shop")] {
        store.conjur.set(id, id.as_bytes());
        store.conjur.annotate(id, "team", team);
    }
    store.conjur.make("app/empty");
    let of = |ids: &[&str]| -> BTreeMap<String, String> {
        ids.iter().map(|&id| (id.to_owned(), id.to_owned())).collect()
    };
    assert_eq!(store.world.found(&find(Some("^app/"), &[])).await.unwrap(), of(&["app/a", "app/b"]));
    assert_eq!(store.world.found(&find(None, &[("team", "shop")])).await.unwrap(), of(&["app/a", "web/a"]));
    for (refused, kind) in [
        (find(None, &[]), Kind::Invalid),
        (find(Some("a("), &[]), Kind::Invalid),
        (find(Some("^nothing"), &[]), Kind::Invalid),
        (find(None, &[("team", "none")]), Kind::Invalid),
        (find(Some("a"), &[("team", "shop")]), Kind::Invalid),
    ] {
        assert_eq!(store.world.found(&refused).await.unwrap_err().kind, kind, "{refused:?}");
    }
    store.conjur.let_do("app/b", May::Read);
    assert_eq!(store.world.found(&find(Some("^app/"), &[])).await.unwrap_err().kind, Kind::Denied);
    let patterns = Some(pawl_world::build::patterns(&["app/a"]));
    let keep = Keep::new(Provider::Conjur, patterns, Default::default());
    let found =
        store.world.sources.find(&store.world.access, &find(Some("^app/"), &[]), &keep).await.unwrap();
    assert_eq!(found.into_keys().collect::<Vec<_>>(), ["app/a"], "what is not kept is not asked for");
    let listing = store.world.sources.changed_since(&store.world.access, None).await.unwrap();
    let empty = listing.keys.iter().find(|listed| listed.names.contains("app/empty")).unwrap();
    assert_eq!((&empty.version, empty.tags.as_ref().map(BTreeMap::len)), (&None, Some(0)));
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_nothing() {
    for (status, kind, asked) in [
        (400, Kind::Invalid, 1),
        (403, Kind::Denied, 1),
        (404, Kind::Invalid, 1),
        (302, Kind::Invalid, 1),
        (422, Kind::Invalid, 1),
        (429, Kind::Throttled, 1),
        (500, Kind::Transient, 3),
        (503, Kind::Transient, 3),
    ] {
        let store = store(|_| {}).await;
        store.world.sources.validate(&store.world.access).await.unwrap();
        store.conjur.asked();
        let headers = match status {
            429 => &[("retry-after", "120")][..],
            302 => &[("location", "https://elsewhere.example.com/")],
            _ => &[],
        };
        (0..asked).for_each(|_| store.conjur.answer(status, headers));
        let error = store.world.failure("a").await;
        assert_eq!((error.step, error.kind), (Step::Fetch, kind), "{status}: {error}");
        assert_eq!(store.conjur.asked().len(), asked, "{status}");
        assert!(
            error.message().starts_with(&format!("conjur at {}: a: ", store.conjur.address())),
            "{error}"
        );
        assert_eq!(error.retry_after(), (status == 429).then_some(Duration::from_secs(120)), "{status}");
    }
    let store = store(|_| {}).await;
    store.conjur.set("a", b"value");
    store.conjur.answer(502, &[]);
    assert_eq!(store.world.read(&["a"]).await, ["value"], "a failure of the moment passes");
    store.conjur.set("b", CANARY.as_bytes());
    let shown = format!("{:?}", store.world.sources.fetch(&store.world.access, &[current("b")]).await);
    assert!(!shown.contains(CANARY), "{shown}");
}

const COMMON: &str = r#"{"conjur":{"url":"$SERVER","auth":{"apikey":{"account":"shop","userRef":{"name":"creds","key":"user"},
    "apiKeyRef":{"name":"creds","key":"key"}}}}}"#;

/// Where Pawl does otherwise on purpose: what it gives.
const DEPARTURES: &[(&str, &str)] = &[
    // What ESO passes over is refused, with what to write.
    ("find name and tags", "error"),
    ("find nothing at all", "error"),
    ("find empty tags", "error"),
    ("find a path has no effect", "error"),
    // One that nobody gave a value yet does not hold up the others, nor does the sign that ESO parts ids by.
    ("find with one without a value", r#"{"app_a":"1","app_b":"2"}"#),
    ("find a comma in an id", r#"{"a,b":"1","c":"2"}"#),
];

#[tokio::test]
async fn manifests_give_what_those_of_eso_do() {
    let cases = eso::cases(include_str!("data/conjur.jsonl"));
    let mut gave = Vec::new();
    for case in &cases {
        let store = store(|_| {}).await;
        for (id, variable) in case.state.as_object().into_iter().flatten() {
            store.conjur.make(id);
            let values = variable["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
            values.for_each(|value| _ = store.conjur.set(id, value.as_bytes()));
            for (name, value) in variable["annotations"].as_object().into_iter().flatten() {
                store.conjur.annotate(id, name, value.as_str().unwrap());
            }
            match variable["may"].as_str() {
                Some("nothing") => store.conjur.let_do(id, May::Nothing),
                Some("read") => store.conjur.let_do(id, May::Read),
                _ => {}
            }
        }
        gave.push((case, case.played(&store.world.sources, COMMON, store.conjur.address()).await));
    }
    eso::same(&gave, DEPARTURES);
    assert!(gave.len() >= 80, "nothing of the table was left out");
}
