//! Events that lie, requests that never end, and keys that can be guessed.

use super::{SWEEPING, Scene};
use pawl_e2e::{Form, REGION, Result, Rhythm, Stage, events};
use pawl_servers::StoredSecret;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

pawl_e2e::in_both_forms!(a_forged_event_makes_nothing_fail_and_switches_no_fallback_off);

async fn a_forged_event_makes_nothing_fail_and_switches_no_fallback_off(form: Form) -> Result<()> {
    let mut scene = Scene::begun(form, SWEEPING).await?;
    for time in [None, Some("2099-01-01T00:00:00Z")] {
        let real = scene.neighbour.rotates(&scene.stage).await?;
        let forged = StoredSecret { version: "ffffffff-0000-0000-0000-000000000000".to_owned(), ..real };
        let mut event = events::label_updated(REGION, "bank/swift", &forged);
        if let Some(time) = time {
            event["time"] = time.into();
        }
        scene.pawl.send(&scene.stage, &event).await?;
        // The next rotation tells nobody: the sweep has to find it.
        scene.neighbour.rotates(&scene.stage).await?;
        let took = scene.neighbour.is_served(&scene.stage).await?;
        assert!(
            took < Duration::from_secs(15),
            "a lost rotation after a forged event ({time:?}) took {took:?}"
        );
        scene.rotates().await?;
    }
    let said = scene.stage.pawl(&["get", "--output", "json"]).await?.well()?;
    assert!(!said.contains("failed"), "{said}");
    if let Some(server) = scene.pawl.server() {
        let told = format!("{:?}", server.metrics().await?);
        assert!(told.contains("pawl_") && !told.contains("swift"), "a key is named in the metrics: {told}");
    }
    Ok(())
}

/// Only the server has a port.
#[tokio::test]
async fn requests_that_never_end_silence_neither_health_nor_events() -> Result<()> {
    let mut scene = Scene::begun(Form::Server, Rhythm::default()).await?;
    let server = scene.pawl.server().unwrap();
    let address = server.url().trim_start_matches("http://").to_owned();
    let mut open = Vec::new();
    for number in 0..1_100 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        // A server may have closed it by now.
        let _ =
            stream.write_all(format!("POST /v1/events HTTP/1.1\r\nHost: x\r\nX-{number}: ").as_bytes()).await;
        open.push(stream);
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let began = Instant::now();
        let status = server.get(path).await?.status;
        assert!(
            status == 200 && began.elapsed() < Duration::from_secs(5),
            "{path}: {status} {:?}",
            began.elapsed()
        );
    }
    scene.rotates().await?;
    drop(open);
    Ok(())
}

#[tokio::test]
async fn keys_that_can_be_guessed_are_not_taken() -> Result<()> {
    let stage = Stage::start(&[]).await?;
    for (name, value) in
        [("PAWL_HMAC_KEY", "k"), ("PAWL_AUDIT_TOKEN", "hunter2"), ("PAWL_LEDGER_KEY", "hunter2")]
    {
        let ran = stage.pawl_with(&["serve", "--listen", "127.0.0.1:0"], &[(name, value)]).await?;
        assert_eq!(ran.code, 3, "{name}: {ran:?}");
        assert!(ran.stderr.contains(name) && ran.stderr.contains("32 bytes or more"), "{name}: {ran:?}");
        assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
    }
    Ok(())
}

#[tokio::test]
async fn audit_records_are_not_taken_from_other_machines_over_tcp() -> Result<()> {
    let stage = Stage::start(&[]).await?;
    let open = ["serve", "--listen", "127.0.0.1:0", "--vault-audit-listen", "tcp://0.0.0.0:0"];
    let ran = stage.pawl(&open).await?;
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr.contains("from this machine only") && ran.stderr.contains("PAWL_AUDIT_TOKEN"),
        "{ran:?}"
    );
    Ok(())
}
