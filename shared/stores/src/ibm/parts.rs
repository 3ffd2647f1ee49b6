//! What each type of secret gives. Source: ESO's IBM provider, version 2.9.

use jiff::Timestamp;
use pawl_domain::SecretValue;
use pawl_domain::parts::{OfProperty, Parts, printed};
use pawl_domain::store::IbmStore;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// What a key gives, of the secret that was answered for it. With `metadata`, `extract` gives what is known of it as well.
///
/// # Errors
/// Why it gives nothing, in words that quote nothing of it.
pub(super) fn of(key: &str, secret: &[u8], metadata: bool) -> Result<Parts, &'static str> {
    let (_, kind, _) = IbmStore::reference(key);
    let members: Members<'_> =
        serde_json::from_slice(secret).map_err(|_| "the answer is not in the known form")?;
    let text = |name: &str| members.get(name).and_then(|raw| text(raw));
    let is_of_kind = text("secret_type").is_some_and(|text| text.expose() == kind.as_bytes());
    let needed = |name: &'static str| {
        text(name).ok_or("it has none of what its type in the key promises; correct the type")
    };
    let all = |names: &[&'static str]| -> Result<BTreeMap<String, SecretValue>, &'static str> {
        names.iter().map(|&name| Ok((name.to_owned(), needed(name)?))).collect()
    };
    let named = || members.iter().filter_map(|(name, raw)| Some((name.clone(), self::text(raw)?))).collect();
    let one = |name: &str, whole: SecretValue, every: SecretValue| Parts {
        whole: Some(whole),
        ignores_properties: true,
        every: Some(BTreeMap::from([(name.to_owned(), every)])),
        ..Parts::default()
    };
    let several =
        |members, every: Result<_, &'static str>| Parts { members, every: every.ok(), ..Parts::default() };
    let mut parts = match kind {
        "arbitrary" => needed("payload").map(|payload| one("arbitrary", payload.clone(), payload))?,
        "iam_credentials" => needed("api_key").map(|key| one("apikey", key.clone(), key))?,
        "service_credentials" => {
            let whole =
                members.get("credentials").and_then(|raw| anew(raw)).ok_or("it has no credentials")?;
            let every =
                printed(&SecretValue::new(format!("{{\"c\":{}}}", whole.expose_str().unwrap_or_default())));
            let every = every
                .ok()
                .and_then(|mut every| every.remove("c"))
                .ok_or("its credentials are not readable")?;
            one("credentials", whole, every)
        }
        "username_password" => several(named(), all(&["username", "password"])),
        "public_cert" => several(named(), all(&["certificate", "intermediate", "private_key"])),
        "private_cert" => several(named(), all(&["certificate", "private_key"])),
        "imported_cert" => {
            // So that a Secret of type kubernetes.io/tls comes about without them.
            let empty =
                || ["intermediate", "private_key"].map(|name| (name.to_owned(), SecretValue::new("")));
            let (mut members, mut every): (BTreeMap<_, _>, BTreeMap<_, _>) = (empty().into(), empty().into());
            members.extend(named());
            every.extend(all(&["certificate"])?);
            every.extend(
                ["intermediate", "private_key"]
                    .iter()
                    .filter_map(|&name| Some((name.to_owned(), text(name)?))),
            );
            several(members, Ok(every))
        }
        "kv" | "custom_credentials" if is_of_kind => {
            let name = if kind == "kv" { "data" } else { "credentials_content" };
            let document = members.get(name).map_or(Some(SecretValue::new("null")), |raw| anew(raw));
            let document = document.ok_or("its data is not readable")?;
            let whole = Some(document.clone());
            let (document, of_property) = (Some(document), OfProperty::Members);
            Parts { whole, document, inner_dots: true, of_property, ..Parts::default() }
        }
        "kv" | "custom_credentials" => {
            return Err("it is of another type than its key says; correct the type");
        }
        _ => return Err("its type is none that ESO knows; write one such as arbitrary or kv"),
    };
    if metadata {
        parts.beside =
            printed(&SecretValue::new(secret)).map_err(|_| "what is known of it is not readable")?;
        for name in ["created_at", "updated_at", "expiration_date", "next_rotation_date"] {
            if let Some(time) = parts.beside.get_mut(name) {
                *time = in_milliseconds(time).unwrap_or_else(|| time.clone());
            }
        }
    }
    Ok(parts)
}

fn text(raw: &RawValue) -> Option<SecretValue> {
    serde_json::from_str(raw.get()).ok().map(|text: String| SecretValue::new(text))
}

/// As Go writes what it read: with sorted keys and signs of HTML escaped.
fn anew(raw: &RawValue) -> Option<SecretValue> {
    pawl_domain::entries::object(raw.get().as_bytes()).ok()
}

/// Source: the form of times of IBM's SDK for Go.
fn in_milliseconds(time: &SecretValue) -> Option<SecretValue> {
    let time: Timestamp = time.expose_str()?.parse().ok()?;
    Some(SecretValue::new(format!("{time:.3}")))
}
