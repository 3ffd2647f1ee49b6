//! `pawl serve` as a process, from the outside: HTTP, a queue, signals, restarts, and the commands beside it.

use pawl_devcluster::{Fault, Rule};
use pawl_e2e::examples::{self, WITH_SERVICE_ACCOUNT};
use pawl_e2e::{HMAC_KEY, REGION, Result, Server, Stage, binary, now, shows, sign, until};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server that does nothing on a schedule of its own.
const QUIET: [&str; 4] = ["--sweep", "24h", "--index", "24h"];

/// The declaration that the tests turn over.
const DECLARATION: &str = "blue/my-application/database-credentials";

#[tokio::test]
async fn events_are_taken_from_who_signs_them_and_from_nobody_else() -> Result<()> {
    let (stage, before) = stage().await?;
    let server = Server::start(&stage, &QUIET).await?;
    apply(&stage).await?;
    let password = examples::password();
    let event = WITH_SERVICE_ACCOUNT.event(&WITH_SERVICE_ACCOUNT.rotate(&stage, &password).await?);
    let body = event.to_string();
    let at = |seconds: i64| (now().as_second() + seconds).to_string();
    let (present, past) = (at(0), at(-600));
    let signed = |timestamp: &str, body: &str| sign(HMAC_KEY, timestamp, body.as_bytes());

    stage.reset_calls();
    let oversized = format!(r#"{{"filling":"{}"}}"#, "x".repeat(1024 * 1024));
    for (case, headers, body, status, error) in [
        ("unsigned", vec![], &body, 401, "x-pawl-timestamp and x-pawl-signature are needed"),
        (
            "another key",
            vec![(&present, sign("another key", &present, body.as_bytes()))],
            &body,
            401,
            "does not fit",
        ),
        ("another body", vec![(&present, signed(&present, "{}"))], &body, 401, "does not fit"),
        ("late", vec![(&past, signed(&past, &body))], &body, 401, "more than five minutes off"),
        ("no JSON", vec![(&present, signed(&present, "{ no"))], &"{ no".to_owned(), 400, "malformed event"),
        ("unknown", vec![(&present, signed(&present, "{}"))], &"{}".to_owned(), 400, "unknown event"),
        ("oversized", vec![(&present, signed(&present, &oversized))], &oversized, 413, ""),
    ] {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .flat_map(|(timestamp, signature)| {
                [("x-pawl-timestamp", timestamp.as_str()), ("x-pawl-signature", signature.as_str())]
            })
            .collect();
        let answer = server.post(&headers, body.clone().into_bytes()).await?;
        assert_eq!(answer.status, status, "{case}: {answer:?}");
        let said = answer.body["error"].as_str().unwrap_or_default();
        assert!(said.contains(error), "{case}: {answer:?}");
    }
    assert!(stage.meter().store_calls().is_empty(), "nobody talks Pawl into anything");
    assert!(WITH_SERVICE_ACCOUNT.holds(&stage, "blue", &before));

    let answer = server.send(&event).await?;
    assert_eq!(
        (answer.status, &answer.body),
        (200, &json!({ "changes": 1, "declarations": { DECLARATION: "written" } }))
    );
    assert!(WITH_SERVICE_ACCOUNT.holds(&stage, "blue", &password), "written before it is acknowledged");

    let metrics = server.metrics().await?;
    for (outcome, count) in [("refused", 4), ("malformed", 1), ("unknown", 1), ("change", 1)] {
        assert_eq!(metrics.count("pawl_events_total", &[("outcome", outcome)]), count, "{outcome}");
    }
    assert_eq!(metrics.count("pawl_outcomes_total", &[("outcome", "written")]), 3);
    let log = server.log();
    assert!(!shows(&log, &password) && !shows(&log, &before), "a value is in the log");
    Ok(())
}

/// What a rotation asks before it retires the old password.
#[tokio::test]
async fn a_wait_ends_well_only_when_every_secret_stands_on_the_new_version() -> Result<()> {
    let (stage, before) = stage().await?;
    let server = Server::start(&stage, &QUIET).await?;
    apply(&stage).await?;
    let wait = async |arguments: &[&str]| stage.pawl(&[&["wait"], arguments].concat()).await;
    let (key, password) = (WITH_SERVICE_ACCOUNT.key, examples::password());
    let version = WITH_SERVICE_ACCOUNT.rotate(&stage, &password).await?;

    let early = wait(&[key, "--timeout", "0"]).await?;
    let missing = format!(", and the store gives out {}", version.version);
    assert!(early.code == 1 && early.stdout.contains(&missing), "{early:?}");
    assert_eq!(server.send(&WITH_SERVICE_ACCOUNT.event(&version)).await?.status, 200);
    for arguments in [&[key][..], &[key, "--version", &version.version]] {
        let whole = wait(arguments).await?;
        assert!(whole.code == 0 && whole.stdout.contains("yes"), "{whole:?}");
    }
    let other = wait(&[key, "--version", "another", "--timeout", "0"]).await?;
    assert!(other.code == 1 && other.stdout.contains("and not another"), "{other:?}");
    let nobody = wait(&["no/such/key", "--timeout", "0"]).await?;
    assert!(nobody.code == 1 && nobody.stderr.contains("nobody reads this key"), "{nobody:?}");
    for ran in [early, other, nobody] {
        assert!(!shows(&ran.stdout, &password) && !shows(&ran.stdout, &before), "a value is told");
    }
    Ok(())
}

#[tokio::test]
async fn who_sends_too_much_before_reading_can_read_the_answer() -> Result<()> {
    let (stage, _) = stage().await?;
    let server = Server::start(&stage, &QUIET).await?;
    let half = vec![b'x'; 1024 * 1024];
    for path in ["/v1/events", "/v1/google/pubsub", "/v1/vault/audit", "/nowhere"] {
        let mut stream = TcpStream::connect(server.url().trim_start_matches("http://")).await.unwrap();
        let length = 2 * half.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&half).await.unwrap();
        stream.write_all(&half).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn events_come_from_a_queue_as_well() -> Result<()> {
    let (stage, _) = stage().await?;
    let queue = stage.aws().create_queue(REGION, "events", &[]).await?;
    let arguments = [&QUIET[..], &["--events", &queue.url]].concat();
    let server = Server::start(&stage, &arguments).await?;
    apply(&stage).await?;
    let password = examples::password();
    let event = WITH_SERVICE_ACCOUNT.event(&WITH_SERVICE_ACCOUNT.rotate(&stage, &password).await?);
    for message in ["{ no JSON", &event.to_string()] {
        stage.aws().send_message(&queue, message).await?;
    }
    arrives(&stage, &password).await?;
    let empty = async || (stage.aws().queue_depth(&queue).await.ok()? == 0).then_some(());
    until("the emptying of the queue", empty).await?;
    assert_eq!(server.metrics().await?.count("pawl_events_total", &[("outcome", "malformed")]), 1);
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_finishes_what_it_began() -> Result<()> {
    let (stage, _) = stage().await?;
    let server = Server::start(&stage, &QUIET).await?;
    apply(&stage).await?;
    let password = examples::password();
    let event = WITH_SERVICE_ACCOUNT.event(&WITH_SERVICE_ACCOUNT.rotate(&stage, &password).await?);
    let faults = stage.clusters()[0].faults();
    let hanging = faults.add(Rule::new(Fault::Hang).method("PATCH"));
    let stop = async {
        until("the hanging of the write", async || (faults.hits(hanging) > 0).then_some(())).await?;
        server.tell_to_stop().await?;
        until("the server's stopping", async || server.log().contains("stopping").then_some(())).await?;
        faults.remove(hanging);
        Ok(())
    };
    let (answer, ()) = tokio::try_join!(server.send(&event), stop)?;
    assert_eq!((answer.status, &answer.body["declarations"][DECLARATION]), (200, &json!("written")));
    let (status, log) = server.finished().await?;
    assert!(status.success(), "{status}: {log}");
    assert!(WITH_SERVICE_ACCOUNT.holds(&stage, "blue", &password));
    Ok(())
}

#[tokio::test]
async fn registry_and_jobs_outlive_the_process() -> Result<()> {
    let (stage, before) = stage().await?;
    let server = Server::start(&stage, &QUIET).await?;
    apply(&stage).await?;
    let cluster = &stage.clusters()[0];
    cluster.cut_off().await.unwrap();
    let password = examples::password();
    let event = WITH_SERVICE_ACCOUNT.event(&WITH_SERVICE_ACCOUNT.rotate(&stage, &password).await?);
    let answer = server.send(&event).await?;
    assert_eq!(
        (answer.status, &answer.body["declarations"][DECLARATION]),
        (200, &json!("queued")),
        "{answer:?}"
    );
    server.tell_to_stop().await?;
    let (status, log) = server.finished().await?;
    assert!(status.success(), "{status}: {log}");
    assert!(log.contains(&format!("{DECLARATION}: cluster blue cannot be reached")), "{log}");

    cluster.restore().await.unwrap();
    assert!(WITH_SERVICE_ACCOUNT.holds(&stage, "blue", &before), "nobody has written meanwhile");
    let server = Server::start(&stage, &QUIET).await?;
    arrives(&stage, &password).await?;
    stage.settled().await?;
    let again = server.send(&event).await?;
    assert_eq!(
        again.body["declarations"][DECLARATION], "unchanged",
        "the ledger knows what was written: {again:?}"
    );
    Ok(())
}

#[tokio::test]
async fn commands_show_and_remove_what_is_registered() -> Result<()> {
    let (stage, _) = stage().await?;
    let server = Server::start(&stage, &QUIET).await?;
    apply(&stage).await?;

    let table = stage.pawl(&["get"]).await?.well()?;
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["DECLARATION", "TARGET", "KEYS", "STATE", "REFRESHED", "MESSAGE"]);
    assert_eq!(
        lines[1][..4],
        [
            "blue/default/database-credentials-secret",
            "database-credentials",
            "my-app/database-credentials",
            "written"
        ]
    );
    assert_eq!(lines[2][..4], [DECLARATION, "database-credentials", "my-application/database", "written"]);
    assert_eq!(lines.len(), 3, "{table}");
    let stores = rows(&stage.pawl(&["get", "stores", "--output", "json"]).await?.well()?);
    assert_eq!(stores.iter().map(|row| &row["interval"]).collect::<Vec<_>>(), ["3600s", "3600s"]);
    let clusters = rows(&stage.pawl(&["get", "clusters", "--output", "json"]).await?.well()?);
    let url = stage.clusters()[0].url();
    assert_eq!(clusters, [json!({ "cluster": "blue", "connection": url, "indexed": false })]);

    let version = WITH_SERVICE_ACCOUNT.rotate(&stage, &examples::password()).await?;
    let event =
        stage.write("event.json", &WITH_SERVICE_ACCOUNT.event(&version).to_string())?.display().to_string();
    stage.reset_calls();
    let explained = stage.pawl(&["explain", &event, "--output", "json"]).await?.well()?;
    let explained: Value = serde_json::from_str(&explained).unwrap_or_default();
    let reads = json!([{ "declaration": DECLARATION, "affected": true, "reason": "it reads this key" }]);
    assert_eq!(explained["declarations"], reads);
    assert!(
        stage.meter().store_calls().is_empty() && stage.clusters()[0].calls().is_empty(),
        "explain asks nobody"
    );

    let readers = rows(&stage.pawl(&["who", "my-application/database", "--output", "json"]).await?.well()?);
    assert_eq!(readers.len(), 1, "{readers:?}");
    assert_eq!((&readers[0]["declaration"], &readers[0]["state"]), (&json!(DECLARATION), &json!("written")));
    let reads = readers[0]["reads"].as_array().map(Vec::len);
    assert_eq!((reads, readers[0]["versions"].as_array().map(Vec::len)), (reads.filter(|it| *it > 0), reads));
    let nobody = stage.pawl(&["who", "my-application"]).await?;
    assert!(nobody.code == 1 && nobody.stderr.contains("nobody reads this key"), "{nobody:?}");

    let gone = stage.pawl(&["delete", DECLARATION]).await?.well()?;
    assert!(gone.contains("removed"), "{gone}");
    assert_eq!(
        stage.clusters()[0].secret("my-application", "database-credentials"),
        None,
        "it goes with its owner"
    );
    assert!(stage.clusters()[0].secret("default", "database-credentials").is_some(), "others stay");
    let twice = stage.pawl(&["delete", DECLARATION]).await?;
    assert_eq!(twice.code, 1);
    assert!(twice.stdout.contains("no such declaration is registered; see pawl get"), "{}", twice.stdout);
    drop(server);

    for (arguments, code, said) in [
        (vec!["frobnicate"], 2, "unrecognized subcommand"),
        (vec!["--table", "pawl", "get"], 2, "--jobs"),
        (vec!["--db", "/no/such/folder/pawl.db", "get"], 3, "pawl: cannot open /no/such/folder/pawl.db: "),
        (vec!["sync", "nobody/reads-this"], 1, "nothing reads this"),
        (vec!["explain", "/no/such/event.json"], 1, "pawl: /no/such/event.json: No such file"),
    ] {
        let ran = stage.pawl(&arguments).await?;
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(said), "{arguments:?}: {ran:?}");
    }
    Ok(())
}

#[tokio::test]
async fn health_answers_and_events_are_taken_while_half_open_connections_stand() -> Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (stage, _) = stage().await?;
    let server = Server::start(&stage, &QUIET).await?;
    apply(&stage).await?;
    until("readiness", async || (server.get("/readyz").await.ok()?.status == 200).then_some(())).await?;
    let address = server.url().trim_start_matches("http://");
    let mut half_open = Vec::new();
    // More than the server keeps; as many as an attacker likes come to the same.
    for _ in 0..400 {
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        connection.write_all(b"POST /v1/events HTTP/1.1\r\nHost: x\r\n").await.unwrap();
        half_open.push(connection);
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(server.get(path).await?.status, 200, "{path}");
    }
    let password = examples::password();
    let event = WITH_SERVICE_ACCOUNT.event(&WITH_SERVICE_ACCOUNT.rotate(&stage, &password).await?);
    let answer = server.send(&event).await?;
    assert_eq!(answer.body["declarations"][DECLARATION], "written", "{answer:?}");
    let mut rest = Vec::new();
    assert!(half_open[0].read_to_end(&mut rest).await.map_or(true, |read| read == 0), "the oldest made room");
    server.tell_to_stop().await?;
    let (status, log) = server.finished().await?;
    assert!(status.success(), "{status}: {log}");
    Ok(())
}

#[tokio::test]
async fn short_keys_are_refused_with_what_to_do() -> Result<()> {
    for name in ["PAWL_HMAC_KEY", "PAWL_AUDIT_TOKEN", "PAWL_LEDGER_KEY"] {
        let mut stage = Stage::start(&[]).await?;
        stage.set(name, "hunter2hunter2hunter2");
        let ran = stage.pawl(&["serve", "--listen", "127.0.0.1:0"]).await?;
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(
            ran.stderr.contains(&format!("{name} is not valid: it must have 32 bytes or more")),
            "{ran:?}"
        );
        assert!(ran.stderr.contains("openssl rand -hex 32") && !ran.stderr.contains("hunter2"), "{ran:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_cluster_is_removed_with_its_secrets_or_by_force_without_being_asked() -> Result<()> {
    let (stage, _) = stage().await?;
    let server = Server::start(&stage, &QUIET).await?;
    apply(&stage).await?;
    let cluster = &stage.clusters()[0];
    let secret = || cluster.secret("my-application", "database-credentials");
    cluster.cut_off().await.unwrap();
    let refused = stage.pawl(&["delete", "cluster", "blue"]).await?;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stdout.contains("--force leaves them where they are"), "{refused:?}");
    assert!(stage.pawl(&["get", "clusters"]).await?.well()?.contains("blue"), "it stays");

    cluster.reset_calls();
    let forced = stage.pawl(&["delete", "cluster", "blue", "--force"]).await?.well()?;
    assert!(forced.contains(DECLARATION) && forced.contains("Cluster blue"), "{forced}");
    for resource in ["declarations", "clusters"] {
        let left = stage.pawl(&["get", resource, "--output", "json"]).await?.well()?;
        assert_eq!(left.trim(), "[]", "{resource}");
    }
    cluster.restore().await.unwrap();
    assert!(secret().is_some() && cluster.calls().is_empty(), "nobody asked the cluster");
    assert_eq!(
        stage.pawl(&["delete", "cluster", "blue", "--force"]).await?.code,
        1,
        "there is none any more"
    );

    apply(&stage).await?;
    let removed = stage.pawl(&["delete", "cluster", "blue"]).await?.well()?;
    assert!(removed.contains("Cluster blue"), "{removed}");
    assert_eq!(secret(), None, "owned Secrets go first");
    drop(server);
    Ok(())
}

#[tokio::test]
async fn a_declaration_is_explained_from_registry_and_ledger_alone() -> Result<()> {
    let (stage, _) = stage().await?;
    let server = Server::start(&stage, &QUIET).await?;
    apply(&stage).await?;
    stage.reset_calls();
    let explained = stage.pawl(&["explain", DECLARATION, "--offline"]).await?.well()?;
    for said in
        ["written", "last known right", "found by changes of", "my-application/database", "version written"]
    {
        assert!(explained.contains(said), "{said}: {explained}");
    }
    assert!(
        stage.meter().store_calls().is_empty() && stage.clusters()[0].calls().is_empty(),
        "explain asks nobody"
    );
    let missing = stage.pawl(&["explain", "blue/my-application/nobody"]).await?;
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("no such declaration is registered"), "{missing:?}");
    drop(server);
    Ok(())
}

/// One cluster and the examples' secrets; and the password of the one that tests turn over.
async fn stage() -> Result<(Stage, String)> {
    let stage = Stage::start(&["blue"]).await?;
    examples::furnish(&stage)?;
    let password = examples::password();
    for example in examples::ALL {
        example.create(&stage, &password).await?;
    }
    Ok((stage, password))
}

/// Applies the examples, and waits for the server to have written them.
async fn apply(stage: &Stage) -> Result<()> {
    let manifests = stage.write("examples.yaml", examples::MANIFESTS)?.display().to_string();
    let clusters = stage.path("clusters.yaml").display().to_string();
    stage.pawl(&["apply", "--clusters", "--file", &clusters, "--file", &manifests]).await?.well()?;
    stage.settled().await
}

async fn arrives(stage: &Stage, password: &str) -> Result<()> {
    let look = async || WITH_SERVICE_ACCOUNT.holds(stage, "blue", password).then_some(());
    until("the arrival of the password", look).await.map(drop)
}

fn rows(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap_or_default()
}

/// The memory of a process holds values: neither the server nor a function may leave it in a core.
#[tokio::test]
async fn no_program_of_pawl_dumps_its_core() -> Result<()> {
    let stage = Stage::start(&[]).await?;
    let server = Server::start(&stage, &QUIET).await?;
    assert_eq!(most_of_a_core(server.pid()), ["0", "0"], "pawl serve");

    for function in
        ["pawl-sync", "pawl-deliver", "pawl-sweep", "pawl-index", "pawl-vault-audit", "pawl-intake"]
    {
        // Lambda's runtime API, which has no work: the function has begun when it asks for some.
        let lambda = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}", lambda.local_addr().unwrap());
        let key = "k".repeat(32);
        let jobs = format!("{}/123456789012/jobs", stage.meter().endpoint());
        let program = pawl_servers::process::clean_command(binary(function)?);
        let mut command = tokio::process::Command::from(program);
        command.envs(stage.environment()).kill_on_drop(true).stdout(std::process::Stdio::null());
        command.envs([("AWS_LAMBDA_RUNTIME_API", api.as_str()), ("AWS_LAMBDA_FUNCTION_NAME", function)]);
        command.envs([("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"), ("AWS_LAMBDA_FUNCTION_VERSION", "1")]);
        command.envs([("AWS_LAMBDA_LOG_STREAM_NAME", "s"), ("AWS_LAMBDA_LOG_GROUP_NAME", "g")]);
        command.envs([
            ("PAWL_TABLE", "pawl"),
            ("PAWL_BUS", "pawl"),
            ("PAWL_LEDGER_KEY", &key),
            ("PAWL_JOB_QUEUE_URL", &jobs),
        ]);
        let mut running = command.spawn().unwrap();
        let pid = running.id().unwrap();
        let asked = tokio::time::timeout(Duration::from_secs(30), lambda.accept());
        tokio::select! {
            asked = asked => assert!(asked.is_ok_and(|asked| asked.is_ok()), "{function} asks for no work"),
            ended = running.wait() => panic!("{function} ended: {ended:?}"),
        }
        assert_eq!(most_of_a_core(pid), ["0", "0"], "{function}");
    }
    Ok(())
}

/// The soft and the hard limit of this process's core dumps.
fn most_of_a_core(pid: u32) -> Vec<String> {
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap_or_default();
    line.split_whitespace().take(2).map(str::to_owned).collect()
}
