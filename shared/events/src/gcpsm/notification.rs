//! The messages of the topics that a secret names. Source: Secret Manager's documentation, "Set up notifications on a secret".

use super::{Message, Named, UPDATED};
use crate::error::Error;
use jiff::Timestamp;
use pawl_domain::{Change, Moved};

/// The attribute that each of them has.
pub(super) const EVENT_TYPE: &str = "eventType";

/// What was told in the attributes. The data, which describes secret or version, is not needed.
pub(super) fn read(message: &Message) -> Result<Vec<Change>, Error> {
    let attribute = |name: &str| message.attributes.get(name).map(String::as_str);
    let moved: &[Moved] = match attribute(EVENT_TYPE).unwrap_or_default() {
        "SECRET_VERSION_ADD" => &[Moved::Current],
        // Whoever reads this version by its number is concerned as well.
        "SECRET_VERSION_ENABLE"
        | "SECRET_VERSION_DISABLE"
        | "SECRET_VERSION_DESTROY"
        | "SECRET_VERSION_DESTROY_SCHEDULED"
        | "SECRET_CREATE"
        | "SECRET_DELETE" => &[Moved::Existence],
        "SECRET_UPDATE" => &UPDATED,
        // It is time to rotate, and nothing has moved yet; and a test of a topic.
        "SECRET_ROTATE" | "TOPIC_CONFIGURED" => &[],
        _ => return Err(Error::unknown("its eventType is not one of Secret Manager that Pawl reads")),
    };
    if moved.is_empty() {
        return Ok(Vec::new());
    }
    let name = attribute("versionId").or_else(|| attribute("secretId"));
    let named = Named::of(name.ok_or_else(|| Error::malformed("attributes.secretId is missing"))?)?;
    let told = attribute("timestamp").and_then(|text| text.parse().ok());
    let at = told.or(message.publish_time).unwrap_or(Timestamp::UNIX_EPOCH);
    moved.iter().map(|moved| named.change(&message.message_id, at, moved.clone())).collect()
}
