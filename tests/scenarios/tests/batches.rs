//! Batches of events and jobs: what is acknowledged, what comes again, and that nothing is lost between them.

use crate::told::Told;
use pawl_domain::Kind;
use pawl_sync::Call;
use pawl_world::{Fault, Point, declaration};
use serde_json::json;

/// Nothing comes again.
const NONE: [usize; 0] = [];

#[tokio::test(start_paused = true)]
async fn of_a_batch_only_what_could_not_be_settled_comes_again() {
    let told = Told::new();
    told.world.declare(declaration("blue/shop/a").reads("app/a"));
    told.world.declare(declaration("blue/shop/b").reads("app/b"));
    let a = pawl_events::to_json(&told.world.rotate("app/a", told.value(1)));
    let b = pawl_events::to_json(&told.world.rotate("app/b", told.value(2)));
    let lookup = Fault::fail(Kind::Throttled).at(Point::Lookup);
    let bodies =
        [a.as_str(), "not json", r#"{"source":"other","detail-type":"x","detail":{}}"#, "{}", b.as_str()];
    assert_eq!(told.hear(&bodies).await, NONE);
    assert_eq!(told.world.value("blue/shop/a", "value"), Some(told.value(1)));
    assert_eq!(told.world.value("blue/shop/b", "value"), Some(told.value(2)));

    let a = pawl_events::to_json(&told.world.rotate("app/a", told.value(3)));
    told.world.inject(lookup);
    assert_eq!(told.hear(&["not json", &a]).await, [1]);
    told.world.mend_all();
    assert_eq!(told.hear(&[&a]).await, NONE);
    assert_eq!(told.world.value("blue/shop/a", "value"), Some(told.value(3)));
    told.end();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_cut_off_gets_its_secret_when_it_is_back() {
    let told = Told::new();
    told.world.declare(declaration("blue/shop/db").reads("app/db"));
    told.world.declare(declaration("green/shop/db").reads("app/db"));
    told.world.inject(Fault::down("green"));
    let change = told.world.rotate("app/db", told.value(1));
    assert_eq!(told.hear_of(&change).await, NONE, "the rest is in the job queue");
    assert_eq!(told.world.value("blue/shop/db", "value"), Some(told.value(1)));
    assert_eq!(told.work_off().await, 1);
    told.world.mend_all();
    assert_eq!(told.work_off().await, 0);
    assert_eq!(told.world.value("green/shop/db", "value"), Some(told.value(1)));
    told.end();
}

#[tokio::test(start_paused = true)]
async fn an_event_comes_again_when_neither_cluster_nor_queue_can_be_reached() {
    let told = Told::new();
    told.world.declare(declaration("green/shop/db").reads("app/db"));
    told.world.inject(Fault::down("green"));
    told.world.inject(Fault::fail(Kind::Unreachable).at(Point::Enqueue));
    let change = told.world.rotate("app/db", told.value(1));
    assert_eq!(told.hear_of(&change).await, [0]);
    told.world.mend_all();
    assert_eq!(told.hear_of(&change).await, NONE);
    assert_eq!(told.world.value("green/shop/db", "value"), Some(told.value(1)));
    told.end();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_after_the_write_does_no_harm() {
    let told = Told::new();
    told.world.declare(declaration("blue/shop/db").reads("app/db"));
    told.hear_of(&told.world.rotate("app/db", told.value(1))).await;
    told.world.inject(Fault::lost_answer().at(Point::Write).times(1));
    let change = told.world.rotate("app/db", told.value(2));
    assert_eq!(told.hear_of(&change).await, NONE);
    assert_eq!(told.work_off().await, 0);
    assert_eq!(told.world.value("blue/shop/db", "value"), Some(told.value(2)));
    told.hear_of(&told.world.rotate("app/db", told.value(3))).await;
    assert_eq!(told.world.value("blue/shop/db", "value"), Some(told.value(3)));
    told.end();
}

#[tokio::test(start_paused = true)]
async fn duplicates_and_disorder_end_with_the_newest_value() {
    let told = Told::new();
    told.world.declare(declaration("blue/shop/db").reads("app/db"));
    let events: Vec<String> = (1..=4)
        .map(|number| pawl_events::to_json(&told.world.rotate("app/db", told.value(number))))
        .collect();
    let disorder: Vec<&str> = [2, 0, 3, 3, 1, 0, 2].map(|position| events[position].as_str()).to_vec();
    assert_eq!(told.hear(&disorder).await, NONE);
    assert_eq!(told.work_off().await, 0);
    assert_eq!(told.world.value("blue/shop/db", "value"), Some(told.value(4)));
    told.end();
}

#[tokio::test(start_paused = true)]
async fn a_topic_may_call_the_function_itself() {
    let told = Told::new();
    told.world.declare(declaration("blue/shop/db").reads("app/db"));
    let change = pawl_events::to_json(&told.world.rotate("app/db", told.value(1)));
    let called = json!({ "Records": [{ "EventSource": "aws:sns", "EventVersion": "1.0", "Sns": { "Message": change } }] });
    let Call::Event(event) = Call::read(called) else { panic!("it is no batch of SQS") };
    told.world.inject(Fault::fail(Kind::Throttled).at(Point::Lookup));
    let failed = pawl_sync::handle_event(&told.pipeline, &event).await;
    assert!(failed.is_err(), "Lambda calls again");
    told.world.mend_all();
    pawl_sync::handle_event(&told.pipeline, &event).await.unwrap();
    assert_eq!(told.world.value("blue/shop/db", "value"), Some(told.value(1)));
    pawl_sync::handle_event(&told.pipeline, b"{}").await.unwrap();
    let batch = Call::read(serde_json::to_value(crate::told::batch(&["x"])).unwrap());
    assert!(matches!(batch, Call::Event(_)), "a batch without eventSource is not one of SQS");
    let of_queue =
        json!({ "Records": [{ "messageId": "1", "eventSource": "aws:sqs", "body": "x", "attributes": {} }] });
    assert!(matches!(Call::read(of_queue), Call::Batch(_)));
    told.end();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_job_is_dropped_and_holds_nothing_up() {
    let told = Told::new();
    for (body, comes_again) in [
        ("", 0),
        ("{}", 0),
        ("not json", 0),
        (r#"{"kind":"pawl.dev/job","version":1}"#, 0),
        // Another version of Pawl may still be there to do it.
        (r#"{"kind":"pawl.dev/job","version":99}"#, 1),
    ] {
        let response = pawl_deliver::handle(&told.pipeline, crate::told::batch(&[body])).await;
        assert_eq!(response.batch_item_failures.len(), comes_again, "{body:?}");
    }
}
