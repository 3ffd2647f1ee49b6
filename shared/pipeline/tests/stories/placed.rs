//! What ClusterExternalSecrets placed that were applied: it is theirs, whether or not they can be read, and goes with them alone.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use crate::placing::{apply, blue, choose, index, of, pattern, placed, scene, written};
use crate::story::{Story, applying, manifests, pruning};
use pawl_domain::spread::{MOST_PLACED, Pattern};
use pawl_domain::{Kind, Severity};
use pawl_pipeline::index::IndexReport;
use pawl_pipeline::{Apply, Sightings};
use pawl_ports::{Catalogue, Clock, DocumentKind, Ports, Put, Registry, Sighting};
use pawl_world::build::{id, namespace};
use pawl_world::{Fault, Point, cluster, declaration};
use std::time::Duration;

fn damage(story: &Story) {
    story.world.registry().damage(DocumentKind::Pattern, "blue/db");
}

fn called(name: &str) -> Pattern {
    let declaration = declaration(&format!("blue/any/{name}")).reads("app/db").build();
    Pattern { declaration, ..pattern("db") }
}

fn edited() -> Pattern {
    Pattern { declaration: declaration("blue/any/db").reads("app/new").build(), ..pattern("db") }
}

async fn prune(story: &Story, patterns: Vec<Pattern>) -> IndexReport {
    let report = story.flow().index(of(patterns), &pruning()).await.unwrap();
    story.work_off().await;
    report
}

#[tokio::test(start_paused = true)]
async fn what_one_placed_that_cannot_be_read_stays_and_is_known_again_once_it_is_applied() {
    let story = scene(&["+shop", "+till", "infra"]);
    prune(&story, vec![pattern("db")]).await;
    damage(&story);
    for given in [vec![], vec![pattern("mail")]] {
        let report = prune(&story, given).await;
        assert!(report.removed.is_empty() && report.removed_patterns.is_empty(), "{report:?}");
        let told =
            |message: &str| message.contains("ClusterExternalSecret blue/db") && message.contains("apply");
        assert!(report.problems.iter().any(|problem| told(&problem.message)), "{report:?}");
    }
    choose(&story, "till", false);
    choose(&story, "infra", true);
    index(&story).await;
    assert_eq!(written(&story, "db"), ["shop", "till"], "nobody knows what it chooses");

    let report = prune(&story, vec![pattern("db")]).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(written(&story, "db"), ["infra", "shop"]);
    assert_eq!(placed(&story).await, ["blue/infra/db", "blue/shop/db"]);
    let report = prune(&story, vec![]).await;
    assert_eq!(report.removed_patterns.len(), 1, "{report:?}");
    assert!(written(&story, "db").is_empty());
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_read_is_replaced_by_its_set_alone_and_its_former_name_goes() {
    let story = scene(&["+shop"]);
    let of_set = |set: &str| Apply { set: set.parse().unwrap(), ..applying() };
    story.flow().index(of(vec![pattern("db")]), &of_set("shop")).await.unwrap();
    story.work_off().await;
    damage(&story);
    let report = story.flow().index(of(vec![called("mail")]), &of_set("till")).await.unwrap();
    let preview = story.flow().preview(of(vec![called("mail")]), &of_set("till")).await.unwrap();
    for report in [report, preview] {
        let put = report.objects.iter().find(|(name, _)| name == "ClusterExternalSecret blue/db").unwrap();
        assert!(put.1.as_ref().is_err_and(|error| error.message().contains("set shop")), "{report:?}");
    }
    let own = || manifests(vec![declaration("blue/shop/db").reads("app/db").build()]);
    let report = story.flow().index(own(), &of_set("shop")).await.unwrap();
    assert!(report.declarations[0].1.is_err(), "it is the pattern's: {report:?}");

    let report = story.flow().index(of(vec![called("mail")]), &of_set("shop")).await.unwrap();
    story.work_off().await;
    assert!(
        matches!(&report.objects[..], [.., (name, Ok(Put::Changed))] if name == "ClusterExternalSecret blue/db"),
        "{report:?}"
    );
    assert!(written(&story, "db").is_empty());
    assert_eq!(written(&story, "mail"), ["shop"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_placed_is_not_deleted_by_itself_for_it_would_come_back() {
    let story = scene(&["+shop"]);
    apply(&story, of(vec![pattern("db")])).await;
    let ids = [id("blue/shop/db")];
    for is_damaged in [false, true] {
        if is_damaged {
            damage(&story);
        }
        let removed = story.flow().remove(&ids).await.unwrap();
        let [(_, Err(error))] = &removed[..] else { panic!("{removed:?}") };
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.message().contains("ClusterExternalSecret blue/db"), "{error}");
        assert!(error.message().contains("--prune"), "{error}");
        assert_eq!(written(&story, "db"), ["shop"]);
    }
    // What it left is nobody's.
    story.world.registry().remove_pattern(&pattern("db").id()).await.unwrap();
    let removed = story.flow().remove(&ids).await.unwrap();
    assert!(matches!(&removed[..], [(_, Ok(()))]), "{removed:?}");
    assert!(written(&story, "db").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_left_by_one_that_is_gone_goes_with_its_set() {
    let story = scene(&["+shop"]);
    prune(&story, vec![pattern("db")]).await;
    story.world.registry().remove_pattern(&pattern("db").id()).await.unwrap();
    let report = prune(&story, vec![]).await;
    assert_eq!(report.removed.len(), 1, "{report:?}");
    assert!(written(&story, "db").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_removed_takes_one_along_that_cannot_be_read() {
    let story = scene(&["+shop"]);
    apply(&story, of(vec![pattern("db")])).await;
    damage(&story);
    let retired = story.flow().retire_cluster(&blue(), false).await.unwrap();
    assert_eq!((retired.patterns.len(), retired.declarations.len()), (1, 1));
    assert!(story.world.registry().patterns().await.unwrap().unreadable.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_prune_counts_what_would_go_with_it() {
    let story = scene(&[]);
    for number in 0..12 {
        choose(&story, &format!("n{number}"), true);
    }
    prune(&story, vec![pattern("db")]).await;
    assert_eq!(placed(&story).await.len(), 12);
    let guarded = Apply { prune_most: false, ..pruning() };
    let report = story.flow().index(of(vec![]), &guarded).await.unwrap();
    assert!(report.removed.is_empty() && report.removed_patterns.is_empty(), "{report:?}");
    let error = report.problems.iter().find(|problem| problem.severity == Severity::Error).unwrap();
    assert!(error.message.contains("13 of the 14 objects"), "the store is one as well: {error}");
    let report = story.flow().index(of(vec![]), &pruning()).await.unwrap();
    assert_eq!((report.removed.len(), report.removed_patterns.len()), (12, 1));
}

#[tokio::test(start_paused = true)]
async fn an_older_listing_of_a_folder_neither_changes_nor_removes_it() {
    let story = scene(&["+shop"]);
    let now = story.world.clock().now();
    let earlier = now - Duration::from_secs(10);
    story.world.rotate("app/new", story.value(3));
    story.flow().index_folder(of(vec![edited()]), &pruning(), now).await.unwrap();
    story.work_off().await;
    for older in [vec![pattern("db")], vec![]] {
        let refused = story.flow().index_folder(of(older), &pruning(), earlier).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Conflict);
        story.work_off().await;
        assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(3)));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_edited_while_it_is_removed_stays() {
    let story = scene(&["+shop"]);
    prune(&story, vec![pattern("db")]).await;
    story.world.rotate("app/new", story.value(3));
    story.world.inject(Fault::slow(Duration::from_secs(1)).at(Point::Write).times(1));
    let (flow, apply) = (story.flow(), pruning());
    let edit = async {
        story.flow().index(of(vec![edited()]), &applying()).await.unwrap();
    };
    let (report, ()) = futures::join!(flow.index(of(vec![]), &apply), edit);
    let report = report.unwrap();
    assert!(report.removed_patterns.is_empty() && !report.is_complete(), "{report:?}");
    assert_eq!(story.world.registry().patterns().await.unwrap().known.len(), 1);
    story.work_off().await;
    index(&story).await;
    story.sweep_for(1).await;
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(3)));
}

#[tokio::test(start_paused = true)]
async fn an_index_that_read_the_patterns_before_does_not_undo_an_edit() {
    let story = scene(&["+shop", "+till"]);
    apply(&story, of(vec![pattern("db")])).await;
    story.world.rotate("app/new", story.value(3));
    story.world.inject(Fault::slow(Duration::from_secs(1)).at(Point::NamespaceLabels).times(1));
    let flow = story.flow();
    let edit = async {
        story.world.advance(Duration::from_secs(1));
        apply(&story, of(vec![edited()])).await;
    };
    let (reports, ()) = futures::join!(flow.index_clusters(), edit);
    let report = reports.unwrap().pop().unwrap().1.unwrap();
    assert!(report.problems.iter().all(|problem| problem.severity == Severity::Warning), "{report:?}");
    story.work_off().await;
    for at in ["shop", "till"] {
        assert_eq!(story.world.value(&format!("blue/{at}/db"), "value"), Some(story.value(3)));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_chooses_too_many_namespaces_is_refused_and_hinders_no_other() {
    let story = scene(&["+shop"]);
    apply(&story, of(vec![pattern("db")])).await;
    for number in 0..MOST_PLACED {
        story.world.clusters().set_namespace(&blue(), &namespace(&format!("n{number}")), &[("tier", "web")]);
    }
    let mut everywhere = pattern("all");
    everywhere.selection.selectors.push(Default::default());
    let report = apply(&story, of(vec![everywhere, pattern("mail")])).await;
    let refused: Vec<_> =
        report.objects.iter().filter_map(|(name, put)| Some((name, put.as_ref().err()?))).collect();
    let [(name, error)] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!((name.as_str(), error.kind), ("ClusterExternalSecret blue/all", Kind::Invalid));
    assert!(error.message().contains("5001 namespaces"), "{error}");
    assert_eq!((written(&story, "db"), written(&story, "mail")), (vec!["shop".into()], vec!["shop".into()]));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_for_who_takes_in_the_same_cluster() {
    let story = scene(&["+shop"]);
    apply(&story, of(vec![pattern("db")])).await;
    let mut seen = Sightings::default();
    seen.add(Sighting::Families);
    let (flow, blue) = (story.flow(), cluster("blue").build());
    let slow = Fault::slow(Duration::from_secs(3600));
    story.world.inject(slow.at(Point::Lookup).on("patterns").times(1));
    let waiting = async {
        let error = flow.follow(&blue, &seen).await.unwrap_err();
        assert_eq!(error.kind, Kind::Unreachable, "{error}");
        let reports = flow.index_clusters().await.unwrap();
        assert!(matches!(&reports[..], [(_, Err(error))] if error.kind == Kind::Unreachable), "{reports:?}");
    };
    let (followed, ()) = futures::join!(flow.follow(&blue, &seen), waiting);
    followed.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_does_not_tell_them_removes_nothing() {
    let story = scene(&["+shop"]);
    prune(&story, vec![pattern("db")]).await;
    story.world.inject(Fault::fail(Kind::Transient).at(Point::Lookup).on("patterns"));
    assert!(story.flow().index(of(vec![]), &pruning()).await.is_err());
    assert_eq!(written(&story, "db"), ["shop"]);
}
