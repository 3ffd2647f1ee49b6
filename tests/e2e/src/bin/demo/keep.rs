//! Everything stays up, to be looked at.

use crate::acts::Play;
use pawl_e2e::examples::WITH_SERVICE_ACCOUNT;
use pawl_e2e::show::{act, line};
use pawl_e2e::{Error, Result, binary};

/// Says how to reach everything, and returns at Ctrl-C.
pub(crate) async fn until_interrupted(play: &Play) -> Result<()> {
    let stage = &play.stage;
    act("All stays up until Ctrl-C. In another terminal:");
    line(&format!("export KUBECONFIG={}", stage.path("kubeconfig").display()));
    for (name, value) in stage.environment().iter().filter(|(name, _)| name != "PAWL_HMAC_KEY") {
        line(&format!("export {name}={value}"));
    }
    line(&format!("alias pawl={}", binary("pawl")?.display()));
    let example = WITH_SERVICE_ACCOUNT;
    act("Then, for example:");
    line("pawl get");
    line(&format!("kubectl --context blue -n {} get secret {} -o yaml", example.namespace, example.secret));
    line(&format!(
        "aws secretsmanager put-secret-value --region {} --secret-id {} --secret-string '{}'",
        example.region,
        example.key,
        example.value("mine")
    ));
    line(&format!("pawl sync {}", example.key));
    tokio::signal::ctrl_c()
        .await
        .map_err(|source| Error::Io { action: "waiting for Ctrl-C".to_owned(), source })
}
