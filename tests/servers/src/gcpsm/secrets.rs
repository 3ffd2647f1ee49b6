//! Secret Manager: secrets with versions, in a project and in its locations.

use super::{Asked, NUMBER, PROJECT, failure, page};
use crate::rest::{Answer, decoded, json_answer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// All secrets, by location (empty for those of none) and id.
#[derive(Debug)]
pub(super) struct Secrets {
    held: BTreeMap<(String, String), Secret>,
    pub(super) viewer: bool,
    pub(super) hidden: BTreeSet<String>,
    pub(super) page: usize,
    clock: u64,
}

#[derive(Debug, Default)]
struct Secret {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    aliases: BTreeMap<String, u64>,
    versions: Vec<Version>,
}

#[derive(Debug)]
struct Version {
    value: Vec<u8>,
    state: &'static str,
    /// Seconds of 2026-01-01.
    created: u64,
}

impl Default for Secrets {
    fn default() -> Self {
        let (held, hidden) = (BTreeMap::new(), BTreeSet::new());
        Self { held, viewer: true, hidden, page: 25_000, clock: 0 }
    }
}

impl Secrets {
    pub(super) fn create(&mut self, location: Option<&str>, id: &str) {
        self.of(location, id);
    }

    pub(super) fn add(&mut self, location: Option<&str>, id: &str, value: &[u8]) -> u64 {
        self.clock += 1;
        let version = Version { value: value.to_vec(), state: "ENABLED", created: self.clock };
        let secret = self.of(location, id);
        secret.versions.push(version);
        secret.versions.len() as u64
    }

    pub(super) fn set_state(&mut self, location: Option<&str>, id: &str, number: u64, state: &'static str) {
        let place = usize::try_from(number).unwrap_or_default().saturating_sub(1);
        if let Some(version) = self.of(location, id).versions.get_mut(place) {
            version.state = state;
        }
    }

    pub(super) fn describe(
        &mut self,
        location: Option<&str>,
        id: &str,
        labels: &[(&str, &str)],
        notes: &[(&str, &str)],
    ) {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let secret = self.of(location, id);
        (secret.labels, secret.annotations) = (map(labels), map(notes));
    }

    pub(super) fn alias(&mut self, location: Option<&str>, id: &str, alias: &str, number: u64) {
        self.of(location, id).aliases.insert(alias.to_owned(), number);
    }

    pub(super) fn delete(&mut self, location: Option<&str>, id: &str) {
        self.held.remove(&(location.unwrap_or_default().to_owned(), id.to_owned()));
    }

    fn of(&mut self, location: Option<&str>, id: &str) -> &mut Secret {
        self.held.entry((location.unwrap_or_default().to_owned(), id.to_owned())).or_default()
    }

    pub(super) fn answer(&self, asked: &Asked) -> Answer {
        let parts: Vec<String> = asked.path.split('/').skip(3).map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (project, location, below) = match &parts[..] {
            [project, "locations", location, "secrets", below @ ..] => (*project, *location, below),
            [project, "secrets", below @ ..] => (*project, "", below),
            _ => return page(),
        };
        let denied = |right: &str, what: &str| {
            let message = format!(
                "Permission 'secretmanager.{right}' denied for resource '{what}' (or it may not exist)."
            );
            failure(403, "PERMISSION_DENIED", &message)
        };
        let name = match location {
            "" => format!("projects/{NUMBER}"),
            location => format!("projects/{NUMBER}/locations/{location}"),
        };
        let (right, id) = match below {
            [] => ("secrets.list", ""),
            [id] => ("secrets.get", *id),
            [id, "versions"] => ("versions.list", *id),
            [id, "versions", version] if version.ends_with(":access") => ("versions.access", *id),
            [id, "versions", _] => ("versions.get", *id),
            _ => return page(),
        };
        // A project that does not exist answers as one that may not be seen.
        let known = project == PROJECT || project == NUMBER;
        if !known || self.hidden.contains(id) || (!self.viewer && right != "versions.access") {
            return denied(right, &asked.path.replacen("/v1/", "", 1));
        }
        let name_of = |id: &str| format!("{name}/secrets/{id}");
        let secret = self.held.get(&(location.to_owned(), id.to_owned()));
        match (below, secret) {
            ([], _) => self.list(asked, location, &name),
            (_, _) if !is_id(id) => failure(
                400,
                "INVALID_ARGUMENT",
                &format!("Resource ID [{}] is not in a valid format.", name_of(id)),
            ),
            ([_], Some(secret)) => json_answer(200, &described(secret, &name_of(id))),
            ([_], None) | ([_, "versions"], None) => absent(&format!("Secret [{}] not found.", name_of(id))),
            ([_, "versions"], Some(secret)) => self.versions(asked, secret, &name_of(id)),
            ([_, _, version], secret) => one(secret, version, &name_of(id)),
            _ => page(),
        }
    }

    fn list(&self, asked: &Asked, location: &str, parent: &str) -> Answer {
        let filter = asked.query.get("filter").map(String::as_str).unwrap_or_default();
        let fits = |id: &str, secret: &Secret| {
            filter.split(' ').filter(|term| !term.is_empty()).all(|term| match term.split_once('=') {
                Some((label, value)) => {
                    let label = label.strip_prefix("labels.").unwrap_or_default();
                    secret.labels.get(label).map(String::as_str) == Some(value)
                }
                None => term.strip_prefix("name:").is_some_and(|part| id.contains(part)),
            })
        };
        let all: Vec<Value> = self
            .held
            .iter()
            .filter(|((at, id), secret)| at == location && fits(id, secret))
            .map(|((_, id), secret)| described(secret, &format!("{parent}/secrets/{id}")))
            .collect();
        // The one projection that is asked for.
        let narrow =
            asked.query.get("fields").map(String::as_str) == Some("secrets(name,labels),nextPageToken");
        let of_page = |secret: Value| match (narrow, secret) {
            (true, Value::Object(mut members)) => {
                members.retain(|name, _| name == "name" || name == "labels");
                Value::Object(members)
            }
            (_, secret) => secret,
        };
        self.paged(asked, "secrets", all.into_iter().map(of_page).collect(), narrow)
    }

    /// In the order of Google's lists: the newest first.
    fn versions(&self, asked: &Asked, secret: &Secret, name: &str) -> Answer {
        let enabled = asked.query.get("filter").is_some_and(|filter| filter == "state:ENABLED");
        let each = secret.versions.iter().enumerate().rev();
        let each = each.filter(|(_, version)| !enabled || version.state == "ENABLED");
        let all = each.map(|(place, version)| told(version, place as u64 + 1, name)).collect();
        self.paged(asked, "versions", all, false)
    }

    fn paged(&self, asked: &Asked, member: &str, all: Vec<Value>, narrow: bool) -> Answer {
        let number = |name: &str| asked.query.get(name).and_then(|text| text.parse::<usize>().ok());
        let size = number("pageSize").unwrap_or(self.page).min(self.page).max(1);
        let from = number("pageToken").unwrap_or_default();
        let total = all.len();
        let some: Vec<Value> = all.into_iter().skip(from).take(size).collect();
        // Google leaves out what is empty.
        let mut body = Map::new();
        if !some.is_empty() {
            body.insert(member.to_owned(), Value::Array(some));
        }
        if from + size < total {
            body.insert("nextPageToken".to_owned(), json!((from + size).to_string()));
        }
        if !narrow {
            body.insert("totalSize".to_owned(), json!(total));
        }
        json_answer(200, &Value::Object(body))
    }
}

/// One version, or its value.
fn one(secret: Option<&Secret>, asked: &str, name: &str) -> Answer {
    let (version, wants_value) = match asked.strip_suffix(":access") {
        Some(version) => (version, true),
        None => (asked, false),
    };
    let Some(secret) = secret.filter(|secret| !secret.versions.is_empty()) else {
        return absent(&format!("Secret [{name}] not found or has no versions."));
    };
    let number = match version {
        "latest" => Some(secret.versions.len() as u64),
        text => text.parse().ok().or_else(|| secret.aliases.get(text).copied()),
    };
    let place = number.and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
    let (Some(number), Some(found)) = (number, place.and_then(|place| secret.versions.get(place))) else {
        return absent(&format!("Secret Version [{name}/versions/{version}] not found."));
    };
    match (wants_value, found.state) {
        (false, _) => json_answer(200, &told(found, number, name)),
        (true, "ENABLED") => {
            let mut payload = Map::new();
            if !found.value.is_empty() {
                payload.insert("data".to_owned(), json!(STANDARD.encode(&found.value)));
            }
            payload.insert("dataCrc32c".to_owned(), json!(crc32c(&found.value).to_string()));
            json_answer(200, &json!({ "name": format!("{name}/versions/{number}"), "payload": payload }))
        }
        (true, state) => failure(
            400,
            "FAILED_PRECONDITION",
            &format!("Secret Version [{name}/versions/{number}] is in {state} state."),
        ),
    }
}

fn absent(message: &str) -> Answer {
    failure(404, "NOT_FOUND", message)
}

fn described(secret: &Secret, name: &str) -> Value {
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(name));
    body.insert("createTime".to_owned(), json!("2026-01-01T00:00:00.000000Z"));
    body.insert("etag".to_owned(), json!("\"1\""));
    for (member, map) in [("labels", &secret.labels), ("annotations", &secret.annotations)] {
        if !map.is_empty() {
            body.insert(member.to_owned(), json!(map));
        }
    }
    Value::Object(body)
}

fn told(version: &Version, number: u64, name: &str) -> Value {
    let (minutes, seconds) = (version.created / 60, version.created % 60);
    json!({
        "name": format!("{name}/versions/{number}"),
        "createTime": format!("2026-01-01T00:{minutes:02}:{seconds:02}.123456Z"),
        "state": version.state,
        "etag": "\"1\"",
    })
}

fn is_id(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=255).contains(&text.len()) && text.bytes().all(known)
}

/// CRC-32C by a table, unlike what it is compared with.
fn crc32c(bytes: &[u8]) -> u32 {
    let entry = |index: u32| {
        (0..8).fold(index, |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0x82f6_3b78 } else { sum >> 1 })
    };
    let table: Vec<u32> = (0..256).map(entry).collect();
    !bytes.iter().fold(!0, |sum: u32, byte| table[((sum ^ u32::from(*byte)) & 0xff) as usize] ^ (sum >> 8))
}
