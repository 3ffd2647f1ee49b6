//! Writes and deletes Secrets for PushSecrets. Source: ESO's Kubernetes provider, version 2.9.
//!
//! A Secret is read, changed and written whole, with the resourceVersion that was read: what somebody else wrote in between is
//! read again. Nothing marks what is managed, as with ESO.

use super::api::{Collection, Form};
use super::secrets::{Secrets, collection};
use crate::kit::{Call, Hidden, Reply};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::push::AsText;
use pawl_domain::push::metadata::KubernetesMetadata;
use pawl_domain::{Kind, PushOutcome, Pushed, RemoteEntry, SecretValue};
use pawl_ports::{Error, MOST_TRIES, OVERTAKEN};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A Secret as it stands, or is to stand. Annotations may hold copies of values, so there is no Debug.
#[derive(Clone, Deserialize)]
struct Object {
    metadata: Map<String, Value>,
    /// In base64.
    data: Option<BTreeMap<String, Hidden>>,
    #[serde(rename = "type")]
    kind: Option<String>,
    immutable: Option<bool>,
}

impl Secrets {
    /// Writes a Secret where it is not there as it should be.
    pub(super) async fn push(&self, pushed: &Pushed) -> Result<PushOutcome, Error> {
        let (at, name) = (collection(&self.store), pushed.to.key.as_str());
        let subject = at.shown(name);
        let call = self.api.call("update", &subject);
        let metadata = KubernetesMetadata::parse(pushed.metadata.as_ref());
        let metadata = metadata.map_err(|error| call.error(Kind::Invalid, error))?;
        if metadata.remote_namespace.is_some() {
            let what =
                "metadata.spec.remoteNamespace is not taken; write to a store whose remoteNamespace it is";
            return Err(call.error(Kind::Invalid, what));
        }
        let given = given(&call, pushed)?;
        for _ in 0..MOST_TRIES {
            let standing = self.standing(&call, at, name).await?;
            let wanted = wanted(standing.as_ref(), pushed, &metadata, &given);
            let written = match &standing {
                Some(standing) if standing.says_the_same(&wanted) => return Ok(PushOutcome::Unchanged),
                Some(_) => self.api.write("update", at, name, &wanted.body(at, name)).await,
                None => self.api.write("create", at, name, &wanted.body(at, name)).await,
            };
            match written {
                Err(error) if error.kind == Kind::Conflict => {}
                // It went after it was read.
                Ok(None) => {}
                written => return self.outcome(at, name, written?.as_ref()),
            }
        }
        Err(call.error(Kind::Conflict, OVERTAKEN))
    }

    /// Whether there is such a Secret, with the key.
    pub(super) async fn exists(&self, entry: &RemoteEntry) -> Result<bool, Error> {
        let (at, name) = (collection(&self.store), entry.key.as_str());
        let subject = at.shown(name);
        let standing = self.standing(&self.api.call("get", &subject), at, name).await?;
        Ok(standing.is_some_and(|standing| {
            let key = entry.property.as_ref();
            key.is_none_or(|key| standing.data.is_some_and(|data| data.contains_key(key)))
        }))
    }

    /// Deletes a key, or the Secret where no other is left.
    pub(super) async fn remove(&self, entry: &RemoteEntry) -> Result<(), Error> {
        let (at, name) = (collection(&self.store), entry.key.as_str());
        let subject = at.shown(name);
        let call = self.api.call("delete", &subject);
        for _ in 0..MOST_TRIES {
            let Some(mut standing) = self.standing(&call, at, name).await? else { return Ok(()) };
            let mut left = standing.data.take().unwrap_or_default();
            let is_there = entry.property.as_ref().is_none_or(|key| left.remove(key).is_some());
            if !is_there {
                return Ok(());
            }
            let written = if entry.property.is_some() && !left.is_empty() {
                standing.data = Some(left);
                self.api.write("update", at, name, &standing.body(at, name)).await
            } else {
                self.api.write("delete", at, name, &standing.deletion()).await
            };
            match written {
                Err(error) if error.kind == Kind::Conflict => {}
                written => return written.map(drop),
            }
        }
        Err(call.error(Kind::Conflict, OVERTAKEN))
    }

    async fn standing(
        &self,
        call: &Call<'_>,
        at: Collection<'_>,
        name: &str,
    ) -> Result<Option<Object>, Error> {
        let Some(reply) = self.api.object(at, name, Form::Whole).await? else { return Ok(None) };
        let object: Option<Object> = reply.object();
        object
            .filter(|object| object.metadata.contains_key("resourceVersion"))
            .map(Some)
            .ok_or_else(|| call.unreadable())
    }

    fn outcome(&self, at: Collection<'_>, name: &str, reply: Option<&Reply>) -> Result<PushOutcome, Error> {
        let metadata = reply.map(|reply| self.api.metadata(at, name, reply)).transpose()?;
        Ok(PushOutcome::Written { version: metadata.map(|metadata| metadata.version()) })
    }
}

/// The keys that are written, in base64. Source: ESO's `mergePushSecretData`.
fn given(call: &Call<'_>, pushed: &Pushed) -> Result<BTreeMap<String, Hidden>, Error> {
    let packed = |value: &SecretValue| Hidden::from(STANDARD.encode(value.expose()));
    match (&pushed.to.property, &pushed.secret_key) {
        (None, Some(_)) => {
            let what =
                "a Secret has keys; name the one to push to as remoteRef.property, or leave secretKey out";
            Err(call.error(Kind::Invalid, what))
        }
        (None, None) => Ok(pushed.data.iter().map(|(key, value)| (key.clone(), packed(value))).collect()),
        (Some(key), _) => {
            let value = pushed.value(AsText::Plain).map_err(|error| call.error(Kind::Invalid, error))?;
            Ok(BTreeMap::from([(key.clone(), packed(&value))]))
        }
    }
}

fn wanted(
    standing: Option<&Object>,
    pushed: &Pushed,
    metadata: &KubernetesMetadata,
    given: &BTreeMap<String, Hidden>,
) -> Object {
    let mut object = standing.cloned().unwrap_or_else(|| Object {
        metadata: Map::new(),
        data: None,
        kind: None,
        immutable: None,
    });
    object.kind = Some(if pushed.secret_type.is_empty() { "Opaque" } else { &pushed.secret_type }.to_owned());
    let mut data = if pushed.to.property.is_some() { object.data.take() } else { None }.unwrap_or_default();
    data.extend(given.clone());
    object.data = Some(data);
    let labels = metadata.labels(&pushed.labels, &object.marks("labels"));
    let annotations = metadata.annotations(&pushed.annotations, &object.marks("annotations"));
    for (field, marks) in [("labels", labels), ("annotations", annotations)] {
        object.metadata.insert(field.to_owned(), json!(marks));
    }
    object
}

impl Object {
    /// Labels or annotations.
    fn marks(&self, field: &str) -> BTreeMap<String, String> {
        let marks = self.metadata.get(field).and_then(Value::as_object).into_iter().flatten();
        marks.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && ["labels", "annotations"].into_iter().all(|field| self.marks(field) == other.marks(field))
            && self.data.iter().flatten().eq(other.data.iter().flatten())
    }

    /// The whole Secret.
    fn body(&self, at: Collection<'_>, name: &str) -> SecretValue {
        let mut metadata = self.metadata.clone();
        // Who wrote what is the server's to say.
        metadata.remove("managedFields");
        metadata.insert("name".to_owned(), name.into());
        metadata.insert("namespace".to_owned(), at.namespace.into());
        let head = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": self.kind,
            "immutable": self.immutable,
        });
        let (mut out, data) = (head.to_string().into_bytes(), self.data.iter().flatten());
        // In place of the brace at its end; base64 needs no escapes.
        out.pop();
        out.extend_from_slice(b",\"data\":{");
        for (place, (key, value)) in data.enumerate() {
            let comma = if place > 0 { "," } else { "" };
            out.extend_from_slice(format!("{comma}{}:\"", Value::from(key.as_str())).as_bytes());
            out.extend_from_slice(value.0.expose());
            out.push(b'"');
        }
        out.extend_from_slice(b"}}");
        SecretValue::new(out)
    }

    /// That this one is deleted, and no other that came since.
    fn deletion(&self) -> SecretValue {
        let of = |field: &str| self.metadata.get(field).cloned().unwrap_or_default();
        let preconditions = json!({ "uid": of("uid"), "resourceVersion": of("resourceVersion") });
        let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions });
        SecretValue::new(options.to_string())
    }
}
