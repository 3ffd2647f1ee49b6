//! What each page shows, of good worlds and bad ones.

use super::visitor::Visitor;
use axum::http::StatusCode;
use pawl_console::{Queue, QueuedJob};
use pawl_domain::Kind;
use pawl_ports::{DocumentKind, Ports};
use pawl_world::build::secrets_manager_location;
use pawl_world::{Canary, Fault, Point, World, cluster, declaration, secrets_manager};
use std::time::Duration;

const HOSTILE: &str = "\"'><script>alert(1)</script>&amp;<img src=x onerror=alert(1)>";
const ALL: [&str; 6] = [
    "/console",
    "/console/declarations",
    "/console/keys",
    "/console/stores",
    "/console/failures",
    "/console/jobs",
];

/// A world in which one declaration is written, one fails and one was never tried.
async fn told() -> Visitor {
    let visitor = Visitor::new();
    visitor.declare("blue/shop/db", "app/db");
    visitor.declare("green/shop/lost", "app/lost");
    visitor.declare("green/shop/new", "app/new");
    visitor.rotate("app/db").await;
    visitor.deliver(&["green/shop/lost"]).await;
    visitor
}

/// The text of a page without its tags, words apart by one space.
fn words(page: &str) -> String {
    let texts = page.split('<').map(|part| part.split_once('>').map_or("", |(_, text)| text));
    texts.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn assert_says(page: &str, parts: &[&str]) {
    let words = words(page);
    for part in parts {
        assert!(words.contains(part), "{part:?} is not in: {words}");
    }
}

#[tokio::test]
async fn an_empty_fleet_has_pages_that_say_so() {
    let visitor = Visitor::of(World::new(), Canary::new(), Queue::default());
    for path in ALL {
        visitor.text(path).await;
    }
    assert_says(
        &visitor.text("/console").await,
        &["0 Declarations", "No cluster is registered", "0 in 0 clusters"],
    );
    assert_says(&visitor.text("/console/declarations").await, &["Nothing fits."]);
    assert_says(&visitor.text("/console/keys?key=x").await, &["Nobody reads this key."]);
    assert_says(&visitor.text("/console/stores").await, &["0 stores."]);
    assert_says(&visitor.text("/console/failures").await, &["Nothing fails."]);
    assert_says(&visitor.text("/console/jobs").await, &["Dead letters (0)", "Waiting or worked on (0)"]);
}

#[tokio::test]
async fn the_fleet_is_counted_as_pawl_status_counts_it() {
    let visitor = told().await;
    visitor.declare("red/shop/x", "app/x");
    let page = visitor.text("/console").await;
    assert_says(
        &page,
        &["4 Declarations", "1 As declared", "2 Waiting", "1 Failing", "0 Set aside", "0 Overdue"],
    );
    let row = "https://blue.example no 1 1 0 0 0 0 all within 0s";
    assert_says(
        &page,
        &[row, "https://green.example no 2 0 1 1 0 0 none", "red not registered no 1 0 1 0 0 0 none"],
    );
    for line in pawl_pipeline::explain::status::lines(&visitor.pipeline().fleet(|_| true).await.unwrap()) {
        assert_says(&page, &[&format!("{} {}", line.what, line.is)]);
    }
    assert_says(&page, &["up to 1m 1", "Writes of the last 24 hours"]);
    assert!(page.contains("<svg role=\"img\" aria-labelledby=\"ages\""));
    assert!(page.contains("href=\"/console/declarations?cluster=green&amp;fares=failing\""));
}

#[tokio::test]
async fn a_declaration_is_explained_with_its_history() {
    let visitor = told().await;
    let page = visitor.text("/console/declarations/blue/shop/db").await;
    assert_says(
        &page,
        &[
            "nothing is to be updated, as far as the ledger knows",
            "edit written app/db to v1",
            "pawl explain blue/shop/db",
        ],
    );
    assert!(page.contains("href=\"/console/keys?key=app%2Fdb\""));
    let page = visitor.text("/console/declarations/green/shop/lost").await;
    assert_says(&page, &["it failed once in a row (PAWL-FETCH-NOT-FOUND)", "PAWL-FETCH-NOT-FOUND means"]);
    let page = visitor.text("/console/declarations/green/shop/new").await;
    assert_says(&page, &["it was never tried", "No write of it is remembered."]);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let visitor = told().await;
    for path in [
        "/console/declarations/blue/shop/nothing",
        "/console/declarations/blue/SHOP/db",
        "/console/declarations/blue/%3Cscript%3E/db",
        "/console/declarations/blue",
        "/console/declarations/a/b/c/d",
        "/console/other",
        "/console/",
    ] {
        let answer = visitor.page(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_says(&answer.text, &["There is no such page."]);
    }
}

#[tokio::test]
async fn a_key_has_its_readers() {
    let visitor = told().await;
    let page = visitor.text("/console/keys?key=app/db").await;
    let place = secrets_manager_location();
    assert_says(
        &page,
        &["Read by 1 declaration.", &format!("blue/shop/db db {place} spec.data[0] v1 written")],
    );
    assert_says(&visitor.text("/console/keys?key=app/db&region=mars").await, &["Nobody reads this key."]);
    assert_says(&visitor.text("/console/keys").await, &["Name a key"]);
}

#[tokio::test]
async fn stores_lead_to_their_declarations() {
    let visitor = told().await;
    let page = visitor.text("/console/stores").await;
    assert_says(&page, &["1 store.", "ClusterSecretStore aws"]);
    let href = "/console/declarations?store=ClusterSecretStore+aws";
    assert!(page.contains(&format!("href=\"{href}\"")), "{page}");
    assert_says(&visitor.text(href).await, &["3 declarations, the last of them."]);
}

#[tokio::test]
async fn failures_are_told_by_code_with_what_to_do() {
    let visitor = told().await;
    let page = visitor.text("/console/failures").await;
    assert_says(&page, &["PAWL-FETCH-NOT-FOUND (1)", "It means", "What to do", "green/shop/lost :"]);
    let meaning = pawl_pipeline::explain::meaning::meaning("PAWL-FETCH-NOT-FOUND").unwrap();
    assert_says(&page, &[meaning.meaning.split(['`', '[']).next().unwrap().trim()]);
    assert_says(
        &visitor.text("/console/declarations?code=PAWL-FETCH-NOT-FOUND").await,
        &["1 declaration, the last of them"],
    );
}

#[tokio::test]
async fn dead_jobs_have_the_command_that_tries_them_anew() {
    let job = |id: &str, state, reason: Option<&str>| QueuedJob {
        id: id.to_owned(),
        state,
        attempts: 3,
        since: None,
        what: HOSTILE.to_owned(),
        reason: reason.map(str::to_owned),
    };
    let jobs = vec![job("7", "dead", Some("it cannot be read")), job("8", "ready", None)];
    let visitor = Visitor::of(World::new(), Canary::new(), Queue { waiting: 1, dead: 1, jobs });
    let page = visitor.text("/console/jobs").await;
    assert_says(
        &page,
        &["Dead letters (1)", "it cannot be read pawl jobs redrive 7", "Waiting or worked on (1)"],
    );
    assert!(!words(&page).contains("redrive 8"));
    let sqs = Visitor::of(World::new(), Canary::new(), Queue { waiting: 5, ..Queue::default() });
    assert_says(&sqs.text("/console/jobs").await, &["SQS tells how many there are"]);
}

/// What names cannot be, keys, properties and messages can; and whoever asks can ask for anything.
#[tokio::test]
async fn hostile_texts_are_texts() {
    let visitor = Visitor::new();
    visitor.world.declare(declaration("blue/shop/db").reads(HOSTILE).property(HOSTILE).version(HOSTILE));
    visitor.world.declare(declaration("blue/shop/find").finds(HOSTILE));
    visitor.deliver(&["blue/shop/db", "blue/shop/find"]).await;
    let asked = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect::<String>();
    let mut shown = 0;
    for path in ALL
        .iter()
        .copied()
        .chain(["/console/declarations/blue/shop/db", "/console/declarations/blue/shop/find"])
    {
        for query in [
            "",
            "text",
            "key",
            "store",
            "fares",
            "code",
            "cluster",
            "namespace",
            "after",
            "region",
            "refresh",
        ] {
            // `page` reads it strictly: no script, no attribute that runs, no tag that is not closed.
            let answer = visitor.page(&format!("{path}?{query}={asked}")).await;
            assert!(!answer.text.contains("<img"), "{path} {query}");
            shown += usize::from(answer.text.contains("&lt;script&gt;"));
        }
    }
    assert!(shown > 20, "{shown}");
}

#[tokio::test]
async fn what_cannot_be_read_is_shown_and_stops_nothing() {
    let visitor = told().await;
    let registry = visitor.world.registry();
    registry.damage(DocumentKind::Declaration, "green/shop/new");
    registry.damage(DocumentKind::Store, "ClusterSecretStore broken");
    registry.damage(DocumentKind::Cluster, "purple");
    visitor.world.ledger().damage(&"blue/shop/db".parse().unwrap());
    assert_says(
        &visitor.text("/console").await,
        &["Documents that cannot be read (3)", "green/shop/new cannot be read"],
    );
    let page = visitor.text("/console/declarations").await;
    assert_says(
        &page,
        &["2 declarations", "unknown", "the record of blue/shop/db", "Documents that cannot be read (1)"],
    );
    assert_says(
        &visitor.text("/console/declarations/green/shop/new").await,
        &["green/shop/new cannot be read"],
    );
    assert_says(&visitor.text("/console/stores").await, &["ClusterSecretStore broken cannot be read"]);
    assert_says(
        &visitor.text("/console/keys?key=app/new").await,
        &["No declaration that can be read reads this key.", "green/shop/new cannot be read"],
    );
    for path in ALL.into_iter().chain(["/console/declarations/blue/shop/db", "/console/keys?key=app/db"]) {
        visitor.text(path).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_cannot_be_asked_is_told_and_asked_again() {
    let visitor = told().await;
    for point in [Point::Entries, Point::Lookup] {
        visitor.world.inject(Fault::fail(Kind::Unreachable).at(point));
    }
    let mut told = 0;
    for path in ALL.into_iter().chain(["/console/declarations/blue/shop/db", "/console/keys?key=app/db"]) {
        told += usize::from(visitor.page(path).await.text.contains("role=\"alert\""));
    }
    assert!(told >= 5, "{told} pages say so");
    visitor.world.mend_all();
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_says(&visitor.text("/console").await, &["3 Declarations"]);
}

#[tokio::test]
async fn only_a_page_that_is_asked_to_loads_itself_again() {
    let visitor = told().await;
    assert!(!visitor.text("/console").await.contains("http-equiv"));
    let page = visitor.text("/console/declarations?refresh=30&cluster=blue").await;
    assert!(page.contains("<meta http-equiv=\"refresh\" content=\"30\">"));
    assert!(page.contains("href=\"/console/declarations?cluster=blue\">Stop</a>"), "{page}");
}

#[tokio::test]
async fn no_page_asks_a_store_or_a_cluster() {
    let visitor = told().await;
    visitor.world.add_store(secrets_manager("other"));
    visitor.world.add_cluster(cluster("red"));
    visitor.world.forget_calls();
    for path in ALL.into_iter().chain(["/console/declarations/blue/shop/db", "/console/keys?key=app/db"]) {
        visitor.text(path).await;
    }
    let calls = visitor.world.calls();
    assert!(calls.ledger_reads > 0, "{calls:?}");
    let stores = calls.fetches + calls.version_calls + calls.listings + calls.searches + calls.validations;
    let asked = (calls.ledger_writes + calls.registry_writes, calls.enqueues, stores, calls.cluster_calls());
    assert_eq!(asked, (0, 0, 0, 0), "{calls:?}");
}
