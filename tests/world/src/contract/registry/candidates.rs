use super::super::{ids_in_order, longest_id, shuffled};
use super::{found, put, put_all, reading};
use crate::build::{id, index_keys, parameter_store_location};
use pawl_domain::Location;
use pawl_ports::{Catalogue, Registry};
use std::collections::BTreeSet;

pub(super) async fn exact<R: Registry + Catalogue>(registry: &R) {
    assert_eq!(found(registry, &["a"]).await, [""; 0], "an empty registry has no candidates");
    let ids = ids_in_order();
    for id in shuffled(&ids) {
        put(registry, &reading(&id, "app/db"), &["app/db", "app/db-alias"]).await;
    }
    put(registry, &reading(&id("other/a/a"), "app/d"), &["app/d", "app/db/x", "APP/DB"]).await;

    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(found(registry, &["app/db"]).await, texts, "candidates are in ascending order of ids");
    let both = found(registry, &["app/db", "app/db-alias", "unknown"]).await;
    assert_eq!(both, texts, "an id under two of the keys is answered once");
    assert_eq!(found(registry, &["app/d"]).await, ["other/a/a"], "a key is no prefix");
    assert_eq!(found(registry, &["APP/DB"]).await, ["other/a/a"], "keys differ by case");
    assert_eq!(found(registry, &["app"]).await, [""; 0], "a key that nobody reads has no candidates");
    let union = found(registry, &["app/d", "app/db"]).await;
    assert_eq!(union.len(), texts.len() + 1, "several keys answer with the union of theirs");
    assert!(union.is_sorted_by_key(|text| id(text)), "the union is in ascending order as well: {union:?}");
    let none = registry.candidates(&BTreeSet::new()).await;
    assert_eq!(none.map_err(|e| e.to_string()), Ok(Vec::new()), "no keys have no candidates");
}

pub(super) async fn odd_keys<R: Registry + Catalogue>(registry: &R) {
    // Names of which an encoding could make one: separators, wildcards, Unicode in two forms, no text at all, and
    // more text than any store's name and most databases' keys can have.
    let long = "k".repeat(3000);
    let longer = format!("{long}k");
    let names = [
        "a",
        "a/",
        "a b",
        "a#b",
        "a|b",
        "a%",
        "a%25",
        "_",
        "%",
        "*",
        "'",
        "\"",
        "\\",
        "a\u{1}b",
        "\u{e9}",
        "e\u{301}",
        "\u{1f511}",
        "",
        &long,
        &longer,
    ];
    for (index, name) in names.iter().enumerate() {
        put(registry, &reading(&id(&format!("blue/odd/d{index}")), name), &[name]).await;
    }
    for (index, name) in names.iter().enumerate() {
        let want = [format!("blue/odd/d{index}")];
        assert_eq!(
            found(registry, &[name]).await,
            want,
            "the key {name:.20?} finds its own declaration only"
        );
    }

    let elsewhere = Location { region: "us-east-1".to_owned(), ..parameter_store_location() };
    let at = |location: Location| location.index_keys("a");
    for (text, keys) in [("blue/odd/ps", at(parameter_store_location())), ("blue/odd/us", at(elsewhere))] {
        registry.put(&reading(&id(text), "a"), &keys, None).await.unwrap();
        let ids = registry.candidates(&keys).await.unwrap();
        assert_eq!(ids, [id(text)], "one name at two providers or in two regions is two keys");
    }
    assert_eq!(found(registry, &["a"]).await, ["blue/odd/d0"], "other locations do not mix in");
}

pub(super) async fn a_thousand_under_one_key<R: Registry + Catalogue>(registry: &R) {
    // With names this long, more than one answer of a database that limits answers to 1 MB.
    let name = "n".repeat(480);
    let declarations: Vec<_> = (0..1000)
        .map(|index| reading(&id(&format!("{}/shop/{}-{index:04}", "c".repeat(253), "d".repeat(240))), &name))
        .collect();
    put_all(registry, &declarations, &name).await;
    put(registry, &reading(&longest_id('z'), "other"), &["other"]).await;

    let ids = registry.candidates(&index_keys([name.as_str()])).await.unwrap();
    let want: Vec<_> = declarations.iter().map(|declaration| declaration.id.clone()).collect();
    assert_eq!(ids.len(), want.len(), "a thousand declarations under one key are all found");
    assert!(ids == want, "a thousand candidates are in ascending order");
    let all = registry.declarations(&shuffled(&ids)).await.unwrap();
    assert_eq!(all.len(), want.len(), "a thousand declarations are answered at once");
    assert!(all == declarations, "declarations are in ascending order, whatever the order of the question");
}
