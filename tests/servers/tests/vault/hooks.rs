//! What the double offers to tests: values, tokens, policies, a clock, faults, counts, the audit log.

use pawl_servers::{
    Error,
    vault::{AuditDevice, CallClass, VaultDouble, VaultFault, VaultOptions, VaultRule},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    net::{TcpListener, UnixListener},
    sync::mpsc,
};

#[tokio::test]
async fn values_are_put_and_read_in_namespaces() {
    let vault = VaultDouble::start(VaultOptions::default()).await.unwrap();
    vault.mount_kv("team/a", "apps/kv", 2);
    vault.mount_kv("", "old", 1);
    let written = [
        vault.put("", "secret", "app/db", &json!({ "password": "one" })).unwrap(),
        vault.put("", "secret", "app/db", &json!({ "password": "two" })).unwrap(),
        vault.put("team/a", "apps/kv", "app/db", &json!({ "n": 1 })).unwrap(),
        vault.put("", "old", "app/db", &json!({ "password": "old" })).unwrap(),
    ];
    assert_eq!(written, [1, 2, 1, 0]);
    vault.put("", "nowhere", "app/db", &json!({})).unwrap_err();
    vault.put("", "secret", "app/db", &json!(1)).unwrap_err();
    assert!(vault.calls().is_empty());

    let root = vault.api().unwrap();
    let answer = root.must("GET", "secret/data/app/db?version=1", None).await.unwrap();
    assert_eq!(answer["data"]["data"], json!({ "password": "one" }));
    let answer = root.in_namespace("team/a").must("GET", "apps/kv/data/app/db", None).await.unwrap();
    assert_eq!(answer["data"]["metadata"]["version"], 1);
    let answer = root.must("GET", "old/app/db", None).await.unwrap();
    assert_eq!(answer["data"], json!({ "password": "old" }));
    root.must("LIST", "secret/metadata/app", None).await.unwrap();
    root.must("GET", "secret/metadata/app?list=true", None).await.unwrap();

    let calls: Vec<String> = vault.calls().iter().map(ToString::to_string).collect();
    assert_eq!(
        calls,
        [
            "GET secret/data/app/db",
            "GET team/a/apps/kv/data/app/db",
            "GET old/app/db",
            "LIST secret/metadata/app/",
            "LIST secret/metadata/app/",
        ]
    );
    let counts = [CallClass::Data, CallClass::V1, CallClass::Login].map(|class| vault.count("GET", class));
    assert_eq!((counts, vault.count("LIST", CallClass::Metadata)), ([2, 1, 0], 2));
    vault.forget_calls();
    assert!(vault.calls().is_empty());
}

#[tokio::test]
async fn tokens_live_as_long_as_the_clock_says() {
    let vault = VaultDouble::start(VaultOptions::default()).await.unwrap();
    vault.clock().stop_at("2026-01-02T03:04:05Z".parse().unwrap());
    vault.put_policy("", "app", r#"path "secret/data/app/*" { capabilities = ["read"] }"#).unwrap();
    vault.put("", "secret", "app/db", &json!({ "a": "b" })).unwrap();
    let api = vault.api().unwrap().with_token(&vault.make_token("", &["app"], 60));
    let status = async |path| api.call("GET", path, None).await.unwrap().0;

    assert_eq!([status("secret/data/app/db").await, status("secret/data/other").await], [200, 403]);
    vault.clock().advance(Duration::from_secs(59));
    let lookup = api.must("GET", "auth/token/lookup-self", None).await.unwrap();
    assert_eq!(
        [&lookup["data"]["ttl"], &lookup["data"]["expire_time"]],
        [&json!(1), &json!("2026-01-02T03:05:05Z")]
    );
    let renewed = api.must("POST", "auth/token/renew-self", None).await.unwrap();
    assert_eq!(renewed["auth"]["lease_duration"], 60);
    vault.clock().advance(Duration::from_secs(59));
    assert_eq!(status("secret/data/app/db").await, 200);
    vault.clock().advance(Duration::from_secs(1));
    assert_eq!(status("secret/data/app/db").await, 403);

    let other = api.with_token(&vault.make_token("", &["app"], 60));
    let before = vault.token_count();
    vault.expire_tokens();
    assert!(vault.token_count() < before);
    assert_eq!(other.call("GET", "secret/data/app/db", None).await.unwrap().0, 403);
    assert_eq!(vault.api().unwrap().call("GET", "secret/data/app/db", None).await.unwrap().0, 200);
}

#[tokio::test]
async fn faults_strike_as_they_are_told() {
    let vault = VaultDouble::start(VaultOptions::default()).await.unwrap();
    vault.put("", "secret", "app/db", &json!({ "a": "b" })).unwrap();
    let api = vault.api().unwrap();
    for (fault, status) in [
        (VaultFault::rate_limited(7), 429),
        (VaultFault::missing_state(), 412),
        (VaultFault::internal_error(), 500),
        (VaultFault::sealed(), 503),
        (VaultFault::standby(473), 473),
        (VaultFault::denied(), 403),
    ] {
        vault.faults().add(VaultRule::new(fault).path("secret/data/*").times(1));
        let struck = api.call("GET", "secret/data/app/db", None).await.unwrap();
        assert_eq!((struck.0, struck.1["errors"].as_array().unwrap().len()), (status, 1));
        assert_eq!(api.call("GET", "secret/data/app/db", None).await.unwrap().0, 200);
    }
    assert_eq!(vault.faults().hits(), 6);
    for (fault, method) in
        [(VaultFault::CutBody, "GET"), (VaultFault::CutBefore, "DELETE"), (VaultFault::CutBody, "DELETE")]
    {
        assert_eq!(api.call("GET", "secret/data/app/db", None).await.unwrap().0, 200);
        vault.faults().add(VaultRule::new(fault).method(method).times(1));
        let cut = api.call(method, "secret/data/app/db", None).await.unwrap_err();
        assert!(matches!(cut, Error::Unreachable { .. }), "{cut}");
    }
    // The last was handled, though its answer was lost.
    assert_eq!(api.call("GET", "secret/data/app/db", None).await.unwrap().0, 404);

    vault.faults().add(VaultRule::new(VaultFault::Hang));
    let hanging = tokio::time::timeout(Duration::from_millis(50), api.call("GET", "sys/health", None));
    hanging.await.unwrap_err();
    vault.faults().clear();
    vault.faults().add(VaultRule::new(VaultFault::Delay(Duration::from_millis(1))));
    assert_eq!(api.call("GET", "sys/health", None).await.unwrap().0, 200);
    assert_eq!(vault.count("DELETE", CallClass::Data), 2);
}

#[tokio::test]
async fn every_device_gets_each_record_with_hashes_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let [file, socket] = ["audit.log", "audit.sock"].map(|name| directory.path().join(name));
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let unix = UnixListener::bind(&socket).unwrap();
    let (from_tcp, from_unix) = (
        lines(async move { tcp.accept().await.unwrap().0 }),
        lines(async move { unix.accept().await.unwrap().0 }),
    );
    let vault = VaultDouble::start(VaultOptions::default().audit([
        AuditDevice::memory(),
        AuditDevice::file(&file).prefix("audit: "),
        AuditDevice::tcp(address).clear_accessors(),
        AuditDevice::unix(&socket).raw(),
    ]))
    .await
    .unwrap();
    let body = json!({ "data": { "password": "canary" } });
    vault.api().unwrap().must("POST", "secret/data/app/db", Some(&body)).await.unwrap();

    let memory = vault.audit_lines().await;
    let filed = std::fs::read_to_string(&file).unwrap();
    let filed = filed.lines().map(|line| line.strip_prefix("audit: ").unwrap().to_owned());
    let all =
        [memory, filed.collect(), taken(from_tcp, 2).await.unwrap(), taken(from_unix, 2).await.unwrap()];
    let password = |lines: &Vec<String>| -> String {
        let records: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!([&records[0]["type"], &records[1]["type"]], ["request", "response"]);
        assert_eq!(records[1]["response"]["data"]["version"], 1);
        records[1]["request"]["data"]["data"]["password"].as_str().unwrap().to_owned()
    };
    let passwords: Vec<String> = all.iter().map(password).collect();
    assert_eq!(Some(&passwords[0]), vault.audit_hash("canary").await.as_ref());
    assert_ne!(passwords[0], passwords[1]);
    assert_eq!(passwords[3], "canary");
    for clear in &all[..3] {
        assert!(!clear.concat().contains("canary"));
    }
    assert!(
        !all[2].concat().contains(r#""accessor":"hmac"#) && all[0].concat().contains(r#""accessor":"hmac"#)
    );
}

#[tokio::test]
async fn a_request_fails_when_no_device_takes_its_record() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let vault = VaultDouble::start(VaultOptions::default().audit([AuditDevice::tcp(gone)])).await.unwrap();
    let api = vault.api().unwrap();
    let body = json!({ "data": { "a": "b" } });
    let (status, answer) = api.call("POST", "secret/data/app/db", Some(&body)).await.unwrap();
    assert_eq!((status, &answer["errors"]), (500, &json!(["internal error"])));
    vault.add_audit(AuditDevice::memory()).await;
    assert_eq!(api.call("GET", "secret/data/app/db", None).await.unwrap().0, 404, "it was not handled");
    vault.remove_audit().await;
    assert_eq!(api.call("POST", "secret/data/app/db", Some(&body)).await.unwrap().0, 200);
}

#[tokio::test]
async fn the_http_device_posts_one_record_a_request() {
    let got = Arc::new(Mutex::new(Vec::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/audit", listener.local_addr().unwrap());
    let keeping = Arc::clone(&got);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let keeping = Arc::clone(&keeping);
            let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let keeping = Arc::clone(&keeping);
                async move {
                    let (head, body) = request.into_parts();
                    let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
                    let header =
                        |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
                    let record: Value = serde_json::from_slice(&body).unwrap();
                    keeping.lock().unwrap().push((
                        header("x-audit-key"),
                        header("content-type"),
                        record["type"].clone(),
                    ));
                    Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
                }
            });
            let stream = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(stream, service));
        }
    });
    let device = AuditDevice::http(url, &[("X-Audit-Key", "k")]).counted_lists();
    let vault = VaultDouble::start(VaultOptions::default().audit([device])).await.unwrap();
    vault.api().unwrap().call("LIST", "secret/metadata", None).await.unwrap();
    let key = Some("k".to_owned());
    assert_eq!(*got.lock().unwrap(), [(key.clone(), None, json!("request")), (key, None, json!("response"))]);
}

#[tokio::test]
async fn it_speaks_tls() {
    let vault = VaultDouble::start(VaultOptions::default().tls()).await.unwrap();
    assert!(vault.address().starts_with("https://127.0.0.1:"));
    let health = vault.api().unwrap().must("GET", "sys/health", None).await.unwrap();
    assert_eq!(health["sealed"], false);
    let (certificate, key) = vault.client_certificate("client").unwrap().unwrap();
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----") && key.contains("PRIVATE KEY"));
    let stranger = pawl_servers::vault::VaultApi::new(&vault.address(), "").unwrap();
    stranger.call("GET", "sys/health", None).await.unwrap_err();
}

/// The lines of the first connection, as they come.
fn lines<Stream>(accepted: impl Future<Output = Stream> + Send + 'static) -> mpsc::UnboundedReceiver<String>
where
    Stream: AsyncRead + Unpin + Send,
{
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut lines = BufReader::new(accepted.await).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = sender.send(line);
        }
    });
    receiver
}

async fn taken(mut lines: mpsc::UnboundedReceiver<String>, count: usize) -> Option<Vec<String>> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let line = tokio::time::timeout(Duration::from_secs(5), lines.recv()).await;
        taken.push(line.ok()??);
    }
    Some(taken)
}
