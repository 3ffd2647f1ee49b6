use super::super::{ids_in_order, shuffled};
use super::{put, put_all, reading};
use crate::build::{STORE, cluster_name, declaration, id, store_id};
use pawl_domain::{Declaration, DeclarationId, Home};
use pawl_ports::{Catalogue, Registry, Scope};

pub(super) async fn by_id<R: Registry + Catalogue>(registry: &R) {
    let empty = registry.page(&Scope::All, None, 10).await.unwrap();
    assert_eq!(empty, [], "a page of an empty registry is empty");
    let ids = ids_in_order();
    for id in shuffled(&ids) {
        put(registry, &reading(&id, "a"), &["a"]).await;
    }
    for limit in [1, 3, ids.len() - 1, ids.len(), ids.len() + 1] {
        assert_eq!(walk(registry, &Scope::All, limit).await, ids, "pages of {limit} show all ids in order");
    }
    let after = registry.page(&Scope::All, Some(&id("a/a/aa")), 2).await.unwrap();
    let after: Vec<String> = after.iter().map(|declaration| declaration.id.to_string()).collect();
    assert_eq!(after, ["a/a/b", "a/a-b/a"], "a page begins above an id that does not stand itself");
    for cluster in ["a", "a-b", "c", "unknown"] {
        let scope = Scope::Cluster(cluster_name(cluster));
        let want: Vec<_> = ids.iter().filter(|id| id.cluster.as_str() == cluster).cloned().collect();
        assert_eq!(walk(registry, &scope, 2).await, want, "pages of the cluster {cluster}");
        let above = registry.page(&scope, Some(&id("a/a/a.b")), 1).await.unwrap();
        let want: Vec<_> = want.into_iter().filter(|each| *each > id("a/a/a.b")).take(1).collect();
        let above: Vec<_> = above.into_iter().map(|declaration| declaration.id).collect();
        assert_eq!(above, want, "a page of the cluster {cluster} above another id, even of another cluster");
    }
    let last = registry.page(&Scope::All, ids.last(), 2).await.unwrap();
    assert_eq!(last, [], "nothing is above the last id");
}

pub(super) async fn of_each_scope<R: Registry + Catalogue>(registry: &R) {
    let blue = Home::Cluster(cluster_name("blue"));
    let homes = [Home::Applied, blue.clone(), Home::Cluster(cluster_name("blu"))];
    let stores = [STORE, "aws-2", "aw"];
    let mut all = Vec::new();
    for index in 0..54 {
        let text = format!("blue/shop/d{index:02}");
        let declared = declaration(&text)
            .home(homes[index % 3].clone())
            .reads("a")
            .of(stores[index / 3 % 3])
            .reads("b")
            .of(stores[index / 9 % 3])
            .build();
        all.push(declared);
    }
    put_all(registry, &shuffled(&all), "a").await;

    let with = |keep: &dyn Fn(&Declaration) -> bool| -> Vec<DeclarationId> {
        all.iter().filter(|declared| keep(declared)).map(|declared| declared.id.clone()).collect()
    };
    for home in homes {
        let want = with(&|declared| declared.home == home);
        let got = walk(registry, &Scope::Home(home.clone()), 5).await;
        assert_eq!(got, want, "pages of the home {home:?}");
    }
    for store in stores.map(store_id) {
        let want = with(&|declared| declared.stores().contains(&store));
        let got = walk(registry, &Scope::Store(store.clone()), 5).await;
        assert_eq!(got, want, "pages of the store {store}; one that reads it twice is shown once");
    }
    for (scope, what) in [
        (
            Scope::Home(Home::Cluster(cluster_name("applied"))),
            "a cluster named like the home of applied ones",
        ),
        (Scope::Store(store_id("unknown")), "a store that nobody reads"),
        (Scope::Store(pawl_domain::StoreId { home: blue, ..store_id(STORE) }), "a store of another home"),
    ] {
        assert_eq!(walk(registry, &scope, 5).await, [], "pages of {what}");
    }
}

/// 40 documents of 60 kB do not fit into one answer of a database that limits answers to 1 MB.
pub(super) async fn full_of_large_documents<R: Registry + Catalogue>(registry: &R) {
    let note = "n".repeat(60_000);
    let all: Vec<_> = (0..40)
        .map(|index| {
            declaration(&format!("blue/shop/d{index:02}")).reads("a").annotation("note", &note).build()
        })
        .collect();
    put_all(registry, &all, "a").await;
    let ids: Vec<_> = all.iter().map(|declared| declared.id.clone()).collect();
    for (scope, what) in [
        (Scope::All, "all"),
        (Scope::Home(Home::Applied), "a home"),
        (Scope::Store(store_id(STORE)), "a store"),
    ] {
        let page = registry.page(&scope, None, 38).await.unwrap();
        assert!(
            page == all[..38],
            "a page of {what} with large documents is full and whole: {} of 38",
            page.len()
        );
        assert_eq!(walk(registry, &scope, 25).await, ids, "pages of {what} with large documents show all");
    }
    assert!(registry.declarations(&ids).await.unwrap() == all, "large documents are answered together");
}

pub(super) async fn scopes_follow_edits<R: Registry + Catalogue>(registry: &R) {
    let before = declaration("blue/shop/db").reads("a").build();
    let home = Home::Cluster(cluster_name("blue"));
    let after = declaration("blue/shop/db").home(home.clone()).reads("a").of("aws-2").build();
    put(registry, &before, &["a"]).await;
    put(registry, &after, &["a"]).await;
    let ids = vec![after.id.clone()];
    for (scope, want) in [
        (Scope::All, &ids),
        (Scope::Home(Home::Applied), &Vec::new()),
        (Scope::Home(home.clone()), &ids),
        (Scope::Store(store_id(STORE)), &Vec::new()),
        (Scope::Store(store_id("aws-2")), &ids),
    ] {
        assert_eq!(&walk(registry, &scope, 5).await, want, "an edited declaration in {scope:?}");
    }
    registry.remove(&after.id).await.unwrap();
    for scope in [Scope::All, Scope::Home(home), Scope::Store(store_id("aws-2"))] {
        assert_eq!(walk(registry, &scope, 5).await, [], "a removed declaration in {scope:?}");
    }
}

/// All ids of a scope, page by page; every page but the last must be full.
async fn walk<R: Registry>(registry: &R, scope: &Scope, limit: usize) -> Vec<DeclarationId> {
    let mut seen: Vec<DeclarationId> = Vec::new();
    loop {
        let page = registry.page(scope, seen.last(), limit).await.unwrap();
        assert!(page.len() <= limit, "a page of {limit} has {} declarations", page.len());
        let last = page.len() < limit;
        seen.extend(page.into_iter().map(|declaration| declaration.id));
        assert!(seen.is_sorted_by(|a, b| a < b), "pages ascend and repeat nothing: {seen:?}");
        if last {
            let rest = registry.page(scope, seen.last(), limit).await.unwrap();
            assert_eq!(rest.len(), 0, "only the last page of {scope:?} may be short");
            break;
        }
    }
    let (mut pages, mut paged) = (registry.pages(scope.clone()), Vec::new());
    while let Some(page) = pages.next_of(limit).await.unwrap() {
        assert!(!page.is_empty());
        paged.extend(page.into_iter().map(|declaration| declaration.id));
    }
    assert_eq!(paged, seen, "page after page of {limit}");
    seen
}
