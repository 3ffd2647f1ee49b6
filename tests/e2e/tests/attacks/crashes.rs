//! A declaration whose delivery ends the process, each time. What ends it here is SIGKILL while its target is written, which is
//! all that a process sees of whatever ends it.

use super::{Neighbour, SWEEPING, namespace};
use pawl_devcluster::{Fault, Rule};
use pawl_e2e::{Deployment, Form, REGION, Result, Stage, until};

const BOMB: &str = "---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: bomb, namespace: evil }
spec:
  refreshInterval: 1s
  secretStoreRef: { kind: ClusterSecretStore, name: aws }
  data: [{ secretKey: key, remoteRef: { key: evil/bomb } }]
";

/// Of the server: Lambda starts a function anew by itself, and its emulator does not.
#[tokio::test]
async fn a_declaration_that_ends_the_process_is_set_aside_and_all_others_live() -> Result<()> {
    let mut stage = Stage::start(&["blue"]).await?;
    let mut pawl = Deployment::on(Form::Server, &mut stage).await?;
    let mut neighbour = Neighbour::moves_in(&stage).await?;
    namespace(&stage, "evil");
    stage.aws().create_secret(REGION, "evil/bomb", "1").await?;
    let file = stage.write("bomb.yaml", BOMB)?.display().to_string();
    stage.pawl(&["apply", "--set", "evil", "-f", &file, "--cluster", "blue", "--now"]).await?.well()?;
    stage.aws().put_secret_value(REGION, "evil/bomb", "2").await?;

    let blue = &stage.clusters()[0];
    let rule = blue.faults().add(Rule::new(Fault::Hang).path("/api/v1/namespaces/evil/secrets*"));
    let told = async || {
        let said = stage.pawl(&["get", "--output", "json"]).await.ok()?.well().ok()?;
        said.contains("it is set aside, for 3 deliveries").then_some(())
    };
    let mut lives = 0;
    loop {
        lives += 1;
        assert!(lives < 10, "it never ends");
        // The one before is dropped, which kills it.
        pawl.begin(&stage, SWEEPING).await?;
        let struck = blue.faults().hits(rule);
        let begun = async || (blue.faults().hits(rule) > struck).then_some(());
        tokio::select! {
            begun = until("the beginning of the delivery", begun) => begun.map(drop)?,
            told = until("the setting aside", told) => {
                told?;
                break;
            }
        }
    }
    println!("set aside in life {lives}");
    assert!(lives <= 5, "{lives}");
    neighbour.rotates_and_is_served(&stage, &pawl).await?;
    let explained = stage.pawl(&["explain", "blue/evil/bomb"]).await?.well()?;
    assert!(explained.contains("it is set aside") && explained.contains("pawl sync"), "{explained}");
    let gauge = async || {
        let metrics = pawl.server()?.metrics().await.ok()?;
        (metrics.count("pawl_declarations_set_aside", &[]) == 1).then_some(())
    };
    until("the metric", gauge).await?;
    // What is set aside is left alone by the sweeps of this life as well.
    let struck = blue.faults().hits(rule);
    neighbour.rotates(&stage).await?;
    neighbour.is_served(&stage).await?;
    assert_eq!(blue.faults().hits(rule), struck);

    // Mended, and tried by a person.
    blue.faults().remove(rule);
    stage.pawl(&["sync", "blue/evil/bomb"]).await?.well()?;
    assert_eq!(blue.secret_value("evil", "bomb", "key").as_deref(), Some(&b"2"[..]));
    let said = stage.pawl(&["get", "--output", "json"]).await?.well()?;
    assert!(!said.contains("set aside"), "{said}");
    Ok(())
}
