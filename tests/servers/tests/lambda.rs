//! A real function binary under cargo-lambda's emulator, invoked directly and through a queue of moto.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use pawl_servers::{Error, LambdaEmulator, Moto, SqsPoller, process::clean_command, tools_directory};
use serde_json::json;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// As when SAM calls it, whose own Python comes first on the path and knows no compiler.
#[test]
fn cargo_lambda_finds_its_compiler_behind_another_python() {
    let tools = tools_directory().unwrap().join("bin");
    let other = tempfile::tempdir().unwrap();
    for name in ["python", "python3"] {
        std::os::unix::fs::symlink("/bin/false", other.path().join(name)).unwrap();
    }
    let path = std::env::join_paths([other.path(), &tools, "/usr/bin".as_ref(), "/bin".as_ref()]).unwrap();
    let mut command = clean_command(tools.join("cargo-lambda"));
    let output = command.args(["lambda", "system"]).current_dir(other.path()).env("PATH", path).output();
    let said = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(said.contains(&format!("command: {}", tools.join("zig").display())), "{said}");
}

#[tokio::test]
async fn a_function_answers_fails_and_dies_visibly() {
    let emulator = LambdaEmulator::start(&[("echo", function())], &[("GREETING", "hello")]).await.unwrap();
    assert_eq!(emulator.invoke("echo", &json!({ "a": 1 })).await.unwrap(), json!({ "a": 1 }));

    let failed = emulator.invoke("echo", &json!({ "do": "fail" })).await.unwrap_err();
    assert!(
        matches!(&failed, Error::Refused { status: 500, body, .. } if body.contains("told to fail")),
        "{failed}"
    );

    let died = emulator.invoke("echo", &json!({ "do": "die" })).await.unwrap_err();
    assert!(died.to_string().starts_with("echo is not running: it ended with exit status: 7"), "{died}");

    emulator.kill("echo");
    emulator.launch("echo").unwrap();
    assert_eq!(emulator.invoke("echo", &json!([])).await.unwrap(), json!([]));
    assert!(matches!(emulator.launch("other"), Err(Error::Missing { .. })));
}

#[tokio::test]
async fn messages_are_deleted_when_dealt_with_and_come_back_when_not() {
    let moto = Moto::start().await.unwrap();
    let emulator = Arc::new(LambdaEmulator::start(&[("batch", function())], &[]).await.unwrap());
    let dead = moto.create_queue("us-east-1", "dead", &[]).await.unwrap();
    let redrive = json!({ "deadLetterTargetArn": dead.arn, "maxReceiveCount": 2 }).to_string();
    let attributes = [("VisibilityTimeout", "1"), ("RedrivePolicy", redrive.as_str())];
    let queue = moto.create_queue("us-east-1", "work", &attributes).await.unwrap();
    for body in ["good", "bad", "good"] {
        moto.send_message(&queue, body).await.unwrap();
    }

    let poller = SqsPoller::start(moto.aws(), queue.clone(), Arc::clone(&emulator), "batch", 10);
    // The bad one is received twice and then moved, which takes the visibility timeout twice.
    let deadline = Instant::now() + Duration::from_secs(30);
    while moto.queue_depth(&dead).await.unwrap() == 0 {
        assert!(Instant::now() < deadline, "not in the dead letter queue within 30 s");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(poller.deleted(), 2);
    assert!(poller.invocations() >= 2);
    assert_eq!(moto.queue_depth(&queue).await.unwrap(), 0);
    assert_eq!(moto.receive(&dead, 1, Duration::ZERO).await.unwrap()[0].body, "bad");
}

/// Cargo builds the example beside this test.
fn function() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples/function")
}
