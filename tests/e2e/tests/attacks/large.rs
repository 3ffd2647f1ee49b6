//! A tenant whose stores all answer at once, with as much as they may and with more.

use super::{SWEEPING, Scene};
use pawl_e2e::{Form, Result};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How many stores the attacker has, each at a server of its own.
const STORES: usize = 64;
/// What they answer: more than is read of any answer.
const TOO_LARGE: usize = 16 << 20;
/// What every sixteenth answers: a value that fits into an answer.
const LARGE: usize = 900_000;
const EACH: usize = 16;
/// How soon a neighbour's rotation must arrive meanwhile, in a build without optimisation.
const PROMPT: Duration = Duration::from_secs(8);
/// How much memory the server may ever have had. Where whole answers were read it was 820 MB.
const MOST_MEMORY: u64 = 400 << 20;

/// Servers of Vault's key/value engine 1. Dropping them closes them.
struct Servers {
    addresses: Vec<String>,
    _tasks: JoinSet<()>,
}

impl Servers {
    async fn start() -> Self {
        let (mut addresses, mut tasks) = (Vec::new(), JoinSet::new());
        // Made once: this process is the neighbour's store and cluster as well.
        let body =
            |size: usize| -> Arc<str> { format!(r#"{{"data":{{"a":"{}"}}}}"#, "x".repeat(size)).into() };
        let (large, too_large) = (body(LARGE), body(TOO_LARGE));
        for number in 0..STORES {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            addresses.push(format!("http://{}", listener.local_addr().unwrap()));
            let body = Arc::clone(if number % EACH == 0 { &large } else { &too_large });
            tasks.spawn(async move {
                let mut open = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    open.spawn(answer(stream, Arc::clone(&body)));
                }
            });
        }
        Self { addresses, _tasks: tasks }
    }

    /// A store and an ExternalSecret for each server.
    fn manifests(&self) -> String {
        let one = |(number, address): (usize, &String)| {
            let name = format!("large-{number}");
            let store = json!({
                "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
                "metadata": { "name": name, "namespace": "evil" },
                "spec": { "provider": { "vault": { "server": address, "path": "secret", "version": "v1" } } },
            });
            let secret = json!({
                "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
                "metadata": { "name": name, "namespace": "evil" },
                "spec": {
                    "refreshInterval": "1s", "secretStoreRef": { "kind": "SecretStore", "name": name },
                    "data": [{ "secretKey": "a", "remoteRef": { "key": "k", "property": "a" } }],
                },
            });
            format!("---\n{store}\n---\n{secret}\n")
        };
        self.addresses.iter().enumerate().map(one).collect()
    }
}

/// Answers each request of a connection with this, until the caller has had enough.
async fn answer(mut stream: TcpStream, body: Arc<str>) {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut asked = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut chunk).await {
        asked.extend_from_slice(chunk.get(..count).unwrap_or_default());
        if asked.ends_with(b"\r\n\r\n") {
            asked.clear();
            let told = async {
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(body.as_bytes()).await
            };
            if told.await.is_err() {
                return;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_answers_of_many_stores_neither_fill_the_memory_nor_hold_up_others() -> Result<()> {
    let mut scene = Scene::begun(Form::Server, SWEEPING).await?;
    let servers = Servers::start().await;
    scene.applies("large", &servers.manifests()).await?.well()?;
    for round in 1..=5 {
        let took = scene.rotates().await?;
        scene.figure(&format!("large answers {round}"), took);
        assert!(took < PROMPT, "an event took {took:?}");
    }
    // What is too long is named, and they are served meanwhile as before.
    let named = async || {
        let asked = ["get", "declarations", "blue/evil/large-1", "--output", "json"];
        let rows = scene.stage.pawl(&asked).await.ok()?.stdout;
        rows.contains("the answer is longer than 1048576 bytes").then_some(())
    };
    pawl_e2e::until("the failure of what is too long", named).await?;
    let took = scene.rotates().await?;
    scene.figure("large answers, all asked", took);
    assert!(took < PROMPT, "an event took {took:?}");
    let peak = scene.pawl.peak_memory()?;
    assert!(peak < MOST_MEMORY, "{} MiB", peak >> 20);
    Ok(())
}
