//! The events that AWS sends and moto does not.

use crate::now;
use pawl_servers::{Moto, StoredSecret};
use serde_json::{Value, json};

/// "Secret Label Updated", as Secrets Manager sends it when a version becomes AWSCURRENT (Secrets Manager User Guide,
/// "Event notifications").
pub fn label_updated(region: &str, name: &str, secret: &StoredSecret) -> Value {
    json!({
        "version": "0",
        "id": id(),
        "detail-type": "Secret Label Updated",
        "source": "aws.secretsmanager",
        "account": Moto::ACCOUNT,
        "time": format!("{:.0}", now()),
        "region": region,
        "resources": [secret.arn],
        "detail": { "name": name, "labelUpdated": "AWSCURRENT", "versionId": secret.version },
    })
}

/// The pattern of a rule that takes the event above, as the deployment's template has it.
pub fn label_updated_pattern() -> Value {
    json!({ "source": ["aws.secretsmanager"], "detail-type": ["Secret Label Updated"] })
}

fn id() -> String {
    let hex = format!("{:032x}", rand::random::<u128>());
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
