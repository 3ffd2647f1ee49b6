use super::{found, put, reading, standing};
use crate::build::{declaration, id, index_keys, secrets_manager};
use pawl_domain::declaration::{CreationPolicy, DeletionPolicy, RefreshPolicy};
use pawl_domain::{ClusterName, Declaration, Home, Kind, Store};
use pawl_ports::{Catalogue, Error, Put, Registry, Scope};
use std::time::Duration;

pub(super) async fn puts<R: Registry + Catalogue>(registry: &R) {
    let first = reading(&id("blue/shop/db"), "a");
    let keys = index_keys(["a"]);
    assert_eq!(registry.put(&first, &keys, None).await.unwrap(), Put::Created, "put where nothing stood");
    assert_eq!(registry.put(&first, &keys, None).await.unwrap(), Put::Unchanged, "put of the same");
    let edited = declaration("blue/shop/db").reads("a").label("team", "shop").build();
    assert_eq!(
        registry.put(&edited, &keys, Some(&first)).await.unwrap(),
        Put::Changed,
        "put of another declaration"
    );
    assert_eq!(standing(registry, &edited.id).await, Some(edited.clone()), "what was put last stands");
    let more = index_keys(["a", "b"]);
    assert_eq!(
        registry.put(&edited, &more, None).await.unwrap(),
        Put::Changed,
        "put of the same under other keys"
    );
    assert_eq!(
        registry.put(&edited, &more, None).await.unwrap(),
        Put::Unchanged,
        "put of the same under the same keys"
    );
    let none = index_keys([]);
    assert_eq!(
        registry.put(&edited, &none, None).await.unwrap(),
        Put::Changed,
        "put of the same under no key"
    );
    assert_eq!(registry.put(&edited, &none, None).await.unwrap(), Put::Unchanged, "put under no key again");
    assert_eq!(standing(registry, &edited.id).await, Some(edited), "a declaration under no key still stands");
}

pub(super) async fn sets_are_kept<R: Registry + Catalogue>(registry: &R) {
    let keys = index_keys(["a"]);
    let nobodys = reading(&id("blue/shop/db"), "a");
    let owned = Declaration { set: Some("shop".parse().unwrap()), ..nobodys.clone() };
    registry.put(&nobodys, &keys, None).await.unwrap();
    assert_eq!(
        registry.put(&owned, &keys, Some(&nobodys)).await.unwrap(),
        Put::Changed,
        "a set that adopts is a change"
    );
    assert_eq!(registry.put(&owned, &keys, None).await.unwrap(), Put::Unchanged, "put of the same set");
    assert_eq!(standing(registry, &owned.id).await, Some(owned.clone()), "the set stands");
    let page = registry.page(&Scope::Home(Home::Applied), None, 10).await.unwrap();
    assert_eq!(page, [owned], "and is listed");

    let nobodys = secrets_manager("aws").build();
    let owned = Store { set: Some("shop".parse().unwrap()), ..nobodys.clone() };
    registry.put_store(&nobodys).await.unwrap();
    assert_eq!(registry.put_store(&owned).await.unwrap(), Put::Changed, "a set that adopts a store");
    assert_eq!(registry.put_store(&owned).await.unwrap(), Put::Unchanged, "put of the same set");
    let found = registry.stores(&[owned.id.clone()].into()).await.unwrap();
    assert_eq!(found, [owned], "the store's set stands");
}

pub(super) async fn keys_are_replaced<R: Registry + Catalogue>(registry: &R) {
    let db = reading(&id("blue/shop/db"), "a");
    put(registry, &db, &["a", "b"]).await;
    put(registry, &reading(&id("blue/shop/other"), "b"), &["b"]).await;
    put(registry, &db, &["b", "c"]).await;
    assert_eq!(
        found(registry, &["a"]).await,
        [""; 0],
        "a key that was dropped finds the declaration no more"
    );
    assert_eq!(
        found(registry, &["b"]).await,
        ["blue/shop/db", "blue/shop/other"],
        "a key that was kept finds it"
    );
    assert_eq!(found(registry, &["c"]).await, ["blue/shop/db"], "a key that came finds it");
}

pub(super) async fn three_hundred_keys<R: Registry + Catalogue>(registry: &R) {
    let old: Vec<String> = (0..300).map(|index| format!("old/{index}")).collect();
    let new: Vec<String> = (0..300).map(|index| format!("new/{index}")).collect();
    let texts = |names: &[String]| names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
    let db = reading(&id("blue/shop/db"), "a");
    for (case, names) in [("created", &old), ("replaced", &new)] {
        put(registry, &db, &texts(names).iter().map(String::as_str).collect::<Vec<_>>()).await;
        for name in names {
            assert_eq!(found(registry, &[name]).await, ["blue/shop/db"], "300 keys {case}: {name} finds it");
        }
    }
    let all: Vec<&str> = old.iter().map(String::as_str).collect();
    assert_eq!(found(registry, &all).await, [""; 0], "300 keys replaced: none of the old ones finds it");
    let all: Vec<&str> = new.iter().map(String::as_str).collect();
    assert_eq!(found(registry, &all).await, ["blue/shop/db"], "300 keys asked at once answer the id once");
    assert!(registry.remove(&db.id).await.unwrap(), "300 keys: removed");
    assert_eq!(found(registry, &all).await, [""; 0], "300 keys removed: none of them finds it");
}

pub(super) async fn removals<R: Registry + Catalogue>(registry: &R) {
    let (db, other) = (reading(&id("blue/shop/db"), "a"), reading(&id("blue/shop/db-2"), "a"));
    assert!(!registry.remove(&db.id).await.unwrap(), "remove of what never stood");
    put(registry, &db, &["a"]).await;
    put(registry, &other, &["a"]).await;
    assert!(registry.remove(&db.id).await.unwrap(), "remove of what stood");
    assert!(!registry.remove(&db.id).await.unwrap(), "remove of what was removed");
    assert_eq!(standing(registry, &db.id).await, None, "what was removed stands no more");
    assert_eq!(found(registry, &["a"]).await, ["blue/shop/db-2"], "its index keys went with it, others stay");
    let again = registry.put(&db, &index_keys(["b"]), None).await.unwrap();
    assert_eq!(again, Put::Created, "put of what was removed");
    assert_eq!(found(registry, &["a", "b"]).await, ["blue/shop/db", "blue/shop/db-2"], "it is found anew");
    assert_eq!(found(registry, &["b"]).await, ["blue/shop/db"], "it is found under its new key only");
}

pub(super) async fn documents_come_back_whole<R: Registry + Catalogue>(registry: &R) {
    let odd = "\u{1f511} \"quoted\" \\ \u{e9}\u{301} \u{0} \n \u{2028} end";
    let whole = declaration("blue.example/shop/db.v2")
        .home(Home::Cluster("blue.example".parse::<ClusterName>().unwrap()))
        .uid("0f0c4a4e-8f0e-4a5e-9f0a-000000000001")
        .label("team", odd)
        .annotation("note", odd)
        .reads(odd)
        .of("other")
        .property("a.b\\.c")
        .version("uuid/1")
        .into_key("password")
        .reads("app/all")
        .into_every()
        .target("elsewhere")
        .creation(CreationPolicy::CreateOrMerge)
        .deletion(DeletionPolicy::Merge)
        .immutable()
        .refresh(RefreshPolicy::OnChange, Duration::new(u64::MAX, 999_999_999))
        .build();
    let keys = index_keys([odd]);
    registry.put(&whole, &keys, None).await.unwrap();
    assert_eq!(
        standing(registry, &whole.id).await,
        Some(whole.clone()),
        "a declaration comes back as it was put"
    );
    let again = registry.put(&whole, &keys, None).await.unwrap();
    assert_eq!(again, Put::Unchanged, "the same put again is found to be the same");
    let (known, unknown) = (whole.id.clone(), id("blue.example/shop/db"));
    let asked = [known.clone(), unknown, known];
    let found = registry.declarations(&asked).await.unwrap();
    assert_eq!(found, [whole], "unknown ids are left out, and an id asked twice is answered once");
    assert_eq!(registry.declarations(&[]).await.unwrap(), [], "no ids have no declarations");
}

/// What was decided on the strength of a declaration is not done to the one that was put since.
pub(super) async fn only_this_one<R: Registry + Catalogue>(registry: &R) {
    let first = reading(&id("blue/shop/db"), "a");
    let edited = declaration("blue/shop/db").reads("a").label("team", "shop").build();
    let is_conflict = |put: Result<Put, Error>| put.is_err_and(|error| error.kind == Kind::Conflict);
    let (a, b, c) = (index_keys(["a"]), index_keys(["b"]), index_keys(["c"]));
    let over_first = Some(&first);
    assert!(is_conflict(registry.put(&edited, &b, over_first).await), "put in place of what never stood");
    assert!(!registry.remove_this(&first).await.unwrap(), "removal of what never stood");

    assert_eq!(registry.put(&first, &a, None).await.unwrap(), Put::Created, "put where nothing stands");
    assert!(is_conflict(registry.put(&edited, &b, None).await), "put where nothing was to stand");
    assert_eq!(registry.put(&first, &b, over_first).await.unwrap(), Put::Changed, "other keys");
    assert_eq!(
        registry.put(&first, &b, None).await.unwrap(),
        Put::Unchanged,
        "the same, which stands by now"
    );
    assert_eq!(found(registry, &["a"]).await, [""; 0], "a key that was dropped");
    assert_eq!(found(registry, &["b"]).await, ["blue/shop/db"], "a key that came");

    assert_eq!(registry.put(&edited, &b, over_first).await.unwrap(), Put::Changed, "put in its place");
    assert!(is_conflict(registry.put(&first, &c, over_first).await), "put in place of what was edited");
    assert!(!registry.remove_this(&first).await.unwrap(), "removal of what was edited");
    assert_eq!(standing(registry, &edited.id).await, Some(edited.clone()), "the edited one stands");
    assert_eq!(found(registry, &["b", "c"]).await, ["blue/shop/db"], "under its keys");
    assert_eq!(found(registry, &["c"]).await, [""; 0], "and no others");

    assert!(registry.remove_this(&edited).await.unwrap(), "removal of what stands");
    assert_eq!(standing(registry, &edited.id).await, None, "it is gone");
    assert_eq!(found(registry, &["b"]).await, [""; 0], "with its keys");
}

/// Two writers of one declaration: each may be told to try again, but what stands in the end is one of the two.
pub(super) async fn puts_that_meet<R: Registry + Catalogue>(registry: &R) {
    let name = id("blue/shop/db");
    let (left, right) = (reading(&name, "left"), reading(&name, "right"));
    let (left_keys, right_keys) = (index_keys(["both", "left"]), index_keys(["both", "right"]));
    for round in 0..20 {
        let stands = standing(registry, &name).await;
        let stands = stands.as_ref();
        let (a, b) = futures::join!(
            registry.put(&left, &left_keys, stands),
            registry.put(&right, &right_keys, stands)
        );
        for error in [a, b].into_iter().filter_map(Result::err) {
            assert!(error.is_retryable(), "puts that meet, round {round}: {error}");
        }
        let stands =
            standing(registry, &name).await.unwrap_or_else(|| panic!("round {round}: nothing stands"));
        let (own, other) = if stands == left { ("left", "right") } else { ("right", "left") };
        assert_eq!(
            stands,
            if own == "left" { left.clone() } else { right.clone() },
            "one of the two stands whole"
        );
        assert_eq!(found(registry, &[own]).await, ["blue/shop/db"], "round {round}: found under its own key");
        assert_eq!(
            found(registry, &[other]).await,
            [""; 0],
            "round {round}: not found under the other's key"
        );
        assert_eq!(
            found(registry, &["both"]).await,
            ["blue/shop/db"],
            "round {round}: found under the shared key"
        );
        if round % 5 == 4 {
            assert!(registry.remove(&name).await.unwrap(), "round {round}: removed");
            assert_eq!(
                found(registry, &["both", own, other]).await,
                [""; 0],
                "round {round}: no key is left behind"
            );
        }
    }
}

/// A reader beside a writer always finds the declaration under the key that it never loses.
pub(super) async fn readers_during_puts<R: Registry + Catalogue>(registry: &R) {
    let name = id("blue/shop/db");
    put(registry, &reading(&name, "0"), &["always", "0"]).await;
    let write = async {
        for turn in 1..=30 {
            let text = turn.to_string();
            put(registry, &reading(&name, &text), &["always", &text]).await;
        }
    };
    let read = async {
        for _ in 0..60 {
            assert_eq!(
                found(registry, &["always"]).await,
                ["blue/shop/db"],
                "a key that is kept never misses"
            );
            assert!(
                standing(registry, &name).await.is_some(),
                "a declaration that is replaced is never absent"
            );
        }
    };
    futures::join!(write, read);
    assert_eq!(found(registry, &["30"]).await, ["blue/shop/db"], "the last put stands");
}
