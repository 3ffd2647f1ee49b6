//! Why a PushSecret is as it is.

use crate::story::{MINUTE, Story};
use pawl_domain::Kind;
use pawl_ports::Ports;
use pawl_world::build::id;
use pawl_world::{Fault, Point, push, secrets_manager};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn one_sentence_says_why_it_is_so() {
    let story = Story::new();
    let start = || push("blue/shop/push").writes("pw", "app/pw").deleting().to(&["aws", "eu"]).every(60);
    let answer = async || {
        let account = story.pushes().push_account(&id("blue/shop/push")).await.unwrap().unwrap();
        let facts = account.told();
        story.canary.assert_absent_from("the explanation", &format!("{facts:?}"));
        (
            account.answer(),
            facts.into_iter().map(|fact| format!("{}: {}", fact.what, fact.is)).collect::<Vec<_>>(),
        )
    };
    let says = |answer: &str, part: &str| assert!(answer.contains(part), "{answer}");
    assert!(story.pushes().push_account(&id("blue/shop/push")).await.unwrap().is_none());
    story.world.declare_push(start()).await;
    says(&answer().await.0, "ClusterSecretStore eu is not registered");
    story.world.add_store(secrets_manager("eu").region("eu-west-1"));
    says(&answer().await.0, "it was never carried out; the next pass carries it out");
    story.src(1);
    story.world.inject(Fault::fail(Kind::Denied).at(Point::Push).times(1));
    story.pass().await;
    let (sentence, facts) = answer().await;
    says(&sentence, "it failed once in a row (PAWL-PUSH-DENIED)");
    says(&sentence, "; it is tried again at ");
    assert_eq!(facts.iter().filter(|fact| fact.starts_with("owed: ")).count(), 1, "{facts:?}");
    assert_eq!(facts.iter().filter(|fact| fact.starts_with("pushed: ")).count(), 1, "{facts:?}");
    story.world.advance(Duration::from_secs(1));
    story.pass().await;
    says(
        &answer().await.0,
        "the stores hold what it declares, as far as is known; its stores are asked again at",
    );
    story.world.clusters().delete("blue/shop/src");
    story.world.advance(MINUTE);
    story.pass().await;
    says(&answer().await.0, "its source is gone");
    story.world.declare_push(start().writes("user", "app/user")).await;
    says(&answer().await.0, "it was edited");
    story.world.declare_push(start().with(|push| push.deleting = true)).await;
    says(&answer().await.0, "it is on its way out; the next pass");
    story.end();
}
