//! The list of declarations: what it finds, and its parts.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use super::visitor::Visitor;
use pawl_ports::Ports;
use pawl_world::build::{id, store_id};
use pawl_world::{declaration, secrets_manager};

/// The declarations of a page, in its order, and the address of the next part.
fn rows(page: &str) -> (Vec<String>, Option<String>) {
    let cells = page.split("<th scope=\"row\"><a href=\"/console/declarations/").skip(1);
    let ids = cells.map(|cell| cell.split('"').next().unwrap().to_owned()).collect();
    let next = page.split("<a rel=\"next\" href=\"").nth(1).map(|rest| rest.split('"').next().unwrap());
    (ids, next.map(|href| href.replace("&amp;", "&")))
}

/// All declarations that a search finds, part after part, with the size of each.
async fn walk(visitor: &Visitor, path: &str) -> (Vec<String>, Vec<usize>) {
    let (mut all, mut sizes, mut next) = (Vec::new(), Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let (ids, behind) = rows(&visitor.text(&path).await);
        sizes.push(ids.len());
        all.extend(ids);
        assert!(sizes.len() < 50, "{path} has no end");
        next = behind;
    }
    (all, sizes)
}

#[tokio::test]
async fn parts_are_whole_at_every_boundary() {
    for count in [0, 1, 99, 100, 101, 200, 201, 501, 1000] {
        let visitor = Visitor::new();
        let names: Vec<String> = (0..count).map(|number| format!("blue/shop/n{number:04}")).collect();
        for name in &names {
            visitor.declare(name, "app/db");
        }
        let (all, sizes) = walk(&visitor, "/console/declarations").await;
        assert_eq!(all, names, "{count}");
        assert!(sizes.iter().rev().skip(1).all(|size| *size == 100), "{count}: {sizes:?}");
        assert!(sizes.iter().all(|size| *size > 0) || count == 0, "{count}: an empty part: {sizes:?}");
    }
}

#[tokio::test]
async fn each_filter_finds_its_own_and_all_of_them() {
    let visitor = Visitor::new();
    visitor.world.add_store(secrets_manager("other"));
    // Ids that begin with a zero sort first of all.
    for name in
        ["blue/0/0", "blue/shop/0", "blue/shop/db", "blue/shop-2/db", "green/shop/db", "green/team/lost"]
    {
        visitor.declare(name, if name.ends_with("lost") { "app/lost" } else { "app/db" });
    }
    visitor.world.declare(declaration("green/team/other").reads("App/Third").of_store(store_id("other")));
    visitor.world.declare(declaration("green/team/never").reads("app/never"));
    // A search is found by every change of its store; only what it finds is a key that it reads.
    visitor.world.declare(declaration("green/zone/finds").finds("^app/lo"));
    visitor.world.declare(declaration("green/zone/finds-not").finds("^other"));
    visitor.rotate("app/db").await;
    visitor.deliver(&["green/team/lost"]).await;
    let written = ["blue/0/0", "blue/shop/0", "blue/shop/db", "blue/shop-2/db", "green/shop/db"];
    for (query, want) in [
        ("cluster=blue", &written[..4]),
        ("cluster=blue&namespace=shop", &["blue/shop/0", "blue/shop/db"]),
        ("cluster=blue&namespace=0", &["blue/0/0"]),
        ("cluster=purple", &[]),
        ("namespace=shop", &["blue/shop/0", "blue/shop/db", "green/shop/db"]),
        ("store=ClusterSecretStore+other", &["green/team/other"]),
        ("store=ClusterSecretStore+other&cluster=blue", &[]),
        ("key=app%2Flost", &["green/team/lost", "green/zone/finds"]),
        ("key=app%2Fdb&cluster=green", &["green/shop/db"]),
        ("text=THIRD", &["green/team/other"]),
        ("text=lost", &["green/team/lost"]),
        ("fares=settled", &written),
        ("fares=settled&cluster=green", &["green/shop/db"]),
        ("fares=failing", &["green/team/lost"]),
        ("fares=failing&cluster=blue", &[]),
        ("fares=failing&cluster=green&namespace=team", &["green/team/lost"]),
        ("fares=set-aside", &[]),
        ("fares=overdue", &[]),
        ("code=PAWL-FETCH-NOT-FOUND", &["green/team/lost"]),
        ("code=PAWL-FETCH-DENIED", &[]),
    ] {
        let (mut found, _) = walk(&visitor, &format!("/console/declarations?{query}")).await;
        found.sort();
        let mut want: Vec<_> = want.iter().map(|id| (*id).to_owned()).collect();
        want.sort();
        assert_eq!(found, want, "{query}");
    }
    visitor.world.advance(std::time::Duration::from_secs(3 * 3600));
    let (late, _) = walk(&visitor, "/console/declarations?fares=overdue").await;
    assert_eq!(late, ["green/team/lost"]);
}

#[tokio::test]
async fn what_waits_is_found_along_the_index_of_what_does_not_settle() {
    let visitor = Visitor::new();
    for number in 0..250 {
        let name = format!("blue/shop/n{number:04}");
        let declared = visitor.world.declare(declaration(&name).reads("app/db"));
        let record = pawl_domain::Record::pending(&declared, pawl_world::build::at(0));
        pawl_ports::Ledger::put(visitor.world.ledger(), &id(&name), &record, None).await.unwrap();
    }
    let (all, sizes) = walk(&visitor, "/console/declarations?fares=waiting").await;
    assert_eq!((all.len(), sizes), (250, vec![100, 100, 50]));
}

#[tokio::test]
async fn what_makes_no_sense_is_told() {
    let visitor = Visitor::new();
    for query in ["cluster=Blue", "namespace=a.b", "store=nothing", "fares=well", "after=blue", "after=%00"] {
        let answer = visitor.page(&format!("/console/declarations?{query}")).await;
        assert_eq!(answer.status, axum::http::StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.text.contains("role=\"alert\""), "{query}");
    }
}

/// A search that hardly anything fits costs one part no more than its bound, and goes on from there.
#[tokio::test]
async fn a_rare_thing_in_a_large_registry_is_found_step_by_step() {
    let visitor = Visitor::new();
    for number in 0..5600 {
        visitor.world.declare(declaration(&format!("blue/shop/n{number:04}")).reads("app/db"));
    }
    visitor.declare("blue/shop/z", "app/rare");
    let page = visitor.text("/console/declarations?text=rare").await;
    assert!(page.contains("None of the 5000 declarations"), "{page}");
    assert_eq!(walk(&visitor, "/console/declarations?text=rare").await.0, ["blue/shop/z"]);
    assert_eq!(walk(&visitor, "/console/declarations?key=app/rare").await.1, [1], "a key is in the index");
}
