//! What a sweep of a vault asks, and what it sees that Event Grid never tells.

use super::{World, current, told, wanted, world};
use pawl_domain::Version;
use pawl_ports::{Listed, Part, Sources};
use serde_json::json;
use std::collections::BTreeMap;

/// How often each list was asked for, and whether anything else was.
fn lists(world: &World) -> (BTreeMap<String, usize>, bool) {
    let (mut lists, mut only_lists) = (BTreeMap::new(), true);
    for asked in world.vault.asked() {
        match asked.strip_prefix("GET /").and_then(|path| path.split_once('?')) {
            Some((kind @ ("secrets" | "keys" | "certificates"), query)) => {
                assert!(query.contains("maxresults=25"), "{asked}");
                *lists.entry(kind.to_owned()).or_default() += 1;
            }
            _ => only_lists = false,
        }
    }
    (lists, only_lists)
}

async fn listed(world: &World) -> BTreeMap<String, Listed> {
    let keys = world.listed().await.unwrap();
    keys.into_iter().map(|listed| (listed.names.iter().next().unwrap().clone(), listed)).collect()
}

#[tokio::test]
async fn ten_thousand_unchanged_secrets_are_one_listing_of_400_pages() {
    let world = world(|_| {}).await;
    for number in 0..10_000 {
        world.vault.set(&format!("s{number}"), "hunter2");
    }
    world.sources.validate(&world.access).await.unwrap();
    world.vault.asked();
    let first = listed(&world).await;
    assert_eq!(first.len(), 10_000);
    let pages =
        [("certificates", 1), ("keys", 1), ("secrets", 400)].map(|(kind, asked)| (kind.to_owned(), asked));
    assert_eq!(lists(&world), (BTreeMap::from(pages), true), "402 calls, and no value is read");
    let second = listed(&world).await;
    let unchanged =
        |name: &String| first[name].version.is_some() && first[name].version == second[name].version;
    assert!(first.keys().all(unchanged), "nothing changed");
}

/// Event Grid tells of new versions. It never tells that one was deleted, disabled, enabled or tagged, or that its end moved.
#[tokio::test]
async fn what_event_grid_never_tells_is_seen_by_the_next_listing() {
    let world = world(|_| {}).await;
    for name in ["deleted", "disabled", "tagged", "limited", "same"] {
        world.vault.set(name, name);
    }
    world.vault.set_key("k", json!({ "kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ" }));
    let (mut read, mut tags) = (BTreeMap::new(), BTreeMap::new());
    for name in ["deleted", "disabled", "tagged", "limited", "same", "key/k"] {
        read.insert(name, world.one(current(name)).await.unwrap().version);
        tags.insert(name, world.one(wanted(name, None, Part::Metadata)).await.unwrap().version.id);
    }
    let is_current = |listed: &Listed, name: &str| {
        listed.version.as_deref().is_some_and(|version| read[name].is_listed_as(version))
    };
    let has_tags =
        |listed: &Listed, name: &str| Version::id_of_tags(listed.tags.as_ref().unwrap()) == tags[name];
    let before = listed(&world).await;
    assert!(read.keys().all(|name| is_current(&before[*name], name) && has_tags(&before[*name], name)));

    world.vault.delete("secrets/deleted");
    world.vault.edit("secrets/disabled", |secret| secret.enable(false));
    world.vault.edit("secrets/tagged", |secret| secret.tag("team", "shop"));
    world.vault.edit("secrets/limited", |secret| secret.limit(1_577_836_800, 1_893_456_000));
    world.vault.delete("keys/k");
    let after = listed(&world).await;
    assert!(
        !after.contains_key("deleted") && !after.contains_key("key/k"),
        "a whole listing without a key tells it"
    );
    assert_eq!(after["disabled"].version, None, "it is there, and cannot be read");
    assert!(is_current(&after["tagged"], "tagged") && !has_tags(&after["tagged"], "tagged"));
    assert!(after["tagged"].changed > before["tagged"].changed);
    assert!(is_current(&after["limited"], "limited") && after["limited"].changed > before["limited"].changed);
    assert!(is_current(&after["same"], "same") && has_tags(&after["same"], "same"));
    assert_eq!(told(&world.one(current("deleted")).await), "not-found");

    world.vault.edit("secrets/disabled", |secret| secret.enable(true));
    assert!(is_current(&listed(&world).await["disabled"], "disabled"), "enabled again, it is what it was");
}
