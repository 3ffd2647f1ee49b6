use super::FakeSources;
use super::sources::Standing;
use crate::calls::Calls;
use crate::fault::Point;
use pawl_domain::{Access, Kind, Location, Provider, PushOutcome, Pushed, RemoteEntry, SecretValue, Step};
use pawl_ports::{Answer, Error, Sink};
use serde_json::{Map, Value};

/// The fake stores, which take values as Secrets Manager does: what they manage has a tag, JSON objects have properties, and
/// what stands there already is not written again. What is pushed here, [`FakeSources`] reads.
#[derive(Clone, Debug)]
pub struct FakeSink(pub(crate) FakeSources);

impl FakeSink {
    async fn write(&self, access: &Access, pushed: &Pushed) -> Result<PushOutcome, Error> {
        let (location, key) = (access.backend.location(), &pushed.to.key);
        let passage = self.0.door.pass(Point::Push, &[key], |calls| calls.pushes += 1).await?;
        if pushed.metadata.is_some() {
            return Err(invalid(key, "metadata is nothing that this store takes; leave it out"));
        }
        let standing = self.ours(&location, key)?;
        let given = given(pushed)?;
        let old = standing.as_ref().map(|standing| &standing.value);
        let new = match &pushed.to.property {
            None => given,
            Some(property) => {
                let mut object = old.map(|old| members(key, old)).transpose()?.unwrap_or_default();
                object.insert(property.clone(), Value::String(text(key, &given)?.to_owned()));
                encoded(object)
            }
        };
        let outcome = if old == Some(&new) {
            PushOutcome::Unchanged
        } else {
            self.count(|calls| calls.store_writes += 1);
            let change = self.0.rotate(&location, key, new.expose());
            self.0.tag(&location, key, MANAGED.0, MANAGED.1);
            PushOutcome::Written { version: change.version }
        };
        passage.leave(outcome)
    }

    async fn has(&self, access: &Access, entry: &RemoteEntry) -> Result<bool, Error> {
        let passage = self.0.door.pass(Point::Exists, &[&entry.key], |calls| calls.exists += 1).await?;
        let standing = self.0.standing(&access.backend.location(), &entry.key);
        let has = match (standing, &entry.property) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(standing), Some(property)) => {
                members(&entry.key, &standing.value).is_ok_and(|object| object.contains_key(property))
            }
        };
        passage.leave(has)
    }

    async fn delete(&self, access: &Access, entry: &RemoteEntry) -> Result<(), Error> {
        let (location, key) = (access.backend.location(), &entry.key);
        let passage = self.0.door.pass(Point::Unpush, &[key], |calls| calls.unpushes += 1).await?;
        let Ok(Some(standing)) = self.ours(&location, key) else { return passage.leave(()) };
        let rest = match &entry.property {
            None => Map::new(),
            Some(property) => {
                let mut object = members(key, &standing.value)?;
                if object.remove(property).is_none() {
                    return passage.leave(());
                }
                object
            }
        };
        self.count(|calls| calls.store_writes += 1);
        if rest.is_empty() {
            self.0.delete(&location, key);
        } else {
            self.0.rotate(&location, key, encoded(rest).expose());
        }
        passage.leave(())
    }

    /// What stands under a key, if it is managed here.
    fn ours(&self, location: &Location, key: &str) -> Result<Option<Standing>, Error> {
        let standing = self.0.standing(location, key);
        match standing {
            Some(standing) if standing.tags.get(MANAGED.0).map(String::as_str) != Some(MANAGED.1) => {
                let message =
                    format!("{key}: it is not managed by external-secrets; remove it, or write another key");
                Err(Error::new(Step::Push, Kind::Denied, message))
            }
            standing => Ok(standing),
        }
    }

    fn count(&self, count: impl FnOnce(&mut Calls)) {
        count(&mut crate::door::lock(&self.0.door.shared.calls));
    }
}

impl Sink for FakeSink {
    fn providers(&self) -> Vec<Provider> {
        vec![Provider::SecretsManager, Provider::ParameterStore, Provider::Vault]
    }

    fn push<'a>(&'a self, access: &'a Access, pushed: &'a Pushed) -> Answer<'a, Result<PushOutcome, Error>> {
        Box::pin(self.write(access, pushed))
    }

    fn exists<'a>(&'a self, access: &'a Access, entry: &'a RemoteEntry) -> Answer<'a, Result<bool, Error>> {
        Box::pin(self.has(access, entry))
    }

    fn remove<'a>(&'a self, access: &'a Access, entry: &'a RemoteEntry) -> Answer<'a, Result<(), Error>> {
        Box::pin(self.delete(access, entry))
    }
}

/// The tag of what is managed.
const MANAGED: (&str, &str) = ("managed-by", "external-secrets");

fn given(pushed: &Pushed) -> Result<SecretValue, Error> {
    let key = &pushed.to.key;
    match &pushed.secret_key {
        Some(name) => {
            let value = pushed.data.get(name).cloned();
            value.ok_or_else(|| invalid(key, &format!("secret key {name} does not exist")))
        }
        None => {
            let one = |(name, value): (&String, &SecretValue)| {
                Ok((name.clone(), Value::String(text(key, value)?.to_owned())))
            };
            Ok(encoded(pushed.data.iter().map(one).collect::<Result<_, Error>>()?))
        }
    }
}

fn members(key: &str, value: &SecretValue) -> Result<Map<String, Value>, Error> {
    serde_json::from_slice(value.expose()).map_err(|_| invalid(key, "what stands there is no JSON object"))
}

fn encoded(object: Map<String, Value>) -> SecretValue {
    SecretValue::new(Value::Object(object).to_string())
}

fn text<'a>(key: &str, value: &'a SecretValue) -> Result<&'a str, Error> {
    value.expose_str().ok_or_else(|| invalid(key, "a value that is no text cannot be part of an object"))
}

fn invalid(key: &str, why: &str) -> Error {
    Error::new(Step::Push, Kind::Invalid, format!("{key}: {why}"))
}
