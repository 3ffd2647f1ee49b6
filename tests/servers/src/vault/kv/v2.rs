use super::{
    Ask, children,
    key::{Key, Settings},
};
use crate::vault::{
    call::Operation,
    json::{Json, Object},
    reply::{Outcome, Refusal, Response, ignored},
};
use std::collections::BTreeMap;

/// A version 2 engine.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(super) keys: BTreeMap<String, Key>,
    pub(super) settings: Settings,
}

impl Store {
    /// Whether a write would be an update; none where the engine does not tell the two apart. It reads the request's fields to know.
    pub(crate) fn exists(&self, path: &str, data: &Object) -> Result<Option<bool>, Refusal> {
        if path.starts_with("data/") && data.contains_key("data") {
            new_data(data)?;
        }
        let key = path.strip_prefix("data/").or_else(|| path.strip_prefix("metadata/"));
        Ok(key.map(|key| self.keys.contains_key(key)))
    }

    pub(crate) fn handle(&mut self, ask: &Ask<'_>) -> Outcome {
        let (folder, key) = ask.path.split_once('/').unwrap_or((ask.path, ""));
        let ask = Ask { path: key, ..*ask };
        match (folder, ask.path) {
            ("config", "") => self.config(&ask),
            ("data", _) if !key.is_empty() => self.data(&ask),
            ("metadata", _) => self.metadata(&ask),
            ("subkeys", _) if !key.is_empty() => self.subkeys(&ask),
            ("delete" | "undelete" | "destroy", _) if !key.is_empty() => self.versions(folder, &ask),
            _ => invalid_path(ask.operation),
        }
    }

    fn data(&mut self, ask: &Ask<'_>) -> Outcome {
        let mut outcome = self.data_of(ask);
        if let Ok(Some(response)) = &mut outcome
            && ask.operation.is_write()
            && response.status.is_none()
        {
            let unknown =
                ask.data.keys().filter(|name| !["data", "options", "version"].contains(&name.as_str()));
            response.warnings.extend(ignored(unknown));
        }
        outcome
    }

    fn data_of(&mut self, ask: &Ask<'_>) -> Outcome {
        match ask.operation {
            Operation::Read => self.read(ask),
            Operation::Create | Operation::Update => self.write(ask),
            Operation::Patch => self.patch(ask),
            Operation::Delete => {
                let key = self.keys.get_mut(ask.path);
                let version = key.and_then(|key| key.versions.get_mut(&key.current));
                if let Some(version) = version.filter(|version| !version.is_gone(ask.now)) {
                    version.deleted = Some(ask.now);
                }
                Ok(None)
            }
            Operation::List => Err(Refusal::unsupported_operation()),
        }
    }

    fn read(&self, ask: &Ask<'_>) -> Outcome {
        let wanted = version(ask.data)?;
        let Some(key) = self.keys.get(ask.path) else { return Ok(None) };
        let number = if wanted == 0 { key.current } else { wanted };
        let Some(version) = key.versions.get(&number) else { return Ok(None) };
        let metadata = key.describe(number, version);
        let gone = version.is_gone(ask.now);
        let data = version.data.clone().filter(|_| !gone).map_or(Json::Null, Json::Object);
        let response =
            Response::data(Json::object([("data", data.through_float64()), ("metadata", metadata)]));
        Ok(Some(if gone { response.with_status(404) } else { response }))
    }

    fn write(&mut self, ask: &Ask<'_>) -> Outcome {
        let data = new_data(ask.data)?;
        let current = self.keys.get(ask.path);
        check_cas(ask.data, current, &self.settings)?;
        let key = self.keys.entry(ask.path.to_owned()).or_insert_with(|| Key::new(ask.now));
        key.add(data, &self.settings, ask.now);
        Ok(Some(written(key)))
    }

    /// A JSON merge patch on the current version.
    fn patch(&mut self, ask: &Ask<'_>) -> Outcome {
        let change = new_data(ask.data)?;
        let missing = Ok(Some(Response { bodiless: true, ..Response::default() }.with_status(404)));
        let Some(key) = self.keys.get_mut(ask.path) else { return missing };
        check_cas(ask.data, Some(key), &self.settings)?;
        let Some(version) = key.versions.get(&key.current) else { return missing };
        if version.is_gone(ask.now) {
            return Ok(Some(Response::data(key.describe(key.current, version)).with_status(404)));
        }
        let mut data = version.data.clone().unwrap_or_default();
        merge(&mut data, change);
        key.add(data, &self.settings, ask.now);
        Ok(Some(written(key)))
    }

    fn subkeys(&self, ask: &Ask<'_>) -> Outcome {
        if ask.operation != Operation::Read {
            return Err(Refusal::unsupported_operation());
        }
        let Some(mut response) = self.read(ask)? else { return Ok(None) };
        if let Some(Json::Object(data)) = &mut response.data {
            let names = data.remove("data").unwrap_or(Json::Null);
            data.insert("subkeys".to_owned(), without_values(names));
        }
        Ok(Some(response))
    }

    fn config(&mut self, ask: &Ask<'_>) -> Outcome {
        match ask.operation {
            Operation::Read => Ok(Some(Response::data(Json::object([
                ("max_versions", Json::from(self.settings.max_versions)),
                ("cas_required", Json::from(self.settings.cas_required)),
                ("metadata_cas_required", Json::from(false)),
                (
                    "delete_version_after",
                    Json::from(crate::vault::duration::go(self.settings.delete_version_after)),
                ),
            ])))),
            Operation::Create | Operation::Update => {
                self.settings.take(ask.data);
                Ok(None)
            }
            _ => Err(Refusal::unsupported_operation()),
        }
    }

    pub(super) fn list(&self, folder: &str) -> Response {
        Response::list(children(self.keys.keys(), folder))
    }
}

fn written(key: &Key) -> Response {
    Response {
        data: key.versions.get(&key.current).map(|v| key.describe(key.current, v)),
        ..Response::default()
    }
}

fn version(data: &Object) -> Result<u64, Refusal> {
    let nonsense = "Field validation failed: error converting input for field \"version\": '' cannot parse value \
                    as 'int': strconv.ParseInt: invalid syntax";
    match data.get("version") {
        None => Ok(0),
        Some(Json::String(text) | Json::Number(text)) => text.parse().map_err(|_| Refusal::said(nonsense)),
        Some(_) => Err(Refusal::said(nonsense)),
    }
}

fn new_data(data: &Object) -> Result<Object, Refusal> {
    match data.get("data") {
        Some(Json::Object(data)) => Ok(data.clone()),
        Some(Json::Null) => Ok(Object::new()),
        None => Err(Refusal::invalid("no data provided")),
        Some(_) => Err(Refusal::invalid(
            "error converting input for field \"data\": '' expected type 'map[string]interface {}', got \
             unconvertible type 'string'",
        )),
    }
}

fn check_cas(data: &Object, key: Option<&Key>, engine: &Settings) -> Result<(), Refusal> {
    let current = key.map_or(0, |key| key.current);
    match data.get("options").and_then(|options| options.get("cas")) {
        Some(Json::Number(text) | Json::String(text)) => match text.parse::<u64>() {
            Ok(cas) if cas == current => Ok(()),
            Ok(_) => Err(Refusal::invalid("check-and-set parameter did not match the current version")),
            Err(_) => Err(Refusal::invalid("error parsing check-and-set parameter")),
        },
        Some(_) => Err(Refusal::invalid("error parsing check-and-set parameter")),
        None if engine.cas_required || key.is_some_and(|key| key.settings.cas_required) => {
            Err(Refusal::invalid("check-and-set parameter required for this call"))
        }
        None => Ok(()),
    }
}

fn merge(data: &mut Object, change: Object) {
    for (name, value) in change {
        match (data.get_mut(&name), value) {
            (_, Json::Null) => drop(data.remove(&name)),
            (Some(Json::Object(inner)), Json::Object(change)) => merge(inner, change),
            (_, Json::Object(change)) => {
                let mut fresh = Object::new();
                merge(&mut fresh, change);
                data.insert(name, Json::Object(fresh));
            }
            (_, value) => drop(data.insert(name, value)),
        }
    }
}

fn without_values(value: Json) -> Json {
    match value {
        Json::Object(members) if !members.is_empty() => {
            Json::Object(members.into_iter().map(|(name, value)| (name, without_values(value))).collect())
        }
        _ => Json::Null,
    }
}

fn invalid_path(operation: Operation) -> Outcome {
    let command = match operation {
        Operation::Create | Operation::Update => "put",
        Operation::Patch => "patch",
        Operation::Read => "get",
        Operation::List => "list",
        Operation::Delete => "delete",
    };
    let warning = format!(
        "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to \
         use. If using the OpenBao CLI, use 'bao kv {command}' for this operation."
    );
    Ok(Some(Response { warnings: vec![warning], ignores_data: true, ..Response::default() }.with_status(404)))
}
