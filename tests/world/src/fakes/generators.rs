//! Generators in memory: each thing that they make is another one.

use super::FakeClock;
use crate::door::{Door, lock};
use crate::fault::Point;
use pawl_domain::{Access, Generator, GeneratorKind, Kind, SecretValue, Step};
use pawl_ports::{Answer, Clock, Error, Generation, Generators};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Generators in memory. What one makes has its kind's keys, and values that tell which making it was: `made-1`, `made-2`...
/// of a Fake generator what stands in its manifest.
#[derive(Clone, Debug, Default)]
pub struct FakeGenerators {
    pub(crate) door: Door,
    pub(crate) clock: FakeClock,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    made: usize,
    lifetime: Option<Duration>,
    prefix: String,
}

impl FakeGenerators {
    /// What is made from now on is good for so long.
    pub fn expire_after(&self, lifetime: Duration) {
        lock(&self.state).lifetime = Some(lifetime);
    }

    /// What is made from now on holds this text.
    pub fn hide(&self, text: &str) {
        text.clone_into(&mut lock(&self.state).prefix);
    }

    async fn make(&self, access: &Access) -> Result<Generation, Error> {
        let Some(generator) = access.backend.as_generator() else {
            return Err(Error::new(Step::Fetch, Kind::Invalid, "it is no generator; ask a generator"));
        };
        let subject = generator.kind().as_str();
        self.door.arrive(Point::Generate, &[subject], |calls| calls.generations += 1).await;
        let passage = self.door.strike(Point::Generate, &[subject]).await?;
        let generation = {
            let mut state = lock(&self.state);
            state.made += 1;
            let value = SecretValue::new(format!("{}made-{}", state.prefix, state.made));
            let values: BTreeMap<String, SecretValue> = match generator {
                Generator::Fake(fake) => fake
                    .data
                    .iter()
                    .map(|entry| (entry.key.clone(), SecretValue::new(entry.value.as_bytes())))
                    .collect(),
                other => {
                    other.keys().into_iter().flatten().map(|key| (key.to_owned(), value.clone())).collect()
                }
            };
            let expires = state.lifetime.map(|lifetime| self.clock.now() + lifetime);
            Generation { values, expires }
        };
        passage.leave(generation)
    }
}

impl Generators for FakeGenerators {
    fn kinds(&self) -> Vec<GeneratorKind> {
        GeneratorKind::ALL.to_vec()
    }

    fn generate<'a>(&'a self, access: &'a Access) -> Answer<'a, Result<Generation, Error>> {
        Box::pin(self.make(access))
    }
}
