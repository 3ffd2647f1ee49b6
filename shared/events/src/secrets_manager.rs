//! AWS Secrets Manager: its own event "Secret Label Updated", and the records that CloudTrail passes on.
//!
//! Source: AWS Secrets Manager User Guide, "Event notifications" and "Log entries". The native event is the rule for
//! values; CloudTrail adds deletion, restoration and replication, and serves partitions without the native event.

mod cloudtrail;
mod native;

use crate::envelope::EventBridge;
use crate::error::Error;
use pawl_domain::key::Arn;
use pawl_domain::{Change, Location, Moved, Provider};
use std::collections::BTreeSet;

pub(crate) fn read(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    match event.detail_type.as_str() {
        "Secret Label Updated" => native::read(event),
        "AWS API Call via CloudTrail" | "AWS Service Event via CloudTrail" => cloudtrail::read(event),
        other => Err(Error::unknown(&format!("{other} from aws.secretsmanager"))),
    }
}

/// What moves when a staging label does: `AWSCURRENT` is the version in force, `AWSPENDING` is nobody's yet.
fn moved_with(label: &str) -> Option<Moved> {
    match label {
        "AWSCURRENT" => Some(Moved::Current),
        "AWSPENDING" => None,
        label => Some(Moved::Label(label.to_owned())),
    }
}

/// A change of the secret with these names. The account in an ARN is the secret's; an event's is its bus's.
fn change(
    event: &EventBridge<'_>,
    names: BTreeSet<String>,
    version: Option<String>,
    moved: Moved,
) -> Result<Change, Error> {
    let arn = names.iter().find(|name| Arn::parse(name).is_some()).cloned();
    let of_arn = arn.as_deref().and_then(Arn::parse).map(|arn| arn.account.to_owned());
    let location = Location {
        provider: Provider::SecretsManager,
        region: event.region(arn.as_deref())?,
        account: of_arn.or_else(|| event.account.clone()),
    };
    Ok(Change { id: event.id.clone(), location, names, version, moved, at: event.at() })
}
