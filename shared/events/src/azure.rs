//! Azure Event Grid: what Key Vault tells of its secrets, keys and certificates, in Event Grid's own schema and in that of
//! CloudEvents 1.0. Source: "Azure Key Vault as Event Grid source" and "Webhook event delivery".
//!
//! A new version is told within seconds, with its id. Nothing is told of what is deleted, disabled, recovered or tagged: the
//! sweep finds it.
//!
//! What Event Grid puts into a queue of Service Bus or an event hub, others pass on: in the same schemas, or in the messages of
//! Logic Apps' connectors, which hold it in Base64 (`envelope`).
//!
//! The service's own sample has blanks at the end of a member's name and before a version, and its table writes other letters
//! large than the sample: members are told apart without blanks and case, and what counts is the object's id, a URL.

use crate::error::Error;
use crate::eventbridge::{checked, location};
use crate::json::object;
use jiff::Timestamp;
use pawl_domain::change::Extent;
use pawl_domain::store::{AzureKvStore, AzureObject};
use pawl_domain::{Change, Moved, Provider};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// An event in either schema.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    id: String,
    /// Event Grid's.
    event_type: Option<String>,
    event_time: Option<String>,
    /// That of CloudEvents.
    #[serde(rename = "type")]
    kind: Option<String>,
    time: Option<String>,
    #[serde(default)]
    data: Value,
}

/// Asks whether somebody wants the events, before any is sent.
const VALIDATION: &str = "Microsoft.EventGrid.SubscriptionValidationEvent";
/// The longest code that is sent back: Event Grid's have 36 letters.
const LONGEST_CODE: usize = 128;

/// The code that proves to Event Grid, sent back as `validationResponse`, that somebody wants its events; `None` where it does
/// not ask. The address for a proof by hand that the question holds as well is never followed.
pub fn validation_code(body: &[u8]) -> Option<String> {
    let [only] = <[&RawValue; 1]>::try_from(serde_json::from_slice::<Vec<&RawValue>>(body).ok()?).ok()?;
    let event: Event = object(only.get().as_bytes()).ok()?;
    let code = event.data.get("validationCode")?.as_str()?;
    let is_code =
        (1..=LONGEST_CODE).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
    (event.event_type.as_deref() == Some(VALIDATION) && is_code).then(|| code.to_owned())
}

/// The senders that CloudEvents may be sent by, one for each of Azure's clouds that have Event Grid.
const ORIGINS: [&str; 3] = ["eventgrid.azure.net", "eventgrid.azure.us", "eventgrid.azure.cn"];

/// Whether who asks in `WebHook-Request-Origin` to send CloudEvents is Event Grid.
pub fn is_welcome(origin: &str) -> bool {
    ORIGINS.iter().any(|known| known.eq_ignore_ascii_case(origin.trim()))
}

/// One event.
pub(crate) fn read(body: &[u8]) -> Result<Vec<Change>, Error> {
    let event: Event = object(body)?;
    let kind = event.event_type.as_deref().or(event.kind.as_deref());
    let kind = kind.ok_or_else(|| Error::malformed("a JSON object is expected"))?;
    let Some(of_vault) = kind.strip_prefix("Microsoft.KeyVault.") else {
        return match kind.starts_with("Microsoft.EventGrid.") {
            true => Ok(Vec::new()),
            false => Err(Error::unknown("its type is not one of Key Vault's")),
        };
    };
    // Expiry changes no value. That the version in force ends is told all the same: who missed it looks at what is there.
    let known = ["NewVersionCreated", "NearExpiry", "Expired"];
    let object = ["Secret", "Key", "Certificate"].iter().find_map(|kind| of_vault.strip_prefix(kind));
    match object {
        Some(happened) if known.contains(&happened) => change(&event).map(|change| vec![change]),
        None if of_vault == "VaultAccessPolicyChanged" => Ok(Vec::new()),
        _ => Err(Error::unknown("its type is one of Key Vault's that Pawl does not know")),
    }
}

fn change(event: &Event) -> Result<Change, Error> {
    let data = event.data.as_object().ok_or_else(|| Error::malformed("its data is not an object"))?;
    let Told { vault, kind, name, version } = told(data)?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_name {
        return Err(Error::malformed("the name in its data is none that an object of a vault can have"));
    }
    let time = event.event_time.as_deref().or(event.time.as_deref());
    Ok(Change {
        id: event.id.clone(),
        location: location(Provider::AzureKv, None, vault.as_deref())?,
        names: checked(BTreeSet::from([if name.is_empty() { String::new() } else { kind.key(&name) }]))?,
        extent: Extent::Key,
        version: version
            .filter(|version| AzureKvStore::is_version(version))
            .map(|id| id.to_ascii_lowercase()),
        moved: Moved::Current,
        at: time.and_then(|time| time.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

/// Which version of which object is told of.
struct Told {
    /// Unknown where the object's id is missing.
    vault: Option<String>,
    kind: AzureObject,
    name: String,
    version: Option<String>,
}

/// By the object's id, as in `https://team.vault.azure.net/secrets/db/<version>`; where it is missing, by its parts.
fn told(data: &Map<String, Value>) -> Result<Told, Error> {
    let text = |wanted: &str| {
        let named = |name: &&String| name.trim().eq_ignore_ascii_case(wanted);
        let (_, value) = data.iter().find(|(name, _)| named(name))?;
        Some(value.as_str()?.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let unnamed = || Error::malformed("its data names no object of a vault");
    if let Some(id) = text("id") {
        let vault = AzureKvStore::vault(&id).ok_or_else(unnamed)?;
        let mut parts = id.split('/').skip(3);
        let kind = match parts.next() {
            Some("secrets") => AzureObject::Secret,
            Some("keys") => AzureObject::Key,
            Some("certificates") => AzureObject::Certificate,
            _ => return Err(unnamed()),
        };
        let name = parts.next().ok_or_else(unnamed)?.to_owned();
        let version = parts.next().map(str::to_owned).or_else(|| text("version"));
        return Ok(Told { vault: Some(vault), kind, name, version });
    }
    let kind = match text("objecttype").as_deref() {
        Some("Secret") => AzureObject::Secret,
        Some("Key") => AzureObject::Key,
        Some("Certificate") => AzureObject::Certificate,
        _ => return Err(unnamed()),
    };
    Ok(Told { vault: None, kind, name: text("objectname").ok_or_else(unnamed)?, version: text("version") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lone_question_of_event_grid_is_answered() {
        let question = |kind: &str, code: &str| {
            format!(
                r#"[{{"eventType":"{kind}","data":{{"validationCode":{code},"validationUrl":"https://x"}}}}]"#
            )
        };
        let code = "512d38b6-c7b8-40c8-89fe-f46f9e9622b6";
        let quoted = format!("\"{code}\"");
        let asked = question(VALIDATION, &quoted);
        assert_eq!(validation_code(asked.as_bytes()).as_deref(), Some(code));
        let twice = format!("[{0},{0}]", asked.trim_matches(['[', ']']));
        let long = format!("\"{}\"", "x".repeat(129));
        for body in [
            twice,
            asked.trim_matches(['[', ']']).to_owned(),
            question("Microsoft.KeyVault.SecretExpired", &quoted),
            question(VALIDATION, "1"),
            question(VALIDATION, "\"\""),
            question(VALIDATION, "\"a\\nb\""),
            question(VALIDATION, &long),
            "[]".to_owned(),
            "nonsense".to_owned(),
        ] {
            assert_eq!(validation_code(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn event_grid_alone_is_welcome() {
        for (origin, welcome) in [
            ("eventgrid.azure.net", true),
            (" EventGrid.azure.net", true),
            ("eventgrid.azure.us", true),
            ("eventgrid.azure.net.example.com", false),
            ("evil.eventgrid.azure.net", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(is_welcome(origin), welcome, "{origin}");
        }
    }
}
