//! The cluster answers as a real kube-apiserver 1.20.2 answered; `examples/record.rs` made the recording.

mod common;
#[path = "recorded/mod.rs"]
mod recording;

use pawl_devcluster::{DevCluster, Options, User};

#[tokio::test]
async fn every_answer_is_the_recorded_one() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    cluster.add_token("low", User::new("low"));
    let admin = common::client(&cluster).await;
    let low = common::client_with(&cluster, "low").await;
    let nobody = common::client_with(&cluster, "nobody").await;
    let exchanges = recording::exchanges();
    assert!(exchanges.len() > 150, "the recording is whole");
    for exchange in exchanges {
        let client = match exchange.user.as_str() {
            "admin" => &admin,
            "low" => &low,
            _ => &nobody,
        };
        let (code, answer) = recording::send(client, &exchange).await;
        let request = format!("{} {} {}", exchange.method, exchange.path, exchange.body);
        assert_eq!(
            (code, &answer),
            (exchange.code, &exchange.answer),
            "{request}\n{answer:#}\n{:#}",
            exchange.answer
        );
    }
}
