//! What changes secrets: creating them, adding versions, labels, deleting.

use super::secrets::{Secret, Secrets, absent, crc32c, described, is_id, told};
use super::{Asked, NUMBER, PROJECT, failure, page};
use crate::rest::{Answer, decoded, json_answer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl Secrets {
    /// The answer to a write, with what it changes. Source: Google's API reference, version 1.
    pub(super) fn write(&mut self, asked: &Asked) -> Answer {
        let parts: Vec<String> = asked.path.split('/').skip(3).map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (project, location, below) = match &parts[..] {
            [project, "locations", location, "secrets", below @ ..] => (*project, *location, below),
            [project, "secrets", below @ ..] => (*project, "", below),
            _ => return page(),
        };
        let query = |name: &str| asked.query.get(name).cloned().unwrap_or_default();
        let (right, id) = match (asked.method.as_str(), below) {
            ("POST", []) => ("secrets.create", query("secretId")),
            ("POST", [named]) => match named.strip_suffix(":addVersion") {
                Some(id) => ("versions.add", id.to_owned()),
                None => return page(),
            },
            ("PATCH", [id]) => ("secrets.update", (*id).to_owned()),
            ("DELETE", [id]) => ("secrets.delete", (*id).to_owned()),
            _ => return page(),
        };
        let known = project == PROJECT || project == NUMBER;
        if !known || self.hidden.contains(&id) || self.read_only {
            let what = asked.path.replacen("/v1/", "", 1);
            let message = format!("Permission 'secretmanager.{right}' denied for resource '{what}' (or it may not exist).");
            return failure(403, "PERMISSION_DENIED", &message);
        }
        let parent = match location {
            "" => format!("projects/{NUMBER}"),
            location => format!("projects/{NUMBER}/locations/{location}"),
        };
        let name = format!("{parent}/secrets/{id}");
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let place = (location.to_owned(), id.clone());
        if right == "secrets.create" {
            if !is_id(&id) {
                let message = format!("Resource ID [{name}] is not in a valid format.");
                return failure(400, "INVALID_ARGUMENT", &message);
            }
            if location.is_empty() != body.get("replication").is_some() {
                return failure(400, "INVALID_ARGUMENT", "Field [secret.replication] is required, for global secrets alone.");
            }
            if self.held.contains_key(&place) {
                return failure(409, "ALREADY_EXISTS", &format!("Secret [{name}] already exists."));
            }
            let made = Secret { labels: map(&body["labels"]), annotations: map(&body["annotations"]), made_of: body, ..Secret::default() };
            let answer = json_answer(200, &described(&made, &name));
            self.held.insert(place, made);
            return answer;
        }
        let Some(secret) = self.held.get_mut(&place) else {
            return absent(&format!("Secret [{name}] not found."));
        };
        let etag = if right == "secrets.delete" { query("etag") } else { body["etag"].as_str().unwrap_or_default().to_owned() };
        if !etag.is_empty() && etag != secret.etag() {
            return failure(400, "FAILED_PRECONDITION", "The etag that was given is not the current one.");
        }
        match right {
            "versions.add" => {
                let Some(value) = body["payload"]["data"].as_str().and_then(|data| STANDARD.decode(data).ok()) else {
                    return failure(400, "INVALID_ARGUMENT", "Secret Payload cannot be empty.");
                };
                let sum = body["payload"]["dataCrc32c"].as_str().map(str::to_owned);
                if value.is_empty() || sum.is_some_and(|sum| sum != crc32c(&value).to_string()) {
                    return failure(400, "INVALID_ARGUMENT", "Secret Payload is empty, or its checksum does not match.");
                }
                let number = self.add(Some(location).filter(|at| !at.is_empty()), &id, &value);
                let place = usize::try_from(number).unwrap_or_default().saturating_sub(1);
                let secret = &self.held[&(location.to_owned(), id)];
                json_answer(200, &told(&secret.versions[place], number, &name))
            }
            "secrets.update" => {
                for field in query("updateMask").split(',') {
                    match field {
                        "labels" => secret.labels = map(&body["labels"]),
                        "annotations" => secret.annotations = map(&body["annotations"]),
                        _ => return failure(400, "INVALID_ARGUMENT", "The update mask names a field that cannot be changed."),
                    }
                }
                secret.generation += 1;
                json_answer(200, &described(secret, &name))
            }
            _ => {
                self.held.remove(&place);
                json_answer(200, &json!({}))
            }
        }
    }
}

fn map(value: &Value) -> BTreeMap<String, String> {
    let members = value.as_object().into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}
