//! Manifests that are applied belong to a set: no other set changes or removes them. Clusters are an administrator's.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::story::Story;
use pawl_domain::cluster::{Connection, TokenSource};
use pawl_domain::{Cluster, Declaration, Home, Kind, Manifests, Problem, Severity, StoreId};
use pawl_pipeline::index::IndexReport;
use pawl_pipeline::{Apply, ClusterRights};
use pawl_ports::{Ports, Put, Registry, Scope};
use pawl_world::{cluster, declaration, secrets_manager};

fn of(set: &str) -> Apply {
    Apply { set: set.parse().unwrap(), ..Apply::default() }
}

fn pruning(set: &str) -> Apply {
    Apply { prune: true, ..of(set) }
}

fn manifests(ids: &[&str]) -> Manifests {
    let reading = |id: &&str| declaration(id).reads("app/db").build();
    Manifests { declarations: ids.iter().map(reading).collect(), ..Manifests::default() }
}

fn with_store(manifests: Manifests, name: &str) -> Manifests {
    Manifests { stores: vec![secrets_manager(name).build()], ..manifests }
}

fn story() -> Story {
    let story = Story::new();
    story.with_namespace("shop");
    story.with_namespace("bank");
    story
}

async fn names(story: &Story) -> Vec<String> {
    let all = story.world.registry().page(&Scope::All, None, 1000).await.unwrap();
    all.iter().map(|each| each.id.to_string()).collect()
}

fn removed(report: &IndexReport) -> Vec<String> {
    report.removed.iter().map(|(id, _)| id.to_string()).collect()
}

fn failures(report: &IndexReport) -> Vec<String> {
    let objects =
        report.objects.iter().filter_map(|(name, put)| Some(format!("{name}: {}", put.as_ref().err()?)));
    let declarations =
        report.declarations.iter().filter_map(|(id, put)| Some(format!("{id}: {}", put.as_ref().err()?)));
    objects.chain(declarations).collect()
}

#[tokio::test(start_paused = true)]
async fn a_prune_removes_nothing_of_another_team() {
    let story = story();
    let flow = story.flow();
    let bank = with_store(manifests(&["blue/bank/a", "blue/bank/b"]), "bank");
    flow.index(bank, &of("bank")).await.unwrap();
    let shop = with_store(manifests(&["blue/shop/a", "blue/shop/b"]), "shop");
    flow.index(shop.clone(), &of("shop")).await.unwrap();

    let report = flow.index(manifests(&["blue/shop/a"]), &pruning("shop")).await.unwrap();
    assert_eq!(removed(&report), ["blue/shop/b"]);
    assert_eq!(
        report.removed_stores.iter().map(StoreId::to_string).collect::<Vec<_>>(),
        ["ClusterSecretStore shop"]
    );
    assert_eq!(names(&story).await, ["blue/bank/a", "blue/bank/b", "blue/shop/a"]);
    // Nor does whoever names no set.
    let report = flow.index(Manifests::default(), &Apply { prune: true, ..Apply::default() }).await.unwrap();
    assert_eq!(removed(&report), [""; 0]);
    assert_eq!(names(&story).await, ["blue/bank/a", "blue/bank/b", "blue/shop/a"]);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_another_set_applied_is_changed_only_where_that_is_said() {
    let story = story();
    let flow = story.flow();
    flow.index(with_store(manifests(&["blue/shop/db"]), "aws"), &of("shop")).await.unwrap();
    let theirs = Manifests {
        declarations: vec![declaration("blue/shop/db").reads("bank/swift").build()],
        stores: vec![secrets_manager("aws").region("us-east-1").build()],
        ..Manifests::default()
    };
    let report = flow.index(theirs.clone(), &of("bank")).await.unwrap();
    let failures = failures(&report);
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert!(failures.iter().all(|each| each.contains("belongs to set shop") && each.contains("--take-over")));
    let standing = story.world.registry().page(&Scope::All, None, 10).await.unwrap().remove(0);
    assert_eq!(standing.set, Some("shop".parse().unwrap()));

    let report = flow.index(theirs, &Apply { take_over: true, ..of("bank") }).await.unwrap();
    assert!(report.is_complete());
    let standing = story.world.registry().page(&Scope::All, None, 10).await.unwrap().remove(0);
    assert_eq!(standing.set, Some("bank".parse().unwrap()));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_no_set_is_adopted_and_not_delivered_again() {
    let story = story();
    let old = declaration("blue/shop/db").reads("app/db").build();
    story.world.registry().add_declaration(&old);
    let flow = story.flow();
    let stray = declaration("blue/shop/stray").reads("app/db").build();
    story.world.registry().add_declaration(&stray);

    let report = flow.index(with_store(manifests(&["blue/shop/db"]), "aws"), &pruning("shop")).await.unwrap();
    assert_eq!(removed(&report), [""; 0], "what nobody owns is nobody's to remove");
    let told: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
    assert!(told.len() == 1 && told[0].contains("1 objects were applied before there were sets"), "{told:?}");
    assert_eq!(report.declarations[0].1.as_ref().unwrap(), &Put::Changed);
    assert!(story.world.jobs().take().is_empty(), "nothing is rendered anew for it");
    let standing =
        story.world.registry().declarations(std::slice::from_ref(&old.id)).await.unwrap().remove(0);
    assert_eq!(standing, Declaration { set: Some("shop".parse().unwrap()), ..old.clone() });
    assert_eq!(standing.digest(), old.digest());
    // From now on it is this set's.
    let report = flow.index(Manifests::default(), &pruning("shop")).await.unwrap();
    assert_eq!(removed(&report), ["blue/shop/db"]);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_prune_of_most_of_a_set_stops_unless_it_is_meant() {
    let story = story();
    let flow = story.flow();
    let ids: Vec<String> = (0..12).map(|number| format!("blue/shop/s{number:02}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    flow.index(manifests(&ids), &of("shop")).await.unwrap();
    let report = flow.index(manifests(&ids[..2]), &pruning("shop")).await.unwrap();
    assert_eq!(removed(&report), [""; 0]);
    let told = report.problems.iter().find(|problem| problem.severity == Severity::Error).unwrap();
    assert!(told.message.contains("10 of the 12 objects of set shop would go"), "{told}");
    assert_eq!(names(&story).await.len(), 12);
    // Half of it is no mistake, and neither is what somebody confirms.
    let report = flow.index(manifests(&ids[..6]), &pruning("shop")).await.unwrap();
    assert_eq!(removed(&report).len(), 6);
    flow.index(manifests(&ids), &of("shop")).await.unwrap();
    let meant = Apply { prune_most: true, ..pruning("shop") };
    assert_eq!(removed(&flow.index(manifests(&ids[..1]), &meant).await.unwrap()).len(), 11);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_preview_tells_what_an_apply_would_do_and_does_nothing() {
    let story = story();
    let flow = story.flow();
    flow.index(manifests(&["blue/bank/a"]), &of("bank")).await.unwrap();
    flow.index(manifests(&["blue/shop/a", "blue/shop/b"]), &of("shop")).await.unwrap();
    story.world.jobs().take();
    let before = story.world.registry().dump();
    let edited = declaration("blue/shop/a").reads("app/other").build();
    let mut given = with_store(manifests(&["blue/bank/a", "blue/shop/new"]), "aws");
    given.declarations.push(edited);
    given.clusters = vec![cluster("red").build()];
    let report = flow.preview(given.clone(), &pruning("shop")).await.unwrap();
    let put: Vec<_> =
        report.declarations.iter().map(|(id, put)| (id.to_string(), put.as_ref().ok().copied())).collect();
    let expected =
        [("blue/bank/a", None), ("blue/shop/new", Some(Put::Created)), ("blue/shop/a", Some(Put::Changed))];
    assert_eq!(put, expected.map(|(id, put)| (id.to_owned(), put)));
    assert_eq!(removed(&report), ["blue/shop/b"]);
    assert_eq!(failures(&report).len(), 2, "the Cluster and what is another set's: {report:?}");
    assert_eq!(story.world.registry().dump(), before);
    assert!(story.world.jobs().take().is_empty());
    // And the apply does just that.
    let done = flow.index(given, &pruning("shop")).await.unwrap();
    assert_eq!(removed(&done), removed(&report));
    assert_eq!(failures(&done).len(), 2);
    story.end();
}

fn at(name: &str, url: &str, token: TokenSource) -> Cluster {
    cluster(name).connection(Connection::Url { url: url.to_owned(), ca: None, token }).build()
}

async fn applied(story: &Story, clusters: Vec<Cluster>, rights: ClusterRights) -> IndexReport {
    let apply = Apply { clusters: rights, ..of("infra") };
    story.flow().index(Manifests { clusters, ..Manifests::default() }, &apply).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_an_administrator_did_not_declare_is_refused() {
    let story = story();
    let red = at("red", "https://evil", TokenSource::SecretsManager("pawl/clusters/prod".to_owned()));
    let takeover = at("blue", "https://evil", TokenSource::SecretsManager("pawl/clusters/prod".to_owned()));
    let report = applied(&story, vec![red, takeover], ClusterRights::None).await;
    assert_eq!(failures(&report).len(), 2);
    let errors = report.objects.iter().map(|(_, put)| put.as_ref().unwrap_err());
    assert!(
        errors.clone().all(|error| error.kind == Kind::Denied && error.to_string().contains("--clusters"))
    );
    let known = story.world.registry().clusters().await.unwrap();
    assert_eq!(known, ["blue", "green"].map(|name| cluster(name).build()));
    // One that stands as it is given harms nobody.
    let report = applied(&story, vec![cluster("blue").build()], ClusterRights::None).await;
    assert!(report.is_complete());
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_leads_elsewhere_only_where_that_is_meant() {
    let story = story();
    let token = || TokenSource::Env("PAWL_CLUSTER_TOKEN_RED".to_owned());
    let red = at("red", "https://red", token());
    assert!(applied(&story, vec![red.clone()], ClusterRights::Add).await.is_complete());
    for moved in [
        at("red", "https://evil", token()),
        at("red", "https://red", TokenSource::Env("PAWL_CLUSTER_TOKEN_BLUE".to_owned())),
    ] {
        let report = applied(&story, vec![moved.clone()], ClusterRights::Add).await;
        let told = failures(&report);
        assert!(told.len() == 1 && told[0].contains("--allow-cluster-changes"), "{told:?}");
        assert!(
            told[0].contains("https://red with the token in variable PAWL_CLUSTER_TOKEN_RED"),
            "{told:?}"
        );
        assert!(story.world.registry().clusters().await.unwrap().contains(&red));
    }
    // Its labels are no way anywhere.
    let labelled = Cluster { labels: [("tier".to_owned(), "prod".to_owned())].into(), ..red };
    assert!(applied(&story, vec![labelled], ClusterRights::Add).await.is_complete());
    let loud = "cluster red leads elsewhere from now on: \
                to https://elsewhere.loud with the token in variable PAWL_CLUSTER_TOKEN_RED, no longer to https://red with";
    assert!(!story.canary.warned(loud));
    let moved = at("red", "https://elsewhere.loud", token());
    assert!(applied(&story, vec![moved.clone()], ClusterRights::Change).await.is_complete());
    assert!(story.canary.warned(loud), "nobody overlooks it");
    assert!(story.world.registry().clusters().await.unwrap().contains(&moved));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_may_stand_in_a_manifest_that_could_not_be_used_is_not_removed() {
    let story = story();
    story.flow().index(manifests(&["blue/shop/db"]), &pruning("shop")).await.unwrap();
    for object in
        [Problem::UNNAMED, "ExternalSecret without a name", "ExternalSecret db", "ExternalSecret shop/db"]
    {
        let problem = Problem {
            severity: Severity::Error,
            place: "shop.yaml:1".to_owned(),
            object: object.to_owned(),
            field: String::new(),
            message: "is wrong".to_owned(),
        };
        let given = Manifests { problems: vec![problem], ..Manifests::default() };
        let report = story.flow().index(given, &pruning("shop")).await.unwrap();
        assert!(report.removed.is_empty(), "{object}: {report:?}");
    }
    assert_eq!(names(&story).await, ["blue/shop/db"]);
    let found_nothing = Apply { found_nothing: true, ..pruning("shop") };
    let report = story.flow().index(Manifests::default(), &found_nothing).await.unwrap();
    assert!(report.removed.is_empty() && !report.is_complete(), "{report:?}");
    let report = story.flow().index(Manifests::default(), &pruning("shop")).await.unwrap();
    assert_eq!(report.removed.len(), 1);
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_to_the_server_that_it_was_first_used_for() {
    let story = story();
    let secret = || TokenSource::SecretsManager("pawl/clusters/red".to_owned());
    let red = at("red", "https://red:6443", secret());
    let twin = at("twin", "https://RED:6443/", secret());
    let evil = at("evil", "https://evil", secret());
    let report = applied(&story, vec![red, twin, evil.clone()], ClusterRights::Add).await;
    let told = failures(&report);
    assert!(told.len() == 1 && told[0].starts_with("Cluster evil"), "{told:?}");
    assert!(told[0].contains("secret pawl/clusters/red") && told[0].contains("https://red:6443"), "{told:?}");
    assert!(applied(&story, vec![evil], ClusterRights::Change).await.is_complete());
    story.end();
}

#[tokio::test(start_paused = true)]
async fn what_lives_in_a_cluster_belongs_to_no_set() {
    let story = story();
    let inside =
        declaration("blue/shop/db").reads("app/db").home(Home::Cluster("blue".parse().unwrap())).build();
    let given = Manifests { declarations: vec![inside.clone()], ..Manifests::default() };
    story.flow().index(given, &of("shop")).await.unwrap();
    assert_eq!(
        story.world.registry().declarations(std::slice::from_ref(&inside.id)).await.unwrap(),
        [inside]
    );
    story.end();
}
