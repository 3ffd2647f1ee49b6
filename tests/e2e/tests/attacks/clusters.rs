//! A Cluster in the folder that CI applies names a secret, a variable or a file that is not its own, or takes a cluster over.

use super::Scene;
use pawl_e2e::{Form, REGION, Result, Rhythm, until};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// What the attacker listens with: how many came, and whether one of them showed a token.
struct Trap {
    address: String,
    came: Arc<AtomicUsize>,
    shown: Arc<AtomicUsize>,
}

impl Trap {
    async fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (came, shown) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (coming, showing) = (Arc::clone(&came), Arc::clone(&shown));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                coming.fetch_add(1, Ordering::SeqCst);
                let showing = Arc::clone(&showing);
                tokio::spawn(async move {
                    let mut heard = Vec::new();
                    let _ = stream.read_to_end(&mut heard).await;
                    let heard = String::from_utf8_lossy(&heard).to_lowercase();
                    showing.fetch_add(usize::from(heard.contains("bearer")), Ordering::SeqCst);
                });
            }
        });
        Self { address, came, shown }
    }

    /// The Clusters of the attack.
    fn clusters(&self) -> String {
        let of = |name: &str, spec: String| {
            format!(
                "---\napiVersion: pawl.dev/v1alpha1\nkind: Cluster\nmetadata: {{ name: {name} }}\n\
                 spec: {{ index: true, {spec} }}\n"
            )
        };
        let (address, file) = (&self.address, "/etc/hostname");
        let url = |token: &str| format!("url: {{ url: 'http://{address}', {token} }}");
        [
            of("a1", url("tokenSecret: pawl/prod-token")),
            of("a2", url("tokenEnv: PAWL_LEDGER_KEY")),
            of("a3", url("tokenEnv: AWS_SECRET_ACCESS_KEY")),
            of("a4", url(&format!("tokenFile: '{file}'"))),
            of("a5", format!("eks: {{ name: prod, region: eu-central-1, endpoint: 'http://{address}' }}")),
            of("a6", format!("kubeconfig: {{ path: '{file}' }}")),
            // The takeover of a cluster that others write to.
            of("blue", url("tokenSecret: my-application/database")),
        ]
        .concat()
    }
}

pawl_e2e::in_both_forms!(a_cluster_from_git_gets_no_credentials_and_takes_none_over);

async fn a_cluster_from_git_gets_no_credentials_and_takes_none_over(form: Form) -> Result<()> {
    // The operator lets API servers of this machine be reached in the clear, so that nothing but the rules below holds.
    let mut scene = Scene::set(form, &[("PAWL_CLUSTER_PLAIN_HTTP", "true")]).await?;
    let stage = &scene.stage;
    for (name, value) in [("pawl/prod-token", "canary-prod-token"), ("my-application/database", "canary-db")]
    {
        stage.aws().create_secret(REGION, name, value).await?;
    }
    let trap = Trap::set().await;
    let attack = stage.write("attack.yaml", &trap.clusters())?.display().to_string();

    // Whoever looks before is told of each.
    let checked = stage.pawl(&["check", "-f", &attack]).await?;
    assert_eq!(checked.code, 1, "{checked:?}");
    for (cluster, field) in [
        ("a1", "spec.url.tokenSecret"),
        ("a2", "spec.url.tokenEnv"),
        ("a3", "spec.url.tokenEnv"),
        ("a4", "spec.url.tokenFile"),
        ("a5", "spec.eks.endpoint"),
        ("a6", "spec.kubeconfig.path"),
        ("blue", "spec.url.tokenSecret"),
    ] {
        let told = |line: &str| line.contains(&format!("Cluster {cluster} ")) && line.contains(field);
        assert!(checked.stdout.lines().any(told), "{cluster}: {}", checked.stdout);
    }
    assert!(checked.stdout.contains("--clusters"), "{}", checked.stdout);

    // The pipeline of developers takes none of them.
    let before = stage.pawl(&["get", "clusters", "--output", "json"]).await?.well()?;
    let applied = stage.pawl(&["apply", "-f", &attack, "--output", "json"]).await?;
    assert_eq!(applied.code, 1, "{applied:?}");
    assert_eq!(stage.pawl(&["get", "clusters", "--output", "json"]).await?.well()?, before);
    if let Some(functions) = scene.pawl.functions() {
        // Nor does the function that such a pipeline may call.
        let summary = functions.index(&trap.clusters(), &["blue"]).await?;
        assert!(summary["failed"].as_array().is_some_and(|all| all.len() >= 5), "{summary}");
        assert_eq!(stage.pawl(&["get", "clusters", "--output", "json"]).await?.well()?, before);
    }

    // Nor does an administrator who did not look lead a known cluster elsewhere, or give anything away.
    let applied = stage.pawl(&["apply", "--clusters", "-f", &attack]).await?;
    assert_eq!(applied.code, 1, "{applied:?}");
    assert!(applied.stdout.contains("--allow-cluster-changes"), "{}", applied.stdout);
    let after = stage.pawl(&["get", "clusters", "--output", "json"]).await?.well()?;
    let of = |text: &str, name: &str| {
        let all: Vec<Value> = serde_json::from_str(text).unwrap();
        all.into_iter().find(|cluster| cluster["cluster"] == name)
    };
    assert_eq!(of(&after, "blue"), of(&before, "blue"));
    assert!(
        of(&after, "a1").is_some() && of(&after, "a5").is_some(),
        "they are known, and of no use: {after}"
    );
    assert!(of(&after, "a2").is_none(), "no setting makes it right: {after}");

    scene.pawl.begin(&scene.stage, Rhythm { sweeps: true, indexes: true }).await?;
    // Each index tries all of them; it ends well, and names those that it could not read.
    let _ = until("three indexes", async || (scene.pawl.indexed().await.ok()? >= 3).then_some(())).await;
    scene.rotates().await?;
    let (stage, log) = (&scene.stage, scene.pawl.log());
    for cluster in ["a1", "a4", "a6"] {
        assert!(log.contains(&format!("cluster {cluster} cannot be connected to")), "{cluster}: {log}");
    }
    assert!(log.contains("eks in eu-central-1: prod"), "EKS is asked where the cluster is: {log}");
    assert!(!log.contains("canary"), "{log}");
    assert_eq!(trap.came.load(Ordering::SeqCst), 0, "somebody called on the attacker");
    assert_eq!(trap.shown.load(Ordering::SeqCst), 0);
    assert!(
        !stage.meter().asked_store("pawl/prod-token")
            && !stage.meter().asked_store("my-application/database")
    );
    Ok(())
}
