use super::FakeSources;
use super::sources::Standing;
use crate::calls::Calls;
use crate::fault::Point;
use pawl_domain::push::AsText;
use pawl_domain::push::metadata::{MANAGED_BY, MANAGER};
use pawl_domain::push::property::{self, Left};
use pawl_domain::{Access, Kind, Location, Provider, PushOutcome, Pushed, RemoteEntry, Step};
use pawl_ports::{Answer, Error, Sink};
use std::fmt::Display;

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
        let given = pushed.value(AsText::Plain).map_err(|error| invalid(key, error))?;
        let old = standing.as_ref().map(|standing| &standing.value);
        let new = property::with(pushed.to.property.as_deref(), old, given);
        let new = new.map_err(|error| invalid(key, error))?;
        let outcome = if old == Some(&new) {
            PushOutcome::Unchanged
        } else {
            self.count(|calls| calls.store_writes += 1);
            let change = self.0.rotate(&location, key, new.expose());
            self.0.tag(&location, key, MANAGED_BY, MANAGER);
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
                property::has(property, &standing.value).map_err(|error| invalid(&entry.key, error))?
            }
        };
        passage.leave(has)
    }

    async fn delete(&self, access: &Access, entry: &RemoteEntry) -> Result<(), Error> {
        let (location, key) = (access.backend.location(), &entry.key);
        let passage = self.0.door.pass(Point::Unpush, &[key], |calls| calls.unpushes += 1).await?;
        let Ok(Some(standing)) = self.ours(&location, key) else { return passage.leave(()) };
        let left = match &entry.property {
            None => Left::Nothing,
            Some(property) => {
                property::without(property, &standing.value).map_err(|error| invalid(key, error))?
            }
        };
        let left = match left {
            Left::AsItIs => return passage.leave(()),
            Left::Nothing => None,
            Left::Value(left) => Some(left),
        };
        self.count(|calls| calls.store_writes += 1);
        match left {
            None => self.0.delete(&location, key),
            Some(left) => self.0.rotate(&location, key, left.expose()),
        };
        passage.leave(())
    }

    /// What stands under a key, if it is managed here.
    fn ours(&self, location: &Location, key: &str) -> Result<Option<Standing>, Error> {
        let standing = self.0.standing(location, key);
        match standing {
            Some(standing) if standing.tags.get(MANAGED_BY).map(String::as_str) != Some(MANAGER) => {
                let message =
                    format!("{key}: it is not managed by {MANAGER}; remove it, or write another key");
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

fn invalid(key: &str, why: impl Display) -> Error {
    Error::new(Step::Push, Kind::Invalid, format!("{key}: {why}"))
}
