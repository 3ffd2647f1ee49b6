//! The Secrets Store CSI driver with its provider for AWS. Source: the README of the provider, and the definition of
//! `SecretProviderClass`, version 1.
//!
//! A class mounts values as files, and `secretObjects` make Secrets of these files. Of each of them an ExternalSecret is made.

use super::Settings;
use super::made::{Made, filled};
use crate::documents;
use crate::metadata::{self, Metadata};
use crate::reader::Fields;
use pawl_domain::ObjectName;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const GROUP: &str = "secrets-store.csi.x-k8s.io";

pub(super) fn read(root: Fields<'_>, settings: &Settings, made: &mut Made) -> Option<()> {
    let (Metadata { name: class, namespace, .. }, mut spec) = metadata::read::<ObjectName>(root)?;
    if spec.filled("provider") != Some("aws") {
        spec.error("provider", "is not aws, which alone is converted; write the ExternalSecret by hand");
        return None;
    }
    let mut parameters = spec.present("parameters", "is missing; write objects in it")?;
    let region = parameters.filled("region").map(str::to_owned).or_else(|| settings.region.clone());
    if region.is_none() {
        let what = "is missing, so it is the region of each node; write it, or say --region";
        parameters.error("region", what);
    }
    let files = files(&mut parameters);
    if parameters.has("failoverRegion") {
        let path = parameters.path_of("failoverRegion");
        parameters.notes().warning(path, "is left out: an ExternalSecret reads in one region");
    }
    parameters.without_effect(&["usePodIdentity", "preferredAddressType", "podIdentityHttpTimeout"]);
    parameters.close();
    if !spec.has("secretObjects") {
        let what = "is missing, so that the values are files in Pods and no Secret is made; write secretObjects, and let the Pods \
                    mount the Secret";
        spec.error("secretObjects", what);
    }
    if settings.service_account.is_none() {
        let what = "is read with the identity of each Pod's service account, and then with Pawl's own; to name a service account \
                    say --service-account";
        spec.notes().warning("spec.provider", what);
    }
    let region = region?;
    for mut object in spec.objects("secretObjects") {
        let Some(name) = object.name::<ObjectName>("secretName") else {
            object.error("secretName", "is missing; write the name of the Secret");
            continue;
        };
        let template = json!({
            "type": object.filled("type"),
            "metadata": { "labels": object.text_map("labels"), "annotations": object.text_map("annotations") },
        });
        let (mut data, mut first) = (Vec::new(), None);
        for mut item in object.objects("data") {
            let key = item.data_key("key", "the key of the Secret").map(str::to_owned);
            let file = item.required("objectName", "the alias of an object").map(str::to_owned);
            let (Some(key), Some(file)) = (key, file) else { continue };
            let Some(read) = files.get(&file) else {
                item.error(
                    "objectName",
                    "is no alias and no name in parameters.objects; correct one of them",
                );
                continue;
            };
            item.close();
            let provider = read.provider(&region, settings);
            let store = made.store(namespace.as_ref(), &format!("{class}-{}", read.service), provider);
            let is_first = *first.get_or_insert_with(|| store.clone()) == store;
            let reference = (!is_first).then(|| json!({ "storeRef": { "name": store } }));
            let remote = json!({ "key": read.key, "version": read.version, "property": read.property });
            data.push(filled(json!({ "secretKey": key, "remoteRef": remote, "sourceRef": reference })));
        }
        object.close();
        let Some(first) = first else { continue };
        let target = json!({ "template": filled(template) });
        let spec = json!({ "secretStoreRef": { "name": first }, "target": target, "data": data });
        made.secret(namespace.as_ref(), name.as_str(), spec);
    }
    spec.close();
    Some(())
}

/// What a mounted file holds.
struct Read {
    service: &'static str,
    key: String,
    version: Option<String>,
    property: Option<String>,
}

impl Read {
    /// Keys that are ARNs are of their own region.
    fn provider(&self, region: &str, settings: &Settings) -> Value {
        let own = self.key.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2));
        let account = settings.service_account.as_ref();
        let auth = account.map(|name| json!({ "jwt": { "serviceAccountRef": { "name": name } } }));
        let aws = json!({ "service": self.service, "region": own.unwrap_or(region), "auth": auth });
        filled(json!({ "aws": aws }))
    }
}

/// The objects, which are YAML within a text, by the names of their files.
fn files(parameters: &mut Fields<'_>) -> BTreeMap<String, Read> {
    let translation = parameters.filled("pathTranslation").unwrap_or("_").to_owned();
    let Some(text) = parameters.required("objects", "the list of objects, as a text") else {
        return BTreeMap::new();
    };
    let path = parameters.path_of("objects");
    let listed = documents::documents(text).into_iter().next().and_then(|document| document.content.ok());
    let Some(Value::Array(objects)) = listed else {
        parameters.error("objects", "is no list of YAML; write it as a list within a text");
        return BTreeMap::new();
    };
    let mut files = BTreeMap::new();
    for (index, object) in objects.iter().enumerate() {
        let Some(object) = Fields::of(object, format!("{path}[{index}]"), parameters.notes()) else {
            continue;
        };
        for (file, read) in file(object) {
            let file = if translation == "False" { file } else { file.replace('/', &translation) };
            files.insert(file, read);
        }
    }
    files
}

fn file(mut object: Fields<'_>) -> Vec<(String, Read)> {
    let Some(key) = object.required("objectName", "the name of the secret or parameter").map(str::to_owned)
    else {
        return Vec::new();
    };
    let service = match object.filled("objectType") {
        None if key.starts_with("arn:") && key.contains(":secretsmanager:") => "SecretsManager",
        Some("secretsmanager") => "SecretsManager",
        Some("ssmparameter") => "ParameterStore",
        _ => {
            object.error("objectType", "is not known; write secretsmanager or ssmparameter");
            return Vec::new();
        }
    };
    let id = object.filled("objectVersion");
    let id = id.map(|id| if service == "SecretsManager" { format!("uuid/{id}") } else { id.to_owned() });
    let version = id.or_else(|| object.filled("objectVersionLabel").map(str::to_owned));
    let alias = object.filled("objectAlias").unwrap_or(&key).to_owned();
    for field in ["failoverObject", "objectTemplate"] {
        if object.has(field) {
            let path = object.path_of(field);
            object.notes().warning(path, "is left out; an ExternalSecret has target.template for templates");
        }
    }
    object.without_effect(&["filePermission"]);
    let whole = Read { service, key: key.clone(), version: version.clone(), property: None };
    let mut found = vec![(alias, whole)];
    for mut part in object.objects("jmesPath") {
        let (path, alias) =
            (part.required("path", "the path"), part.required("objectAlias", "the file's name"));
        let (Some(path), Some(alias)) = (path, alias) else { continue };
        let Some(property) = property(path) else {
            part.error("path", "is more than names with dots between them; write it as a path of gjson");
            continue;
        };
        let read = Read { service, key: key.clone(), version: version.clone(), property: Some(property) };
        found.push((alias.to_owned(), read));
        part.without_effect(&["filePermission"]);
        part.close();
    }
    object.close();
    found
}

/// A path of JMESPath that names members, as a path of gjson: bare names, or names in quotes, with dots between them.
fn property(path: &str) -> Option<String> {
    let mut rest = path.trim();
    let mut names = Vec::new();
    loop {
        let (name, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
        };
        let is_quoted = rest.starts_with('"');
        let is_bare = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        let is_known = |sign: char| is_bare(sign) || (is_quoted && matches!(sign, '-' | '.' | '/' | ' '));
        if name.is_empty() || !name.chars().all(is_known) {
            return None;
        }
        names.push(name.replace('.', "\\."));
        match behind.strip_prefix('.') {
            Some(next) => rest = next,
            None if behind.is_empty() => return Some(names.join(".")),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::property;

    #[test]
    fn paths_of_names_are_paths_of_gjson() {
        for (path, want) in [
            ("username", Some("username")),
            ("db.user_1", Some("db.user_1")),
            (r#""api-key""#, Some("api-key")),
            (r#"tls."ca.crt""#, Some(r"tls.ca\.crt")),
            ("keys[0]", None),
            ("a || b", None),
            ("a.", None),
            ("", None),
            (r#""open"#, None),
            (r#""a"b"#, None),
        ] {
            assert_eq!(property(path).as_deref(), want, "{path}");
        }
    }
}
