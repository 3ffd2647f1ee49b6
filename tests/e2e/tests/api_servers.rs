//! The main story on real Kubernetes API servers (`make kubernetes`): what their audit logs say is what Pawl did.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_e2e::examples::{self, Example, WITH_SERVICE_ACCOUNT};
use pawl_e2e::{Error, Functions, REGION, Result, Stage, until};
use pawl_servers::{ApiRequest, ApiServer};
use serde_json::{Value, json};

/// The user that Pawl comes as, with the rights that the documentation grants and no others.
const USER: &str = "pawl";
const RIGHTS: &str = include_str!("../../../infra/kubernetes/rbac.yaml");

#[tokio::test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn a_rotation_is_one_patch_and_no_get_for_each_real_cluster() -> Result<()> {
    let stage = Stage::start(&[]).await?;
    let (blue, green) = tokio::try_join!(cluster(&stage), cluster(&stage))?;
    let clusters = [("blue", &blue), ("green", &green)];
    let mut manifests = String::new();
    for (name, server) in clusters {
        let token = server.token_of(USER).unwrap_or_default();
        manifests += &stage.declare(name, server.url(), server.ca_pem(), token)?;
    }
    let functions = Functions::deploy(&stage).await?;
    functions.declare(&stage, &manifests).await?;

    let mut password = examples::password();
    for example in examples::ALL {
        example.create(&stage, &password).await?;
    }
    let summary = functions.index(examples::MANIFESTS, &["blue", "green"]).await?;
    assert_eq!((&summary["changed"], &summary["failed"]), (&json!(4), &json!([])), "{summary}");
    for (_, server) in clusters {
        for example in &examples::ALL {
            arrives(&functions, server, example, &password).await?;
        }
    }
    functions.idle(&stage).await?;

    // The first rotation makes the function's connections and identities, the second is the one that counts.
    let mut seen = [0, 0];
    for _ in 0..2 {
        seen = clusters.map(|(_, server)| server.requests_of(USER).len());
        stage.reset_calls();
        password = examples::password();
        let version = WITH_SERVICE_ACCOUNT.rotate(&stage, &password).await?;
        stage.aws().put_events(REGION, &[WITH_SERVICE_ACCOUNT.event(&version)]).await?;
        for (_, server) in clusters {
            arrives(&functions, server, &WITH_SERVICE_ACCOUNT, &password).await?;
        }
        functions.idle(&stage).await?;
    }
    let patch = ApiRequest {
        verb: "patch".to_owned(),
        resource: "secrets".to_owned(),
        namespace: WITH_SERVICE_ACCOUNT.namespace.to_owned(),
        name: WITH_SERVICE_ACCOUNT.secret.to_owned(),
        status: 200,
    };
    for ((name, server), seen) in clusters.into_iter().zip(seen) {
        assert_eq!(&server.requests_of(USER)[seen..], std::slice::from_ref(&patch), "cluster {name}");
    }
    assert_eq!(stage.meter().store_calls(), [("GetSecretValue".to_owned(), 2)].into());
    Ok(())
}

/// A real cluster with the furniture of the examples and the rights of the documentation.
async fn cluster(stage: &Stage) -> Result<ApiServer> {
    let server = ApiServer::builder().user(USER, &[USER]).start().await?;
    let objects = json!({ "apiVersion": "v1", "kind": "List", "items": examples::furniture() });
    let furniture = stage.write("furniture.json", &objects.to_string())?.display().to_string();
    let rights = stage.write("rbac.yaml", RIGHTS)?.display().to_string();
    server.kubectl(&["apply", "-f", &furniture, "-f", &rights]).await?;
    // Tokens are granted where somebody wants them: in the namespace of the store's service account.
    let [binding, role, group] = ["pawl-tokens", "--clusterrole=pawl-service-accounts", "--group=pawl"];
    server.kubectl(&["-n", "external-secrets", "create", "rolebinding", binding, role, group]).await?;
    Ok(server)
}

async fn arrives(functions: &Functions, server: &ApiServer, example: &Example, password: &str) -> Result<()> {
    let what = format!("the arrival of the password in {}/{}", example.namespace, example.secret);
    let look = async || {
        let get = ["get", "secret", "--namespace", example.namespace, example.secret, "--output", "json"];
        let secret: Value = serde_json::from_str(&server.kubectl(&get).await.ok()?).ok()?;
        let stands = STANDARD.decode(secret["data"]["password"].as_str()?).ok()?;
        (stands == password.as_bytes()).then_some(())
    };
    let arrived = until(&what, look).await.map(drop);
    arrived.map_err(|late| Error::Otherwise(format!("{late}; the functions logged:\n{}", functions.logs())))
}
