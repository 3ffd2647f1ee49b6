//! The fake clusters answer as API servers do.

#![allow(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::reconcile::{Action, Existing, Replacement, decide};
use pawl_domain::{Declaration, DeclarationId, Kind, ObjectName, Rendered, SecretValue};
use pawl_ports::{ClusterCredentials, Clusters, Error, Ports, TargetRef};
use pawl_world::build::{cluster_name, id, namespace, object_name};
use pawl_world::{Calls, Fault, Point, World, cluster, declaration};
use std::collections::BTreeMap;

fn world() -> (World, Declaration) {
    let world = World::new();
    world.add_cluster(cluster("blue"));
    let db = world.declare(declaration("blue/shop/db").reads("app/db").label("team", "shop"));
    (world, db)
}

fn data(pairs: &[(&str, &str)]) -> BTreeMap<String, SecretValue> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), SecretValue::new(*value))).collect()
}

fn replacement(db: &Declaration, pairs: &[(&str, &str)]) -> Replacement {
    Replacement::of(db, &Rendered::plain(data(pairs)))
}

async fn read(world: &World, db: &Declaration) -> Option<Existing> {
    world.clusters().read(TargetRef::secret(&db.id, &db.target.name)).await.unwrap()
}

async fn write(world: &World, db: &Declaration, pairs: &[(&str, &str)]) -> Result<Option<String>, Error> {
    let existing = read(world, db).await;
    let action = decide(db, &Rendered::plain(data(pairs)), existing.as_ref()).action;
    world.clusters().apply(TargetRef::secret(&db.id, &db.target.name), &action).await
}

fn kind<T>(result: Result<T, Error>) -> Kind {
    result.map(|_| ()).unwrap_err().kind
}

#[tokio::test]
async fn writes_are_conditional_on_what_was_read() {
    let (world, db) = world();
    assert_eq!(read(&world, &db).await.map(|_| ()), None);
    let (target, create) = (&db.target.name, decide(&db, &Rendered::plain(data(&[("a", "1")])), None).action);
    let first = world.clusters().apply(TargetRef::secret(&db.id, target), &create).await.unwrap().unwrap();
    assert_eq!(
        kind(world.clusters().apply(TargetRef::secret(&db.id, target), &create).await),
        Kind::Conflict,
        "created before"
    );
    let old = read(&world, &db).await.unwrap();
    assert_eq!(old.resource_version, first);

    world.clusters().edit("blue/shop/db", |secret| secret.set("b", "theirs"));
    let update = decide(&db, &Rendered::plain(data(&[("a", "2")])), Some(&old)).action;
    assert_eq!(
        kind(world.clusters().apply(TargetRef::secret(&db.id, target), &update).await),
        Kind::Conflict,
        "edited meanwhile"
    );
    let second = replacement(&db, &[("a", "2")]);
    let replaced = world.clusters().replace(&db.id, target, &first, &second).await;
    assert_eq!(kind(replaced), Kind::Conflict, "edited meanwhile");
    let delete = Action::Delete { uid: old.uid.clone(), resource_version: first };
    assert_eq!(
        kind(world.clusters().apply(TargetRef::secret(&db.id, target), &delete).await),
        Kind::Conflict,
        "edited meanwhile"
    );

    write(&world, &db, &[("a", "2")]).await.unwrap();
    assert_eq!(world.data("blue/shop/db"), BTreeMap::from([("a".to_owned(), "2".to_owned())]));
    let now = read(&world, &db).await.unwrap();
    let third = world
        .clusters()
        .replace(&db.id, target, &now.resource_version, &replacement(&db, &[("c", "3")]))
        .await;
    let after = read(&world, &db).await.unwrap();
    assert_eq!(
        (third.unwrap(), after.uid),
        (after.resource_version, old.uid),
        "the same object in a new version"
    );
    let history: Vec<_> =
        world.clusters().history("blue/shop/db").into_iter().map(|data| data.len()).collect();
    assert_eq!(history, [1, 2, 1, 1]);

    world.clusters().delete("blue/shop/db");
    let gone = world
        .clusters()
        .replace(&db.id, target, &now.resource_version, &replacement(&db, &[("c", "3")]))
        .await;
    assert_eq!(kind(gone), Kind::Conflict, "the target is gone");
    assert_eq!(world.calls().replaces, 3);
    assert_eq!(world.calls().target_writes(), 8);
}

#[tokio::test]
async fn a_write_that_changes_nothing_makes_no_new_version() {
    let (world, db) = world();
    let first = write(&world, &db, &[("a", "1")]).await.unwrap().unwrap();
    let again =
        world.clusters().replace(&db.id, &db.target.name, &first, &replacement(&db, &[("a", "1")])).await;
    assert_eq!(again.unwrap(), first);
    world.forget_calls();
    assert_eq!(write(&world, &db, &[("a", "1")]).await.unwrap(), None, "decided to leave it");
    assert_eq!(read(&world, &db).await.unwrap().resource_version, first);
    world.forget_calls();
    write(&world, &db, &[("a", "1")]).await.unwrap();
    assert_eq!(world.calls(), Calls { reads: 1, ..Calls::default() });
}

#[tokio::test]
async fn managers_own_what_they_changed() {
    let (world, _) = world();
    world.clusters().edit("blue/shop/db", |secret| {
        secret.set("theirs", "1");
        secret.labels.insert("team".to_owned(), "shop".to_owned());
    });
    let merge =
        declaration("blue/shop/db").reads("app/db").creation(pawl_domain::declaration::CreationPolicy::Merge);
    let merge = merge.label("mine", "yes").label("team", "shop").build();
    write(&world, &merge, &[("ours", "1")]).await.unwrap();
    let own = read(&world, &merge).await.unwrap().own;
    assert_eq!(own.data.into_iter().collect::<Vec<_>>(), ["ours"]);
    assert!(own.labels.contains("mine") && !own.labels.contains("team"), "what stood there is not ours");
    write(&world, &merge, &[("other", "1")]).await.unwrap();
    let keys: Vec<String> = world.data("blue/shop/db").into_keys().collect();
    assert_eq!(keys, ["other", "theirs"], "what we own and do not want any more goes");
    let foreign = world
        .clusters()
        .read(TargetRef::secret(&id("blue/shop/foreign"), &object_name("db")))
        .await
        .unwrap()
        .unwrap();
    assert!(foreign.own.data.is_empty(), "another declaration has another manager");
}

#[tokio::test]
async fn what_an_api_server_refuses_is_refused() {
    let (world, db) = world();
    let version = write(&world, &db, &[("a", "1")]).await.unwrap().unwrap();
    let replace = async |version: &str, pairs: &[(&str, &str)]| {
        kind(world.clusters().replace(&db.id, &db.target.name, version, &replacement(&db, pairs)).await)
    };
    assert_eq!(replace(&version, &[("a b", "1")]).await, Kind::Invalid);
    assert_eq!(replace(&version, &[("a", &"x".repeat(1024 * 1024 + 1))]).await, Kind::Invalid);
    world.clusters().edit("blue/shop/db", |secret| secret.immutable = true);
    let frozen = read(&world, &db).await.unwrap().resource_version;
    assert_eq!(replace(&frozen, &[("a", "2")]).await, Kind::Conflict, "it must be read first");
    assert_eq!(world.value("blue/shop/db", "a").as_deref(), Some("1"), "what is refused changes nothing");

    world.clusters().remove_namespace(&cluster_name("blue"), &namespace("shop"));
    assert_eq!(kind(write(&world, &db, &[("a", "1")]).await), Kind::NotFound);
    let labels = world.clusters().namespace_labels(&cluster_name("blue"), &namespace("shop")).await;
    assert_eq!(kind(labels), Kind::NotFound);
    let unknown = world.clusters().read(TargetRef::secret(&id("green/shop/db"), &object_name("db"))).await;
    assert_eq!(kind(unknown), Kind::NotFound);
}

#[tokio::test]
async fn only_owned_targets_are_deleted() {
    let (world, db) = world();
    let delete = async |id: &DeclarationId| {
        world
            .clusters()
            .delete_owned(TargetRef::secret(id, &"db".parse::<ObjectName>().unwrap()))
            .await
            .unwrap()
    };
    assert!(!delete(&db.id).await, "there is none");
    write(&world, &db, &[("a", "1")]).await.unwrap();
    assert!(!delete(&id("blue/shop/other")).await, "another declaration made it");
    assert_eq!(world.clusters().managed(&cluster_name("blue")).await.unwrap().len(), 1);
    assert!(delete(&db.id).await);
    assert!(world.clusters().secret("blue/shop/db").is_none());
    assert_eq!(world.clusters().managed(&cluster_name("blue")).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_cluster_fails_alone() {
    let (world, db) = world();
    world.add_cluster(cluster("green"));
    let green = world.declare(declaration("green/shop/db").reads("app/db"));
    world.inject(Fault::down("blue"));
    assert_eq!(
        kind(world.clusters().read(TargetRef::secret(&db.id, &db.target.name)).await),
        Kind::Unreachable
    );
    assert_eq!(kind(world.clusters().managed(&cluster_name("blue")).await), Kind::Unreachable);
    write(&world, &green, &[("a", "1")]).await.unwrap();
    world.mend("blue");
    world.inject(Fault::forbidden("blue/shop").times(1));
    assert_eq!(kind(world.clusters().read(TargetRef::secret(&db.id, &db.target.name)).await), Kind::Denied);
    world.inject(Fault::lost_answer().at(Point::Write).on("blue").times(1));
    assert_eq!(kind(write(&world, &db, &[("a", "1")]).await), Kind::Unreachable);
    assert_eq!(world.value("blue/shop/db", "a").as_deref(), Some("1"), "it was written all the same");
}

#[tokio::test]
async fn credentials_are_read_where_they_are() {
    let (world, _) = world();
    let (blue, shop) = (cluster_name("blue"), namespace("shop"));
    world.clusters().edit("blue/shop/keys", |secret| secret.set("id", "AKIA"));
    world
        .clusters()
        .add_service_account("blue/shop/reader", &[("eks.amazonaws.com/role-arn", "arn:aws:iam::1:role/r")]);
    let at =
        |key: &str| SecretKeyAt { namespace: shop.clone(), name: object_name("keys"), key: key.to_owned() };
    let found = world.clusters().secret_key(&blue, &at("id")).await.unwrap();
    assert_eq!(found.expose(), b"AKIA");
    assert_eq!(kind(world.clusters().secret_key(&blue, &at("secret")).await), Kind::NotFound);
    let whole =
        ClusterCredentials::secret(world.clusters(), &blue, &shop, &object_name("keys")).await.unwrap();
    assert_eq!(whole.data["id"].expose(), b"AKIA");
    assert_eq!(
        kind(ClusterCredentials::secret(world.clusters(), &blue, &shop, &object_name("none")).await),
        Kind::NotFound
    );
    let annotations = world.clusters().service_account(&blue, &shop, &object_name("reader")).await.unwrap();
    assert_eq!(annotations["eks.amazonaws.com/role-arn"], "arn:aws:iam::1:role/r");
    let audiences = ["sts.amazonaws.com".to_owned()];
    let token =
        world.clusters().service_account_token(&blue, &shop, &object_name("reader"), &audiences).await;
    assert_eq!(token.unwrap().expose_str(), Some("token blue/shop/reader for sts.amazonaws.com"));
    let missing =
        world.clusters().service_account_token(&blue, &shop, &object_name("none"), &audiences).await;
    assert_eq!(kind(missing), Kind::NotFound);
}
