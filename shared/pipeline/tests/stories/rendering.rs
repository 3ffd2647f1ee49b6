//! A template that takes its time holds up nobody, and one that would take too long fails alone.

use crate::story::Story;
use futures::FutureExt;
use pawl_domain::declaration::Template;
use pawl_domain::{Outcome, Step};
use pawl_world::declaration;
use std::collections::BTreeMap;

fn template(text: &str) -> Template {
    Template { data: BTreeMap::from([("x".to_owned(), text.to_owned())]), ..Template::default() }
}

#[tokio::test(start_paused = true)]
async fn others_are_written_while_a_template_takes_its_time() {
    let story = Story::new();
    let slow = template("{{ range until 30000 }}{{ $_ := sha256sum $.value }}{{ end }}{{ .value }}");
    story.world.declare(declaration("blue/noisy/slow").reads("app/slow").template(slow));
    story.declare("blue/shop/db", "app/db");
    let slow = story.world.rotate("app/slow", story.value(1));
    let quick = story.world.rotate("app/db", story.value(2));
    let (flow, other) = (story.flow(), story.flow());
    // The slow one is asked to go first each time.
    let first = futures::future::select(flow.sync(&slow).boxed(), other.sync(&quick).boxed()).await;
    let futures::future::Either::Right((report, slow)) = first else { panic!("the slow one ended first") };
    assert_eq!(report.unwrap().count(Outcome::Written), 1);
    assert_eq!(story.world.value("blue/shop/db", "value"), Some(story.value(2)));
    assert_eq!(slow.await.unwrap().count(Outcome::Written), 1, "it ends as well");
    assert_eq!(story.world.value("blue/noisy/slow", "x"), Some(story.value(1)));
    story.end();
}

#[tokio::test(start_paused = true)]
async fn a_template_that_would_take_too_long_fails_alone() {
    let story = Story::new();
    let endless = template("{{ range until 1000 }}{{ $_ := genPrivateKey \"rsa\" }}{{ end }}");
    story.world.declare(declaration("blue/noisy/endless").reads("app/db").template(endless));
    story.declare("blue/shop/db", "app/db");
    let change = story.world.rotate("app/db", story.value(1));
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Written), 1);
    let (id, error) = report.failures().next().unwrap();
    assert_eq!((id.to_string().as_str(), error.step), ("blue/noisy/endless", Step::Render));
    assert!(!error.is_retryable() && error.message().contains("more steps than allowed"), "{error}");
    story.end();
}

/// A note that a target is about to be created would stand in the way of what another delivery has to record, for as long as
/// rendering takes.
#[tokio::test(start_paused = true)]
async fn nothing_is_noted_of_a_target_before_it_is_rendered() {
    let story = Story::new();
    story.world.declare(declaration("blue/shop/db").reads("app/db").template(template(r#"{{ fail "no" }}"#)));
    let change = story.world.rotate("app/db", story.value(1));
    let before = story.world.calls().ledger_writes;
    let report = story.flow().sync(&change).await.unwrap();
    assert_eq!(report.failures().count(), 1);
    assert_eq!(story.world.calls().ledger_writes - before, 1, "its failure alone");
    story.end();
}
