//! AWS Secrets Manager: its own event "Secret Label Updated", and the records that CloudTrail passes on.
//!
//! Source: AWS Secrets Manager User Guide, "Event notifications" and "Log entries". The native event is the rule for
//! values; CloudTrail adds deletion, restoration and replication, and serves partitions without the native event.

mod cloudtrail;
mod native;

use crate::error::Error;
use crate::eventbridge::EventBridge;
use pawl_domain::{Change, Moved};

pub(crate) fn read(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    match event.detail_type.as_str() {
        "Secret Label Updated" => native::read(event),
        "AWS API Call via CloudTrail" | "AWS Service Event via CloudTrail" => cloudtrail::read(event),
        _ => Err(Error::unknown("its detail-type is not one of Secrets Manager that Pawl reads")),
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
