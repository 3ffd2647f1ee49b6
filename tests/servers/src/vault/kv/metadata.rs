use super::{
    Ask,
    key::{Key, Settings},
    v2::Store,
};
use crate::vault::{
    call::Operation,
    json::Json,
    reply::{Outcome, Refusal, Response, one},
};
use std::collections::BTreeMap;

impl Store {
    /// `metadata/<key>` and, for lists, `metadata/<folder>/`.
    pub(super) fn metadata(&mut self, ask: &Ask<'_>) -> Outcome {
        match ask.operation {
            Operation::List => Ok(Some(self.page(ask))),
            Operation::Read => Ok(self.keys.get(ask.path).map(|key| Response::data(key.metadata()))),
            Operation::Delete => {
                self.keys.remove(ask.path);
                Ok(None)
            }
            Operation::Create | Operation::Update if ask.path.is_empty() => {
                Err(Refusal::said("missing path"))
            }
            Operation::Create | Operation::Update => self.set_metadata(ask),
            Operation::Patch => self.patch_metadata(ask),
        }
    }

    fn set_metadata(&mut self, ask: &Ask<'_>) -> Outcome {
        let custom = match ask.data.get("custom_metadata") {
            Some(Json::Object(custom)) => Some(texts(custom, false)?),
            _ => None,
        };
        if !Settings::default().take(ask.data) && custom.is_none() {
            return Ok(None);
        }
        let key = self.keys.entry(ask.path.to_owned()).or_insert_with(|| Key::new(ask.now));
        key.settings.take(ask.data);
        if custom.is_some() {
            key.custom = custom;
        }
        key.metadata_version += 1;
        key.updated = ask.now;
        Ok(None)
    }

    fn patch_metadata(&mut self, ask: &Ask<'_>) -> Outcome {
        let change = ask.data.get("custom_metadata").and_then(Json::as_object);
        if !Settings::default().take(ask.data) && change.is_none() {
            return Ok(None);
        }
        if let Some(change) = change {
            texts(change, true)?;
        }
        let Some(key) = self.keys.get_mut(ask.path) else {
            return Ok(Some(Response { bodiless: true, ..Response::default() }.with_status(404)));
        };
        key.settings.take(ask.data);
        for (name, value) in change.into_iter().flatten() {
            let custom = key.custom.get_or_insert_default();
            match text(value) {
                Some(value) => drop(custom.insert(name.clone(), value)),
                None => drop(custom.remove(name)),
            }
        }
        key.metadata_version += 1;
        key.updated = ask.now;
        Ok(None)
    }

    /// A list, or the part of it that `after` and `limit` ask for.
    fn page(&self, ask: &Ask<'_>) -> Response {
        let number =
            |name| ask.data.get(name).and_then(Json::as_str).and_then(|text: &str| text.parse().ok());
        let mut response = self.list(ask.path);
        if let Some(Json::Array(keys)) = response.data.as_mut().and_then(|data| match data {
            Json::Object(members) => members.get_mut("keys"),
            _ => None,
        }) {
            if let Some(after) = ask.data.get("after").and_then(Json::as_str) {
                keys.retain(|key| key.as_str().is_some_and(|key| key > after));
            }
            keys.truncate(number("limit").filter(|limit| *limit > 0).unwrap_or(usize::MAX));
        }
        response
    }
}

/// Custom metadata as it is kept: names and values that are not empty, no longer than allowed, printable.
fn texts(custom: &BTreeMap<String, Json>, skip_null: bool) -> Result<BTreeMap<String, String>, Refusal> {
    const RULE: &str = "custom_metadata validation failed";
    let mut kept = BTreeMap::new();
    for (name, value) in custom {
        if skip_null && *value == Json::Null {
            continue;
        }
        let value = text(value).unwrap_or_default();
        let size = name.len();
        if size == 0 || size > 128 {
            let complaint =
                format!("{RULE}: length of key {name:?} is {size} but must be 0 < len(key) <= 128");
            return Err(Refusal::said(one(&complaint)));
        }
        let size = value.len();
        if size == 0 || size > 512 {
            let complaint = format!(
                "{RULE}: length of value for key {name:?} is {size} but must be 0 < len(value) <= 512"
            );
            return Err(Refusal::said(one(&complaint)));
        }
        kept.insert(name.clone(), value);
    }
    match kept.len() {
        0..=64 => Ok(kept),
        count => Err(Refusal::said(one(&format!(
            "{RULE}: payload must contain at most 64 keys, provided {count}"
        )))),
    }
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) | Json::Number(text) => Some(text.clone()),
        Json::Bool(truth) => Some(u8::from(*truth).to_string()),
        _ => None,
    }
}
