//! The job queue in SQS with its dead-letter queue, as `pawl serve` works it off and as a person looks at it.

use pawl_e2e::{REGION, Result, Server, Stage, until};
use serde_json::{Value, json};

/// A job that another version of Pawl wrote.
const OTHER: &str = r#"{"kind":"pawl.dev/job","version":2,"declarations":["blue/shop/db"],"change":null,"at":"2026-11-22T10:00:01Z"}"#;

#[tokio::test]
async fn a_job_of_another_version_is_never_lost_and_is_found_among_the_dead_letters() -> Result<()> {
    let mut stage = Stage::start(&[]).await?;
    stage.set("PAWL_LEDGER_KEY", "a key of this test, and of no other");
    stage.create_table("pawl").await?;
    let aws = stage.aws();
    let dead = aws.create_queue(REGION, "jobs-dead", &[]).await?;
    let redrive = json!({ "deadLetterTargetArn": dead.arn, "maxReceiveCount": 2 }).to_string();
    let attributes = [("VisibilityTimeout", "600"), ("RedrivePolicy", redrive.as_str())];
    let jobs = aws.create_queue(REGION, "jobs", &attributes).await?;
    aws.send_message(&jobs, OTHER).await?;
    aws.send_message(&jobs, "no job at all").await?;

    let place = ["--table", "pawl", "--jobs", jobs.url.as_str()];
    let arguments = [&["--sweep", "24h", "--index", "24h"][..], &place].concat();
    let server = Server::start(&stage, &arguments).await?;
    // Its visibility timeout is ten minutes: it comes again because the server says when.
    let buried = async || (aws.queue_depth(&dead).await.ok()? == 1).then_some(());
    until("the end of the job's tries", buried).await?;
    let metrics = server.metrics().await?;
    assert_eq!(metrics.count("pawl_jobs_total", &[("outcome", "other-version")]), 2);
    assert_eq!(metrics.count("pawl_jobs_total", &[("outcome", "malformed")]), 1);
    assert!(server.log().contains("the job has version 2"), "{}", server.log());
    server.tell_to_stop().await?;
    server.finished().await?;

    let pawl = async |verb: &[&str]| {
        stage.pawl(&[&["jobs"][..], verb, &place, &["--output", "json"]].concat()).await
    };
    let list: Value = serde_json::from_str(&pawl(&["list"]).await?.well()?).unwrap_or_default();
    assert_eq!((&list["waiting"], &list["dead"]), (&json!(0), &json!(1)), "{list}");
    let job = &list["jobs"][0];
    assert_eq!(job["state"], "dead");
    assert!(job["what"].as_str().is_some_and(|what| what.contains("has version 2")), "{list}");
    let id = job["id"].as_str().unwrap_or_default();
    let shown = pawl(&["show", id]).await?.well()?;
    assert!(shown.contains(id), "{shown}");
    assert_eq!(pawl(&["show", "nobody"]).await?.code, 1);

    let redriven = pawl(&["redrive", id]).await?.well()?;
    assert!(redriven.contains("redriven"), "{redriven}");
    assert_eq!((aws.queue_depth(&jobs).await?, aws.queue_depth(&dead).await?), (1, 0));
    // It is counted and not received: a receive that the server left open when it stopped may hold it already.

    aws.send_message(&dead, OTHER).await?;
    assert_eq!(pawl(&["delete", "nobody"]).await?.code, 1);
    assert_eq!(aws.queue_depth(&dead).await?, 1);
    pawl(&["delete", "--all-dead"]).await?.well()?;
    assert_eq!(aws.queue_depth(&dead).await?, 0);
    Ok(())
}
