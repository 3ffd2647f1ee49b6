use super::{Ask, children};
use crate::vault::{
    call::Operation,
    json::{Json, Object},
    reply::{Outcome, Refusal, Response},
};
use std::collections::BTreeMap;

/// A version 1 engine: a key has one value, and nobody remembers the last one.
#[derive(Debug, Default)]
pub(crate) struct Store(BTreeMap<String, Object>);

/// The lease duration of values that say nothing of it: 32 days.
const LEASE: u64 = 2_764_800;

impl Store {
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    pub(crate) fn handle(&mut self, ask: &Ask<'_>) -> Outcome {
        match ask.operation {
            Operation::Read => Ok(self.0.get(ask.path).map(|data| Response {
                lease: Some(lease(data)),
                ..Response::data(Json::Object(data.clone()))
            })),
            Operation::Create | Operation::Update => self.write(ask),
            Operation::Delete => {
                self.0.remove(ask.path);
                Ok(None)
            }
            Operation::List => Ok(Some(Response::list(children(self.0.keys(), ask.path)))),
            Operation::Patch => Err(Refusal::unsupported_operation()),
        }
    }

    fn write(&mut self, ask: &Ask<'_>) -> Outcome {
        if ask.path.is_empty() {
            return Err(Refusal { ignores_data: true, ..Refusal::said("missing path") });
        }
        if ask.data.is_empty() {
            return Err(Refusal::said("missing data fields"));
        }
        self.0.insert(ask.path.to_owned(), ask.data.clone());
        Ok(None)
    }
}

/// A value may name its own lease duration, which no lease stands behind: it tells clients when to read again.
fn lease(data: &Object) -> u64 {
    let named = data.get("ttl").or_else(|| data.get("lease"));
    named.and_then(crate::vault::duration::seconds).unwrap_or(LEASE)
}
