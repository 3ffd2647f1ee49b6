//! A document that cannot be read hurts nobody: the part of the contracts of [`Registry`], [`Catalogue`] and [`Ledger`]
//! that needs somebody who damages what is stored.

use super::registry::patterns::pattern;
use crate::build::{
    at, cluster, cluster_name, declaration, id, index_keys, policy, secrets_manager, store_id,
};
use pawl_domain::record::State;
use pawl_domain::{Cluster, Declaration, DeclarationId, Home, Outcome, Record, Store, Version, Versions};
use pawl_ports::{Catalogue, DocumentKind, Ledger, Put, Registry, Scope};
use std::collections::BTreeSet;

/// What a document is turned into. All of them are seen in practice: a field that a version of Pawl does not write, a
/// document of a later version, one that was cut off, and none at all.
pub const DAMAGES: [fn(&str) -> String; 4] = [
    |text| {
        text.replacen("\"id\":", "\"was\":", 1)
            .replacen("\"name\":", "\"was\":", 1)
            .replacen("\"at\":", "\"was\":", 1)
    },
    |text| text.replacen("\"version\":1", "\"version\":1000", 1),
    |text| text.chars().take(text.chars().count() / 2).collect(),
    |_| String::new(),
];

/// Runs every case of the registry. `make` makes an empty one; `damage` replaces the stored document of this kind and
/// id by what the function makes of its text.
pub async fn registry<R: Registry + Catalogue>(
    make: impl AsyncFn() -> R,
    damage: impl AsyncFn(&R, DocumentKind, &str, fn(&str) -> String),
) {
    for turn in DAMAGES {
        declarations(&make().await, async |registry, id| {
            damage(registry, DocumentKind::Declaration, id, turn).await
        })
        .await;
        stores(&make().await, async |registry, id| damage(registry, DocumentKind::Store, id, turn).await)
            .await;
        clusters(&make().await, async |registry, id| damage(registry, DocumentKind::Cluster, id, turn).await)
            .await;
        patterns(&make().await, async |registry, id| damage(registry, DocumentKind::Pattern, id, turn).await)
            .await;
        policies(&make().await, async |registry, id| damage(registry, DocumentKind::Policy, id, turn).await)
            .await;
    }
}

/// Runs every case of the ledger; as [`registry`].
pub async fn ledger<L: Ledger>(
    make: impl AsyncFn() -> L,
    damage: impl AsyncFn(&L, &DeclarationId, fn(&str) -> String),
) {
    for turn in DAMAGES {
        for (old, new) in
            [(settled(1), settled(2)), (settled(1), open()), (open(), settled(2)), (open(), open())]
        {
            records(&make().await, &old, &new, async |ledger, id| damage(ledger, id, turn).await).await;
        }
    }
}

async fn declarations<R: Registry + Catalogue>(registry: &R, damage: impl AsyncFn(&R, &str)) {
    let all: Vec<Declaration> = ["blue/shop/a", "blue/shop/b", "blue/shop/c", "blue/shop/d"]
        .map(|text| declaration(text).reads("k").build())
        .to_vec();
    let keys = index_keys(["k"]);
    for each in &all {
        registry.put(each, &keys, None).await.unwrap();
    }
    damage(registry, "blue/shop/b").await;
    let ids: Vec<_> = all.iter().map(|each| each.id.clone()).collect();
    let good: Vec<_> = all.iter().filter(|each| each.id != all[1].id).cloned().collect();

    assert_eq!(registry.declarations(&ids).await.unwrap(), good, "a damaged declaration is left out");
    assert_eq!(registry.declarations(&ids[1..2]).await.unwrap(), [], "and is no error where it is alone");
    assert_eq!(registry.candidates(&keys).await.unwrap(), ids, "its index keys stand");
    let cluster = Scope::Cluster(cluster_name("blue"));
    for scope in [Scope::All, cluster, Scope::Home(Home::Applied), Scope::Store(store_id("aws"))] {
        let page = registry.page(&scope, None, 2).await.unwrap();
        assert_eq!(page, good[..2], "a page of {scope:?} that begins with it is full");
        let rest = registry.page(&scope, Some(&page[1].id), 2).await.unwrap();
        assert_eq!(rest, good[2..], "and the next one goes on behind it");
    }
    assert_told(registry, &[(DocumentKind::Declaration, "blue/shop/b")]).await;

    let same = registry.put(&all[1], &keys, None).await.unwrap();
    assert_eq!(same, Put::Changed, "what stood there is put again: it is written");
    assert_eq!(registry.declarations(&ids).await.unwrap(), all, "and can be read");
    assert_eq!(registry.put(&all[1], &keys, None).await.unwrap(), Put::Unchanged, "now it is the same");
    assert_told(registry, &[]).await;

    damage(registry, "blue/shop/b").await;
    let edited = declaration("blue/shop/b").reads("other").build();
    let other = index_keys(["other"]);
    assert_eq!(
        registry.put(&edited, &other, None).await.unwrap(),
        Put::Changed,
        "another is put in its place"
    );
    assert_eq!(registry.candidates(&keys).await.unwrap().len(), 3, "its old keys find it no more");
    assert_eq!(registry.candidates(&other).await.unwrap(), [id("blue/shop/b")], "its new one does");

    damage(registry, "blue/shop/b").await;
    assert!(registry.remove(&edited.id).await.unwrap(), "a damaged declaration can be removed");
    assert_eq!(registry.candidates(&other).await.unwrap(), [], "with its keys");
    assert_eq!(registry.page(&Scope::All, None, 10).await.unwrap(), good, "and the others stay");
    assert_told(registry, &[]).await;
}

async fn stores<R: Registry + Catalogue>(registry: &R, damage: impl AsyncFn(&R, &str)) {
    let (bad, good): (Store, Store) = (secrets_manager("bad").into(), secrets_manager("good").into());
    for store in [&bad, &good] {
        registry.put_store(store).await.unwrap();
    }
    let reader = declaration("blue/shop/db").reads("k").of("bad").build();
    registry.put(&reader, &index_keys(["k"]), None).await.unwrap();
    damage(registry, &bad.id.to_string()).await;
    let ids = BTreeSet::from([bad.id.clone(), good.id.clone()]);
    assert_eq!(
        registry.stores(&ids).await.unwrap(),
        std::slice::from_ref(&good),
        "a damaged store is left out"
    );
    let only = BTreeSet::from([bad.id.clone()]);
    assert_eq!(registry.stores(&only).await.unwrap(), [], "and is no error where it is alone");
    let swept: Vec<_> = registry.swept_stores().await.unwrap().into_iter().map(|swept| swept.store).collect();
    assert_eq!(swept, std::slice::from_ref(&good), "the others are swept");
    assert_told(registry, &[(DocumentKind::Store, &bad.id.to_string())]).await;

    assert_eq!(registry.put_store(&bad).await.unwrap(), Put::Changed, "the same store is put again");
    assert_eq!(registry.put_store(&bad).await.unwrap(), Put::Unchanged);
    assert_eq!(registry.stores(&ids).await.unwrap(), [bad.clone(), good.clone()], "and can be read");
    damage(registry, &bad.id.to_string()).await;
    assert!(registry.remove_store(&bad.id).await.unwrap(), "a damaged store can be removed");
    assert_told(registry, &[]).await;
}

async fn clusters<R: Registry + Catalogue>(registry: &R, damage: impl AsyncFn(&R, &str)) {
    let (bad, good): (Cluster, Cluster) = (cluster("bad").build(), cluster("good").build());
    for cluster in [&bad, &good] {
        registry.put_cluster(cluster).await.unwrap();
    }
    damage(registry, "bad").await;
    assert_eq!(
        registry.clusters().await.unwrap(),
        std::slice::from_ref(&good),
        "a damaged cluster is left out"
    );
    assert_told(registry, &[(DocumentKind::Cluster, "bad")]).await;
    assert_eq!(registry.put_cluster(&bad).await.unwrap(), Put::Changed, "the same cluster is put again");
    assert_eq!(registry.put_cluster(&bad).await.unwrap(), Put::Unchanged);
    assert_eq!(registry.clusters().await.unwrap(), [bad.clone(), good], "and can be read");
    damage(registry, "bad").await;
    assert!(registry.remove_cluster(&bad.name).await.unwrap(), "a damaged cluster can be removed");
    assert_told(registry, &[]).await;
}

async fn patterns<R: Registry + Catalogue>(registry: &R, damage: impl AsyncFn(&R, &str)) {
    let (bad, good) = (pattern("blue", "bad"), pattern("blue", "good"));
    for pattern in [&bad, &good] {
        registry.put_pattern(pattern, None).await.unwrap();
    }
    damage(registry, "blue/bad").await;
    let found = registry.patterns().await.unwrap();
    assert_eq!(found.known, std::slice::from_ref(&good), "a damaged pattern is left out");
    assert_eq!(found.unreadable, ["blue/bad"], "and named, for it may have placed something");
    assert!(!registry.remove_this_pattern(&bad).await.unwrap(), "nobody knows whether it is this one");
    assert_told(registry, &[(DocumentKind::Pattern, "blue/bad")]).await;
    assert_eq!(
        registry.put_pattern(&bad, None).await.unwrap(),
        Put::Changed,
        "the same pattern is put again"
    );
    assert_eq!(registry.put_pattern(&bad, None).await.unwrap(), Put::Unchanged);
    assert_eq!(registry.patterns().await.unwrap().known, [bad.clone(), good], "and can be read");
    damage(registry, "blue/bad").await;
    assert!(registry.remove_pattern(&bad.id()).await.unwrap(), "a damaged pattern can be removed");
    assert_eq!(registry.patterns().await.unwrap().unreadable, [] as [&str; 0]);
    assert_told(registry, &[]).await;
}

async fn policies<R: Registry + Catalogue>(registry: &R, damage: impl AsyncFn(&R, &str)) {
    let (bad, good) = (policy("bad"), policy("good"));
    for policy in [&bad, &good] {
        registry.put_policy(policy).await.unwrap();
    }
    damage(registry, "bad").await;
    let found = registry.policies().await.unwrap();
    assert_eq!(found.known, std::slice::from_ref(&good), "a damaged policy is left out");
    assert_eq!(found.unreadable, ["bad"], "and named, for it may forbid something");
    assert_told(registry, &[(DocumentKind::Policy, "bad")]).await;
    assert_eq!(registry.put_policy(&bad).await.unwrap(), Put::Changed, "the same policy is put again");
    assert_eq!(registry.put_policy(&bad).await.unwrap(), Put::Unchanged);
    assert_eq!(registry.policies().await.unwrap().known, [bad.clone(), good], "and can be read");
    damage(registry, "bad").await;
    assert!(registry.remove_policy(&bad.name).await.unwrap(), "a damaged policy can be removed");
    assert_eq!(registry.policies().await.unwrap().unreadable, [] as [&str; 0]);
    assert_told(registry, &[]).await;
}

/// Exactly these cannot be read, and the message of each names it and says what to do.
async fn assert_told<R: Registry>(registry: &R, want: &[(DocumentKind, &str)]) {
    let told = registry.unreadable().await.unwrap();
    let found: Vec<_> = told.iter().map(|each| (each.kind, each.id.as_str())).collect();
    assert_eq!(found, want, "what cannot be read is named");
    for each in &told {
        let message = each.to_string();
        assert!(message.contains(&each.id) && message.contains("apply its manifest again"), "{message}");
    }
}

async fn records<L: Ledger>(
    ledger: &L,
    old: &Record,
    new: &Record,
    damage: impl AsyncFn(&L, &DeclarationId),
) {
    let (bad, good) = (id("blue/shop/bad"), id("blue/shop/good"));
    let both = [bad.clone(), good.clone()];
    ledger.put(&bad, old, None).await.unwrap();
    ledger.put(&good, old, None).await.unwrap();
    damage(ledger, &bad).await;
    let owners = async || -> Vec<_> {
        ledger.entries(&both).await.unwrap().into_iter().map(|entry| entry.id).collect()
    };
    assert_eq!(owners().await, std::slice::from_ref(&good), "a damaged record is left out");
    let told = ledger.unreadable_records(&both).await.unwrap();
    assert_eq!(told.len(), 1, "and named");
    assert_eq!((told[0].kind, told[0].id.as_str()), (DocumentKind::Record, "blue/shop/bad"));
    let open: Vec<_> = if is_open(old) { both.to_vec() } else { Vec::new() };
    assert_eq!(ledger.unsettled(None, 10).await.unwrap(), open, "what was open is still listed");

    let revision = ledger.put(&bad, new, None).await.unwrap();
    assert_eq!(owners().await, both, "the record that replaced it can be read");
    assert_eq!(ledger.unreadable_records(&both).await.unwrap(), []);
    let listed = ledger.unsettled(None, 10).await.unwrap().contains(&bad);
    assert_eq!(listed, is_open(new), "and the listing follows it");
    assert!(ledger.put(&bad, old, None).await.is_err(), "only once");
    ledger.put(&bad, old, Some(revision)).await.unwrap();

    damage(ledger, &bad).await;
    ledger.remove(&bad, None).await.unwrap();
    assert_eq!(ledger.unreadable_records(&both).await.unwrap(), [], "a damaged record can be removed");
    assert!(!ledger.unsettled(None, 10).await.unwrap().contains(&bad));
}

fn is_open(record: &Record) -> bool {
    !record.state.is_settled()
}

fn open() -> Record {
    Record { state: State::Pending, ..settled(0) }
}

fn settled(turn: i64) -> Record {
    Record {
        versions: vec![Versions::One(Version { id: format!("v{turn}"), since: Some(at(turn)) })],
        digest: Some("d".repeat(64)),
        refreshed: Some(at(turn)),
        state: State::Settled(Outcome::Written),
        ..Record::pending(&declaration("blue/shop/db").build(), at(turn))
    }
}
