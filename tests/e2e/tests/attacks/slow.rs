//! A tenant with hundreds of stores on servers that take calls and never answer them.

use super::{SWEEPING, Scene};
use pawl_e2e::{Form, Result};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How many stores the attacker has. The table of the functions is one of a mock, which takes a second for ten of them.
fn stores(form: Form) -> usize {
    match form {
        Form::Server => 300,
        Form::Functions => 60,
    }
}

/// How soon a neighbour's lost rotation must be found meanwhile: within a pass of the sweep, which has an end. Where identities
/// are visited one after another it takes longer than four minutes.
const FOUND: Duration = Duration::from_secs(60);

/// Servers that accept each connection and keep it open. Dropping it closes them.
struct Silent {
    addresses: Vec<String>,
    tasks: Vec<JoinHandle<()>>,
}

impl Silent {
    /// So many hosts, as a circuit breaker tells them apart.
    async fn servers(count: usize) -> Self {
        let (mut addresses, mut tasks) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            addresses.push(format!("http://{}", listener.local_addr().unwrap()));
            tasks.push(tokio::spawn(async move {
                let mut kept = Vec::new();
                while let Ok((stream, _)) = listener.accept().await {
                    kept.push(stream);
                }
            }));
        }
        Self { addresses, tasks }
    }

    /// A store and an ExternalSecret for each server.
    fn manifests(&self) -> Vec<String> {
        let one = |(number, address): (usize, &String)| {
            let name = format!("slow-{number}");
            let store = json!({
                "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
                "metadata": { "name": name, "namespace": "evil" },
                "spec": { "provider": { "vault": {
                    "server": address, "path": "secret", "version": "v1", "headers": { "X-Number": number.to_string() },
                } } },
            });
            let secret = json!({
                "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
                "metadata": { "name": name, "namespace": "evil" },
                "spec": {
                    "refreshInterval": "1s", "secretStoreRef": { "kind": "SecretStore", "name": name },
                    "data": [{ "secretKey": "a", "remoteRef": { "key": "k" } }],
                },
            });
            format!("---\n{store}\n---\n{secret}\n")
        };
        self.addresses.iter().enumerate().map(one).collect()
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_finds_lost_rotations_beside_slow_stores() -> Result<()> {
    hundreds_of_slow_stores_keep_no_lost_rotation_from_being_found(Form::Server).await
}

/// The same of the functions. The emulator has one process for each, and a deployment has one sweep at a time unless
/// `SweepAlone` is false.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_functions_find_lost_rotations_beside_slow_stores() -> Result<()> {
    hundreds_of_slow_stores_keep_no_lost_rotation_from_being_found(Form::Functions).await
}

async fn hundreds_of_slow_stores_keep_no_lost_rotation_from_being_found(form: Form) -> Result<()> {
    let mut scene = Scene::begun(form, SWEEPING).await?;
    let silent = Silent::servers(stores(form)).await;
    for (part, manifests) in silent.manifests().chunks(30).enumerate() {
        scene.applies(&format!("slow-{part}"), &manifests.concat()).await?.well()?;
    }
    for round in 1..=3 {
        // Nobody is told of this one: a sweep has to find it.
        scene.neighbour.rotates(&scene.stage).await?;
        let began = Instant::now();
        while !scene.neighbour.holds(&scene.stage) {
            assert!(began.elapsed() < FOUND, "a lost rotation is not found");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        scene.figure(&format!("slow stores, lost event {round}"), began.elapsed());
        // And this one comes by its event.
        let took = scene.rotates().await?;
        scene.figure(&format!("slow stores, event {round}"), took);
        assert!(took < FOUND, "an event took {took:?}");
    }
    Ok(())
}
