//! What is made so far.

use pawl_domain::Namespace;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Stores and ExternalSecrets.
#[derive(Clone, Default)]
pub(super) struct Made {
    /// The provider of each store, by its namespace and name.
    stores: BTreeMap<(Option<Namespace>, String), Value>,
    secrets: Vec<Value>,
}

impl Made {
    /// The name of the store of this namespace with this provider: one that was made before, or a new one that is called
    /// `name`, or `name-2` and so on where that is another store.
    pub(super) fn store(&mut self, namespace: Option<&Namespace>, name: &str, provider: Value) -> String {
        let base: String = name
            .chars()
            .map(|sign| if sign.is_ascii_alphanumeric() { sign.to_ascii_lowercase() } else { '-' })
            .collect();
        let base = base.trim_matches('-').to_owned();
        let names = (1..).map(|number| if number == 1 { base.clone() } else { format!("{base}-{number}") });
        for name in names {
            let key = (namespace.cloned(), name);
            match self.stores.get(&key) {
                Some(other) if *other != provider => {}
                Some(_) => return key.1,
                None => {
                    self.stores.insert(key.clone(), provider);
                    return key.1;
                }
            }
        }
        base
    }

    /// Keeps an ExternalSecret.
    pub(super) fn secret(&mut self, namespace: Option<&Namespace>, name: &str, spec: Value) {
        self.secrets.push(object("ExternalSecret", namespace, name, spec));
    }

    pub(super) fn into_manifests(self) -> Vec<Value> {
        let stores = self.stores.into_iter().map(|((namespace, name), provider)| {
            object("SecretStore", namespace.as_ref(), &name, json!({ "provider": provider }))
        });
        stores.chain(self.secrets).collect()
    }
}

/// An object without the fields whose value is null or empty.
pub(super) fn filled(fields: Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        _ => false,
    };
    match fields {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| (name, filled(value)));
            Value::Object(members.filter(|(_, value)| !is_empty(value)).collect::<Map<_, _>>())
        }
        Value::Array(elements) => Value::Array(elements.into_iter().map(filled).collect()),
        other => other,
    }
}

fn object(kind: &str, namespace: Option<&Namespace>, name: &str, spec: Value) -> Value {
    filled(json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": kind,
        "metadata": { "name": name, "namespace": namespace },
        "spec": spec,
    }))
}
